"""SQL of a shop's members, and the one look by which most requests know who asks.

The look answers for people of whom nothing has to be written or asked of Shopify; it is made anew for every request,
so that whoever was removed, given another role or signed out is told so by the next. For all others it finds nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Row, and_, bindparam, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from storecast.auth.models import ShopMember
from storecast.db.reading import Reading
from storecast.db.session import look
from storecast.kit.types import ShopId
from storecast.shops import selectables as shops

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_served = shops.served(bindparam("now")).subquery()
_AT_HOME = (
    select(
        _served.c.id,
        _served.c.domain,
        _served.c.currency,
        ShopMember.shopify_user_id,
        ShopMember.name,
        ShopMember.email,
        ShopMember.role,
    )
    .join(ShopMember, ShopMember.shop_id == _served.c.id)
    .where(
        ShopMember.shopify_user_id == bindparam("user_id"),
        ShopMember.removed_at.is_(None),
        ShopMember.last_seen_at >= bindparam("seen_after"),
    )
)
_EMBEDDED = _AT_HOME.where(_served.c.domain == bindparam("domain"), _served.c.usable, ShopMember.email != "")
_BROWSER = _AT_HOME.where(
    _served.c.id == bindparam("shop_id"),
    or_(
        ShopMember.signed_out_at.is_(None),
        ShopMember.signed_out_at < bindparam("signed_in_at"),
    ),
)


_LOOK_EMBEDDED, _LOOK_BROWSER = Reading(_EMBEDDED), Reading(_BROWSER)


def look_for_embedded(domain: str, user_id: str, *, now: datetime, seen: timedelta) -> AnyRow | None:
    """The known member of a shop whose token works, seen within the last ``seen``."""
    return look(_LOOK_EMBEDDED, {"domain": domain, "user_id": user_id, "now": now, "seen_after": now - seen})


def look_for_browser(
    shop_id: ShopId, user_id: str, signed_in_at: float, *, now: datetime, seen: timedelta
) -> AnyRow | None:
    """The same for a browser's session that began at an instant (seconds since 1970)."""
    began_at = datetime.fromtimestamp(signed_in_at, UTC)
    values = {"shop_id": shop_id, "user_id": user_id, "signed_in_at": began_at}
    return look(_LOOK_BROWSER, {**values, "now": now, "seen_after": now - seen})


def find_member(session: Session, shop_id: ShopId, user_id: str) -> ShopMember | None:
    return session.scalar(
        select(ShopMember).where(ShopMember.shop_id == shop_id, ShopMember.shopify_user_id == user_id)
    )


def put_member(
    session: Session,
    shop_id: ShopId,
    user_id: str,
    *,
    role: str,
    now: datetime,
    known: dict[str, Any],
    owner: bool = False,
) -> ShopMember:
    """Make the member with this role, or update what is ``known`` of them; ``owner`` when Shopify says so just now.

    An existing member keeps the role that people gave them, with two exceptions: the account's owner is the app's
    owner, and who could do everything only because nothing was known of them gets the role that is right for them.
    """
    values = {"shop_id": shop_id, "shopify_user_id": user_id, "role": role, "email": "", "name": ""} | known
    changes: dict[str, Any] = {**known, "last_seen_at": now, "updated_at": func.now()}
    if owner:
        values["account_owner"] = True
        changes |= {
            "role": case((ShopMember.role == "operator", "operator"), else_="owner"),
            "account_owner": True,
            "removed_at": None,
        }
    elif known:
        unknown_admin = and_(ShopMember.email == "", ShopMember.role == "admin")
        changes |= {"role": case((unknown_admin, role), else_=ShopMember.role), "account_owner": False}
    statement = insert(ShopMember).values(**values, last_seen_at=now)
    return session.scalars(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "shopify_user_id"], set_=changes
        ).returning(ShopMember),
        execution_options={"populate_existing": True},
    ).one()


def list_members(session: Session, shop_id: ShopId, *, limit: int) -> Sequence[ShopMember]:
    """The shop's members, those who may come in first, then by when they were seen."""
    query = select(ShopMember).where(ShopMember.shop_id == shop_id)
    order = (ShopMember.removed_at.is_not(None), ShopMember.last_seen_at.desc(), ShopMember.shopify_user_id)
    return session.scalars(query.order_by(*order).limit(limit)).all()


def lock_members(session: Session, shop_id: ShopId, user_id: str) -> Sequence[ShopMember]:
    """The member and every owner, kept from others until the commit: two owners who go at once leave one by one."""
    return session.scalars(
        select(ShopMember)
        .where(
            ShopMember.shop_id == shop_id,
            or_(ShopMember.shopify_user_id == user_id, ShopMember.role == "owner"),
        )
        .order_by(ShopMember.shopify_user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def sign_out(session: Session, user_id: str, now: datetime) -> None:
    """End the person's browser sessions in every shop that the session may see."""
    session.execute(update(ShopMember).where(ShopMember.shopify_user_id == user_id).values(signed_out_at=now))


def list_memberships(session: Session, user_id: str) -> dict[int, str]:
    """The person's role in each shop that they have opened the app of."""
    query = select(ShopMember.shop_id, ShopMember.role).where(
        ShopMember.shopify_user_id == user_id, ShopMember.removed_at.is_(None)
    )
    return {row.shop_id: row.role for row in session.execute(query)}


def list_names(session: Session, shop_id: ShopId | None, *, limit: int) -> list[tuple[str, str]]:
    """Id and name of the shop's named members, or of everybody's, last seen first; each person once."""
    latest = (
        select(ShopMember.shopify_user_id, ShopMember.name, ShopMember.last_seen_at)
        .where(ShopMember.name != "")
        .ext(distinct_on(ShopMember.shopify_user_id))
        .order_by(ShopMember.shopify_user_id, ShopMember.last_seen_at.desc())
    )
    if shop_id is not None:
        latest = latest.where(ShopMember.shop_id == shop_id)
    people = latest.subquery()
    query = (
        select(people.c.shopify_user_id, people.c.name).order_by(people.c.last_seen_at.desc()).limit(limit)
    )
    return [(row.shopify_user_id, row.name) for row in session.execute(query)]
