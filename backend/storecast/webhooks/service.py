"""Draining the inbox: deliveries of a shop in order of arrival, each in a savepoint of its own."""

from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.webhooks import registry
from storecast.webhooks.models import InboxEntry

log = structlog.get_logger(__name__)

BATCH = 200
"""Entries per transaction: large enough to spread the commit, small enough that locks on customers stay short."""

MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class InboxFigures:
    """What a shop's inbox looks like now."""

    last_received_at: datetime | None
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class Drained:
    """What one batch did."""

    handled: int
    failed: int


def drain(session: Session, shop_id: ShopId) -> Drained:
    """Handle the next entries of the shop; an entry that fails keeps its place and its error."""
    entries = session.scalars(
        select(InboxEntry)
        .where(InboxEntry.shop_id == shop_id, InboxEntry.state == "pending")
        .order_by(InboxEntry.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    failed = 0
    for entry in entries:
        if not _handle(session, shop_id, entry):
            failed += 1
    return Drained(len(entries) - failed, failed)


def _handle(session: Session, shop_id: ShopId, entry: InboxEntry) -> bool:
    entry.attempts += 1
    delivery = registry.Delivery(
        entry.topic, entry.webhook_id, entry.event_id, entry.triggered_at, orjson.loads(entry.body)
    )
    try:
        with session.begin_nested():
            for handler in registry.handlers(entry.topic):
                handler(session, shop_id, delivery)
    except Exception as error:  # noqa: BLE001  # whatever a payload makes a handler do must not stop the deliveries behind it
        entry.error = f"{type(error).__name__}: {error}"
        if entry.attempts >= MAX_ATTEMPTS:
            entry.state = "dead"
        log.warning(
            "webhook_failed", topic=entry.topic, webhook_id=entry.webhook_id, error=type(error).__name__
        )
        return entry.state == "dead"
    entry.state = "done"
    entry.error = None
    entry.done_at = utcnow()
    return True


def figures(session: Session, shop_id: ShopId) -> InboxFigures:
    """The state of the shop's inbox, for its settings page."""
    row = session.execute(
        select(
            func.max(InboxEntry.received_at),
            func.count().filter(InboxEntry.state == "pending"),
            func.count().filter(InboxEntry.state == "dead"),
        ).where(InboxEntry.shop_id == shop_id)
    ).one()
    return InboxFigures(*row)
