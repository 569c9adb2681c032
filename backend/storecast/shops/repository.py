"""SQL of shops and their tokens."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.shops.models import Shop, ShopToken


def find(session: Session, shop_id: ShopId) -> Shop | None:
    return session.get(Shop, shop_id)


# As text, and not the whole row: every list of the API asks, and a shop's row takes longer than a page of some.
_CURRENCY = text("SELECT currency FROM shops WHERE id = :shop_id")


def find_currency(session: Session, shop_id: ShopId) -> Row[tuple[Any]] | None:
    return session.execute(_CURRENCY, {"shop_id": shop_id}).first()


def lock(session: Session, shop_id: ShopId) -> Shop:
    """The row as it is now, kept from others until the commit."""
    query = select(Shop).where(Shop.id == shop_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def find_by_domain(session: Session, domain: str) -> Shop | None:
    return session.scalar(select(Shop).where(Shop.domain == domain))


_DOMAINS = text("SELECT id, domain FROM shops WHERE id = ANY(:ids)")


def domains(session: Session, shop_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(_DOMAINS, {"ids": list(shop_ids)})
    return {row.id: row.domain for row in rows}


def present(session: Session, shop_ids: Collection[int]) -> list[Shop]:
    query = select(Shop).where(Shop.id.in_(shop_ids), Shop.state != "uninstalled")
    return list(session.scalars(query.order_by(Shop.name, Shop.domain)))


def domains_like(session: Session, part: str, limit: int) -> list[str]:
    query = (
        select(Shop.domain)
        .where(Shop.domain.icontains(part, autoescape=True))
        .order_by(~Shop.domain.istartswith(part, autoescape=True), Shop.domain)
        .limit(limit)
    )
    return list(session.scalars(query))


def installed_ids(session: Session) -> list[int]:
    return list(session.scalars(select(Shop.id).where(Shop.state == "installed").order_by(Shop.id)))


def unavailable_ids(session: Session) -> list[int]:
    query = select(Shop.id).where(Shop.state.in_(("frozen", "closed"))).order_by(Shop.id)
    return list(session.scalars(query))


def set_token_scopes(session: Session, shop_id: ShopId, scopes: list[str]) -> None:
    session.execute(update(ShopToken).where(ShopToken.shop_id == shop_id).values(scopes=scopes))


def lock_or_create(session: Session, domain: str, values: dict[str, Any]) -> Shop:
    """The row of the domain, made from ``values`` when it is missing, locked until the commit."""
    session.execute(
        insert(Shop).values(domain=domain, **values).on_conflict_do_nothing(index_elements=["domain"])
    )
    return session.scalars(
        select(Shop).where(Shop.domain == domain).with_for_update().execution_options(populate_existing=True)
    ).one()


def find_token(session: Session, shop_id: ShopId) -> ShopToken | None:
    return session.scalar(
        select(ShopToken).where(ShopToken.shop_id == shop_id).execution_options(populate_existing=True)
    )


def lock_token(session: Session, shop_id: ShopId) -> ShopToken | None:
    """The row as it is now, kept from others until the commit."""
    return session.scalar(
        select(ShopToken)
        .where(ShopToken.shop_id == shop_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def idle_token_shops(session: Session, *, unused_since: datetime) -> list[int]:
    """Installed shops with a valid, renewable token that was not renewed since."""
    return list(
        session.scalars(
            select(Shop.id)
            .join(ShopToken, ShopToken.shop_id == Shop.id)
            .where(
                Shop.state == "installed",
                ShopToken.state == "valid",
                ShopToken.refresh_token.is_not(None),
                ShopToken.refreshed_at < unused_since,
            )
            .order_by(Shop.id)
        )
    )


def endless_token_shops(session: Session) -> list[int]:
    """Installed shops with a valid token that neither ends nor can be renewed."""
    return list(
        session.scalars(
            select(Shop.id)
            .join(ShopToken, ShopToken.shop_id == Shop.id)
            .where(
                Shop.state == "installed",
                ShopToken.state == "valid",
                ShopToken.expires_at.is_(None),
                ShopToken.refresh_token.is_(None),
            )
            .order_by(Shop.id)
        )
    )


def put_token(session: Session, shop_id: ShopId, values: dict[str, Any]) -> None:
    """Replace both tokens at once; whoever was renewing the old pair loses its lease."""
    row = {**values, "state": "valid", "lease_id": None, "lease_until": None}
    statement = insert(ShopToken).values(shop_id=shop_id, **row)
    session.execute(statement.on_conflict_do_update(index_elements=["shop_id"], set_=row))


def lease_token(session: Session, shop_id: ShopId, lease_id: UUID, *, now: datetime, until: datetime) -> bool:
    """Take the right to renew the token unless somebody holds it."""
    taken = session.execute(
        update(ShopToken)
        .where(
            ShopToken.shop_id == shop_id, or_(ShopToken.lease_until.is_(None), ShopToken.lease_until < now)
        )
        .values(lease_id=lease_id, lease_until=until)
        .returning(ShopToken.shop_id)
    )
    return taken.first() is not None


def end_lease(session: Session, shop_id: ShopId, lease_id: UUID, values: dict[str, Any]) -> bool:
    """Write the outcome of a renewal; False when the lease had passed to somebody else."""
    written = session.execute(
        update(ShopToken)
        .where(ShopToken.shop_id == shop_id, ShopToken.lease_id == lease_id)
        .values(**values, lease_id=None, lease_until=None)
        .returning(ShopToken.shop_id)
    )
    return written.first() is not None


def delete_token(session: Session, shop_id: ShopId) -> None:
    session.execute(delete(ShopToken).where(ShopToken.shop_id == shop_id))
