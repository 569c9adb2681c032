"""Draining the inbox: deliveries of a shop in order of arrival, each in a savepoint of its own.

Drains of one shop take turns. A delivery that fails keeps its place and holds up nobody: it is tried again by its
own clock, however many others arrive meanwhile, until it is dead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import structlog
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.shops import availability
from storecast.shops import service as shops
from storecast.webhooks import registry, repository
from storecast.webhooks.models import InboxEntry

log = structlog.get_logger(__name__)

BATCH = 200
"""Entries per transaction: large enough to spread the commit, small enough that locks on customers stay short."""

MAX_ATTEMPTS = 5

RETRY_BASE_S = 5.0
"""Five tries span 75 seconds after the arrival: a lock or a restart passes in that time, a bug does not."""


KEEP_HANDLED = timedelta(days=7)
"""Long enough to see what a delivery said when a merchant asks about last week."""

KEEP_DEAD = timedelta(days=30)
"""A fix for what killed them comes within a month, or they are no longer worth replaying."""


@dataclass(frozen=True, slots=True)
class InboxFigures:
    """What a shop's inbox looks like now."""

    last_received_at: datetime | None
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class Drained:
    """What one batch did, and in how many seconds a delivery that failed is due again (None: none waits)."""

    handled: int
    failed: int
    retry_in_s: float | None

    @property
    def may_leave_more(self) -> bool:
        """Whether entries may be due that this batch had no room for."""
        return self.handled + self.failed == BATCH


def forget(session: Session, *, now: datetime) -> int:
    """Delete the deliveries of every shop that are past their time; returns how many.

    Privacy topics of shops that Storecast does not know have nothing to erase: they go like handled ones.
    """
    return repository.delete_over(session, done_before=now - KEEP_HANDLED, dead_before=now - KEEP_DEAD)


def drain(session: Session, shop_id: ShopId, *, now: datetime) -> Drained:
    """Handle the next entries of the shop; an entry that fails keeps its place and its error."""
    repository.take_turns(session, shop_id)
    entries = repository.lock_due(session, shop_id, now=now, retry_base_s=RETRY_BASE_S, limit=BATCH)
    handled = sum(_handle(session, shop_id, entry) for entry in entries)
    if entries:
        availability.ask_soon(session, shops.get(session, shop_id))
    session.flush()  # the attempts just counted decide when the next try is due
    next_try_at = repository.next_try_at(session, shop_id, retry_base_s=RETRY_BASE_S)
    retry_in_s = max(1.0, (next_try_at - now).total_seconds()) if next_try_at is not None else None
    return Drained(handled, len(entries) - handled, retry_in_s)


def _handle(session: Session, shop_id: ShopId, entry: InboxEntry) -> bool:
    entry.attempts += 1
    try:
        delivery = registry.Delivery(
            entry.topic, entry.webhook_id, entry.event_id, entry.triggered_at, orjson.loads(entry.body)
        )
        with session.begin_nested():
            for handler in _handlers(session, shop_id, entry.topic):
                handler(session, shop_id, delivery)
    except Exception as error:  # noqa: BLE001  # whatever a payload makes a handler do must not stop the deliveries behind it
        entry.error = f"{type(error).__name__}: {error}"
        if isinstance(error, Permanent) or entry.attempts >= MAX_ATTEMPTS:
            entry.state = "dead"
        log.warning(
            "webhook_failed",
            topic=entry.topic,
            webhook_id=entry.webhook_id,
            error=type(error).__name__,
            dead=entry.state == "dead",
        )
        return False
    entry.state = "done"
    entry.error = None
    entry.done_at = utcnow()
    return True


def _handlers(session: Session, shop_id: ShopId, topic: str) -> list[registry.Handler]:
    """Who takes the delivery: a late one must not bring back data of a shop that has left or was redacted."""
    left = shops.get(session, shop_id).state == "uninstalled"
    return [] if left and topic not in registry.FOR_DEPARTED else registry.handlers(topic)


def figures(session: Session, shop_id: ShopId) -> InboxFigures:
    """The state of the shop's inbox, for its settings page."""
    return InboxFigures(*repository.figures(session, shop_id))
