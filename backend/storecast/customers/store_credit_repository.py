"""SQL of the ledger of store credit."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, StoreCreditEntry
from storecast.kit.types import ShopId

OPEN = ("planned", "sent", "unknown")


def add(session: Session, entry: StoreCreditEntry) -> None:
    session.add(entry)
    session.flush()
    session.refresh(entry)


def lock(session: Session, shop_id: ShopId, entry_id: int) -> StoreCreditEntry | None:
    return session.scalar(
        select(StoreCreditEntry)
        .where(StoreCreditEntry.shop_id == shop_id, StoreCreditEntry.id == entry_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_oldest_open(
    session: Session, shop_id: ShopId, customer_id: int
) -> tuple[StoreCreditEntry | None, str | None]:
    """The entry and its customer's gid. The customer's row is locked first: who waited sees what was claimed."""
    gid = session.scalar(
        select(Customer.gid)
        .where(Customer.shop_id == shop_id, Customer.id == customer_id)
        .with_for_update(key_share=True)
    )
    entry = session.scalar(
        select(StoreCreditEntry)
        .where(
            StoreCreditEntry.shop_id == shop_id,
            StoreCreditEntry.customer_id == customer_id,
            StoreCreditEntry.state.in_(OPEN),
        )
        .order_by(StoreCreditEntry.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return entry, gid


def settled_gids(session: Session, shop_id: ShopId, gids: Collection[str]) -> set[str]:
    """Those of the transactions that settle an entry already."""
    query = select(StoreCreditEntry.transaction_gid).where(
        StoreCreditEntry.shop_id == shop_id, StoreCreditEntry.transaction_gid.in_(gids)
    )
    return {gid for gid in session.scalars(query) if gid is not None}


def list_newest(
    session: Session, shop_id: ShopId, customer_id: int, before_id: int | None, limit: int
) -> Sequence[StoreCreditEntry]:
    query = select(StoreCreditEntry).where(
        StoreCreditEntry.shop_id == shop_id, StoreCreditEntry.customer_id == customer_id
    )
    if before_id is not None:
        query = query.where(StoreCreditEntry.id < before_id)
    return session.scalars(query.order_by(StoreCreditEntry.id.desc()).limit(limit)).all()


def sums(session: Session, shop_id: ShopId, customer_id: int) -> dict[str, tuple[int, int]]:
    """By currency, in minor units: what arrived, and what has not ended yet."""
    amount = func.sum(StoreCreditEntry.amount_minor)
    rows = session.execute(
        select(
            StoreCreditEntry.currency,
            func.coalesce(amount.filter(StoreCreditEntry.state == "done"), 0),
            func.coalesce(amount.filter(StoreCreditEntry.state.in_(OPEN)), 0),
        )
        .where(StoreCreditEntry.shop_id == shop_id, StoreCreditEntry.customer_id == customer_id)
        .group_by(StoreCreditEntry.currency)
    )
    return {currency: (int(given), int(on_its_way)) for currency, given, on_its_way in rows}
