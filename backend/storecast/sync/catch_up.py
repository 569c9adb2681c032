"""Orders that something happened to: the topics of transactions, refunds, edits and fulfilments name an order only.

`orders/updated` follows each of them with the whole order. These topics are the second chance for the case that it
does not: after a grace time the stored order has to be as new as what happened to it, or it is read from Shopify.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.orders import service as orders
from storecast.shopify.client import AdminClient
from storecast.sync import importer, pages
from storecast.sync.jobs import CatchUpOrder
from storecast.worker import outbox

GRACE = timedelta(minutes=2)
"""Webhooks of one change arrive within seconds of each other; nobody waits for a status that long."""


def expect(session: Session, shop_id: ShopId, order_gid: str, changed_at: datetime, *, now: datetime) -> None:
    """Look after the grace time whether the order's own report has come, unless it is here already."""
    if not orders.is_current(session, shop_id, order_gid, changed_at):
        outbox.add(session, shop_id, CatchUpOrder(order_gid, changed_at.isoformat()), run_at=now + GRACE)


def is_due(session: Session, shop_id: ShopId, job: CatchUpOrder) -> bool:
    """Whether the order's own report is still missing."""
    return not orders.is_current(session, shop_id, job.order_gid, datetime.fromisoformat(job.changed_at))


def fetch(client: AdminClient, order_gid: str) -> list[bytes]:
    """The order and its lines as a bulk result writes them; nothing when Shopify does not show it (any more)."""
    lines, _absent = pages.read_by_ids(client, "orders", [order_gid])
    return lines


def take_over(session: Session, shop_id: ShopId, lines: list[bytes]) -> None:
    """Store what Shopify said, unless something newer has come meanwhile."""
    importer.import_chunk(session, shop_id, "orders", lines, whole=True)
    importer.finish(session, shop_id, "orders")
    orders.follow_import(session, shop_id)
