"""Rules of orders: the newest report of an order wins, and every change reaches its customer's facts."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from storecast.customers import service as customers
from storecast.customers.schemas import TimelineEntry
from storecast.kit.types import ShopId
from storecast.orders import anonymous, details_repository, repository, selectables
from storecast.orders.errors import OrderUnknown
from storecast.orders.jobs import OrderRecorded
from storecast.orders.models import Order
from storecast.orders.records import LINES, ORDERS, LineRecord, OrderDetails, OrderRecord
from storecast.webhooks import objects
from storecast.worker import outbox

log = structlog.get_logger(__name__)


def import_records(session: Session, shop_id: ShopId, records: Iterable[OrderRecord]) -> int:
    """Upsert orders as a source reported them; stale ones change nothing. Returns the rows written."""
    ORDERS.fill(session, records)
    objects.drop_gone(session, shop_id, ORDERS.name)
    anonymous.strip_staged_orders(session, shop_id)
    return repository.upsert_staged_orders(session, shop_id)


def import_lines(
    session: Session,
    shop_id: ShopId,
    lines: Iterable[LineRecord],
    *,
    as_of: datetime | None,
    whole: bool = False,
) -> None:
    """Upsert lines that were true at ``as_of``; call it after the orders of the same chunk.

    ``whole``: these are all lines of the chunk's orders, and others of theirs go.
    """
    LINES.fill(session, lines)
    anonymous.strip_staged_lines(session, shop_id)
    repository.upsert_staged_lines(session, shop_id, as_of=as_of)
    if whole:
        repository.drop_lines_of_staged(session, shop_id)


def list_lost_lines(session: Session, shop_id: ShopId) -> Sequence[int]:
    """Lines of the chunk's orders that it does not show; call it after `import_lines`."""
    return repository.list_lost_lines(session, shop_id)


def drop_lines(session: Session, shop_id: ShopId, ids: Sequence[int]) -> None:
    """Remove lines that Shopify no longer has."""
    repository.drop_lines(session, shop_id, ids)
    log.info("order_lines_dropped", shop_id=shop_id, count=len(ids))


def import_details(session: Session, shop_id: ShopId, details: OrderDetails) -> None:
    """Take over what the orders of the chunk showed inside them; call it after `import_records`."""
    details_repository.upsert_staged(session, shop_id, details)


def follow_import(session: Session, shop_id: ShopId) -> None:
    """Let customers' facts and attribution follow the orders of the chunk that were new or changed.

    For small imports; after a large one the facts of the whole shop are computed at once.
    """
    written = repository.list_written(session, shop_id)
    touched = sorted({customer_id for _, customer_id in written if customer_id is not None})
    customers.apply_order_facts(session, shop_id, selectables.TOTALS_OF_SOME, touched)
    for order_id, _ in written:
        outbox.add(session, shop_id, OrderRecorded(order_id))


def finish_import(session: Session, shop_id: ShopId) -> None:
    """Tie together what arrived out of order; the facts of the whole shop follow by `RescoreCustomers`."""
    repository.link(session, shop_id)


def rescore(session: Session, shop_id: ShopId) -> None:
    """Recompute the facts of all customers of the shop; scores are its fifths of today."""
    customers.apply_order_facts(session, shop_id, selectables.totals_by_customer(shop_id), None)


def record(
    session: Session,
    shop_id: ShopId,
    order: OrderRecord,
    lines: Sequence[LineRecord],
    details: OrderDetails | None = None,
) -> int | None:
    """Take over an order and what hangs on it; its id when something changed, None for a stale or repeated report."""
    order, lines = anonymous.strip(session, shop_id, order, lines)
    before = repository.customer_ids(session, shop_id, [order.gid])
    order_id = repository.upsert_one(session, shop_id, order)
    if order_id is None:
        return None
    repository.replace_lines(session, shop_id, order_id, lines)
    if details is not None:
        details_repository.replace(session, shop_id, order.gid, details)
    # An order may have moved to another customer: both change.
    touched = sorted(before | repository.customer_ids(session, shop_id, [order.gid]))
    customers.apply_order_facts(session, shop_id, selectables.TOTALS_OF_SOME, touched)
    outbox.add(session, shop_id, OrderRecorded(order_id))
    log.info("order_recorded", shop_id=shop_id, order_id=order_id)
    return order_id


def forget(session: Session, shop_id: ShopId, order_gid: str) -> None:
    """Remove an order with its lines; its customer's facts follow."""
    touched = sorted(repository.customer_ids(session, shop_id, [order_gid]))
    repository.delete(session, shop_id, order_gid)
    details_repository.delete(session, shop_id, order_gid)
    customers.apply_order_facts(session, shop_id, selectables.TOTALS_OF_SOME, touched)


def forget_customer(session: Session, shop_id: ShopId, customer_gid: str) -> None:
    """Remove a customer that the shop deleted; their orders stay, without them."""
    customer_id = customers.forget(session, shop_id, customer_gid)
    if customer_id is not None:
        repository.unlink_customer(session, shop_id, customer_id)


def merge_customers(session: Session, shop_id: ShopId, *, gone_gid: str, kept_gid: str) -> None:
    """Hand one customer's orders to another and remove the first; the other's facts follow. Safe to repeat."""
    customers.make_known(session, shop_id, kept_gid)
    kept_id = customers.ids_by_gid(session, shop_id, [kept_gid]).get(kept_gid)
    repository.move_to_customer(session, shop_id, gone_gid, kept_gid=kept_gid, kept_id=kept_id)
    forget_customer(session, shop_id, gone_gid)
    if kept_id is not None:
        customers.apply_order_facts(session, shop_id, selectables.TOTALS_OF_SOME, [kept_id])


def is_current(session: Session, shop_id: ShopId, order_gid: str, changed_at: datetime) -> bool:
    """Whether the stored order is as new as a change that was told of; an order that is gone needs no change."""
    stored_at = repository.updated_at(session, shop_id, order_gid)
    if stored_at is None:
        return order_gid in objects.find_gone(session, shop_id, [order_gid])
    return stored_at >= changed_at


def get(session: Session, shop_id: ShopId, order_id: int) -> Order:
    """The order; raises OrderUnknown."""
    order = repository.find(session, shop_id, order_id)
    if order is None:
        raise OrderUnknown
    return order


def count(session: Session, shop_id: ShopId) -> int:
    """How many orders the shop has, whatever became of them."""
    return repository.count(session, shop_id)


def timeline_of(session: Session, shop_id: ShopId, customer_id: int, limit: int) -> list[TimelineEntry]:
    """The customer's orders as timeline entries."""
    return [
        TimelineEntry(
            at=order.placed_at,
            kind="order",
            facts={
                "name": order.name,
                "total": {"amount_minor": order.total_minor, "currency": order.currency},
                "financial_status": order.financial_status,
                "cancelled": order.cancelled_at is not None,
            },
        )
        for order in repository.list_of_customer(session, shop_id, customer_id, limit)
    ]
