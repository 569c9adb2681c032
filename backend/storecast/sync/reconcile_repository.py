"""SQL of reconciliations: their rows, and the comparison of versions."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Select, Table, Text, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.customers import selectables as customers
from storecast.db.staging import Staging
from storecast.kit.types import ShopId
from storecast.orders import selectables as orders
from storecast.products import selectables as products
from storecast.sync.models import SyncReconciliation
from storecast.sync.resources import Resource
from storecast.webhooks import erased

THEIRS = Staging("staged_versions", {"gid": "text", "version": "timestamptz"})

_theirs = Table(THEIRS.name, MetaData(), Column("gid", Text), Column("version", DateTime(timezone=True)))

_VERSIONS: dict[Resource, Callable[[ShopId], Select[Any]]] = {
    "customers": customers.versions,
    "products": products.product_versions,
    "collections": products.collection_versions,
    "orders": orders.versions,
    "abandoned_checkouts": orders.checkout_versions,
    "segments": customers.segment_versions,
}


def open_new(session: Session, shop_id: ShopId, resource: Resource) -> int | None:
    """A new row; None when one of the resource is open."""
    return session.scalar(
        insert(SyncReconciliation)
        .values(shop_id=shop_id, resource=resource)
        .on_conflict_do_nothing()
        .returning(SyncReconciliation.id)
    )


def lock(session: Session, shop_id: ShopId, reconciliation_id: int) -> SyncReconciliation | None:
    return session.scalar(
        select(SyncReconciliation)
        .where(SyncReconciliation.shop_id == shop_id, SyncReconciliation.id == reconciliation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_page(
    session: Session, shop_id: ShopId, *, after_id: int | None, limit: int
) -> Sequence[SyncReconciliation]:
    """Newest first."""
    query = select(SyncReconciliation).where(SyncReconciliation.shop_id == shop_id)
    if after_id is not None:
        query = query.where(SyncReconciliation.id < after_id)
    return session.scalars(query.order_by(SyncReconciliation.id.desc()).limit(limit)).all()


def stage_theirs(session: Session, versions: Iterable[tuple[str, datetime]]) -> int:
    """Make Shopify's versions comparable; returns how many there are."""
    count = THEIRS.fill(session, versions)
    # It is compared with whole tables: without statistics the planner takes it for a small one and loops over it.
    session.execute(text(f"ANALYZE {THEIRS.name}"))
    return count


def drop_erased(session: Session, shop_id: ShopId) -> int:
    """Take out of Shopify's versions what we have erased, which is no drift; returns how many."""
    return erased.drop_staged(session, shop_id, THEIRS.name)


def count_ours(
    session: Session, shop_id: ShopId, resource: Resource, *, orders_since: datetime | None
) -> int:
    """How many we hold of what Shopify shows."""
    ours = _ours(shop_id, resource, orders_since).subquery()
    return session.scalar(select(func.count()).select_from(ours)) or 0


def list_missing(session: Session, shop_id: ShopId, resource: Resource, limit: int) -> list[str]:
    """What Shopify has and we do not."""
    ours = _VERSIONS[resource](shop_id).subquery()
    return _gids(
        session,
        select(_theirs.c.gid)
        .outerjoin(ours, ours.c.gid == _theirs.c.gid)
        .where(ours.c.gid.is_(None))
        .limit(limit),
    )


def list_stale(session: Session, shop_id: ShopId, resource: Resource, limit: int) -> list[str]:
    """What we hold in an older version."""
    ours = _VERSIONS[resource](shop_id).subquery()
    return _gids(
        session,
        select(_theirs.c.gid)
        .join(ours, ours.c.gid == _theirs.c.gid)
        .where(ours.c.version < _theirs.c.version)
        .limit(limit),
    )


def list_surplus(
    session: Session, shop_id: ShopId, resource: Resource, limit: int, *, orders_since: datetime | None
) -> list[str]:
    """What we hold and Shopify did not show, as far back as it shows anything."""
    ours = _ours(shop_id, resource, orders_since).subquery()
    return _gids(
        session,
        select(ours.c.gid)
        .outerjoin(_theirs, ours.c.gid == _theirs.c.gid)
        .where(_theirs.c.gid.is_(None))
        .limit(limit),
    )


def _ours(shop_id: ShopId, resource: Resource, orders_since: datetime | None) -> Select[Any]:
    if resource == "orders":
        return orders.versions(shop_id, placed_since=orders_since)
    return _VERSIONS[resource](shop_id)


def _gids(session: Session, query: Select[Any]) -> list[str]:
    return sorted(session.scalars(query).all())
