"""SQL of sync runs and their resources."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.sync.models import OPEN_STATES, SyncResource, SyncRun
from storecast.sync.resources import RESOURCES, Resource, named


@dataclass(frozen=True, slots=True)
class Wish:
    """How a run shall read: which resources, whole or by pages of a size, and narrowed by a search of Shopify's."""

    mode: str = "bulk"
    resources: tuple[Resource, ...] = RESOURCES
    batch_size: int | None = None
    custom_query: str | None = None


def create(session: Session, shop_id: ShopId, *, public_id: str, kind: str, wish: Wish) -> SyncRun | None:
    """A new run with its resources; None when the shop already has one that is not over."""
    run = session.scalar(
        insert(SyncRun)
        .values(
            shop_id=shop_id,
            public_id=public_id,
            kind=kind,
            mode=wish.mode,
            batch_size=wish.batch_size,
            custom_query=wish.custom_query,
        )
        .on_conflict_do_nothing()
        .returning(SyncRun)
    )
    if run is not None:
        session.add_all(
            SyncResource(shop_id=shop_id, sync_run_id=run.id, resource=resource)
            for resource in wish.resources
        )
        session.flush()  # their ids go into jobs
    return run


def find_open(session: Session, shop_id: ShopId) -> SyncRun | None:
    return session.scalar(select(SyncRun).where(SyncRun.shop_id == shop_id, SyncRun.state.in_(OPEN_STATES)))


def list_open(session: Session) -> list[tuple[int, int]]:
    """Id and shop of every run that is not over. Needs a session that sees all shops."""
    query = select(SyncRun.id, SyncRun.shop_id).where(SyncRun.state.in_(OPEN_STATES)).order_by(SyncRun.id)
    return [(row.id, row.shop_id) for row in session.execute(query)]


def find_latest(session: Session, shop_id: ShopId) -> SyncRun | None:
    return session.scalar(
        select(SyncRun).where(SyncRun.shop_id == shop_id).order_by(SyncRun.id.desc()).limit(1)
    )


def find_by_public_id(session: Session, shop_id: ShopId, public_id: str) -> SyncRun | None:
    return session.scalar(select(SyncRun).where(SyncRun.shop_id == shop_id, SyncRun.public_id == public_id))


def find(session: Session, shop_id: ShopId, run_id: int) -> SyncRun | None:
    return session.scalar(select(SyncRun).where(SyncRun.shop_id == shop_id, SyncRun.id == run_id))


def lock(session: Session, shop_id: ShopId, run_id: int) -> SyncRun | None:
    """The run, locked until the commit: steps of one run that meet take turns."""
    return session.scalar(
        select(SyncRun)
        .where(SyncRun.shop_id == shop_id, SyncRun.id == run_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_resources(session: Session, shop_id: ShopId, run_id: int) -> list[SyncResource]:
    """The resources of a run in the order of import."""
    found = session.scalars(
        select(SyncResource)
        .where(SyncResource.shop_id == shop_id, SyncResource.sync_run_id == run_id)
        .execution_options(populate_existing=True)
    ).all()
    return sorted(found, key=lambda item: RESOURCES.index(named(item.resource)))


def find_resource(session: Session, shop_id: ShopId, resource_id: int) -> SyncResource | None:
    return session.scalar(
        select(SyncResource)
        .where(SyncResource.shop_id == shop_id, SyncResource.id == resource_id)
        .execution_options(populate_existing=True)
    )


def find_by_operation(session: Session, shop_id: ShopId, operation_gid: str) -> SyncResource | None:
    return session.scalar(
        select(SyncResource).where(
            SyncResource.shop_id == shop_id, SyncResource.operation_gid == operation_gid
        )
    )


def list_page(session: Session, shop_id: ShopId, *, after_id: int | None, limit: int) -> Sequence[SyncRun]:
    """Newest first."""
    statement = select(SyncRun).where(SyncRun.shop_id == shop_id)
    if after_id is not None:
        statement = statement.where(SyncRun.id < after_id)
    return session.scalars(statement.order_by(SyncRun.id.desc()).limit(limit)).all()
