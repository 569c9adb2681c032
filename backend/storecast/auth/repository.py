"""SQL of a shop's members."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from storecast.auth.models import ShopMember
from storecast.kit.types import ShopId


def find_member(session: Session, shop_id: ShopId, user_id: str) -> ShopMember | None:
    return session.scalar(
        select(ShopMember).where(ShopMember.shop_id == shop_id, ShopMember.shopify_user_id == user_id)
    )


def put_member(
    session: Session, shop_id: ShopId, user_id: str, *, role: str, now: datetime, known: dict[str, Any]
) -> ShopMember:
    """Make the member or update what is ``known``; the role of an existing one is in ``known`` or stays."""
    values = {"shop_id": shop_id, "shopify_user_id": user_id, "role": role, "email": "", "name": ""} | known
    statement = insert(ShopMember).values(**values, last_seen_at=now)
    return session.scalars(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "shopify_user_id"],
            set_={**known, "last_seen_at": now, "updated_at": func.now()},
        ).returning(ShopMember),
        execution_options={"populate_existing": True},
    ).one()


def list_memberships(session: Session, user_id: str) -> dict[int, str]:
    """The person's role in each shop that they have opened the app of."""
    query = select(ShopMember.shop_id, ShopMember.role).where(ShopMember.shopify_user_id == user_id)
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
