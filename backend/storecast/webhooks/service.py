"""Draining the inbox: deliveries of a shop in order of arrival, each in a savepoint of its own.

Drains of one shop take turns, so deliveries about one object are handled one after the other. A delivery that fails
keeps its place and holds up nobody: it is tried again by its own clock, however many others arrive meanwhile, until it
is dead. What by then is older than what was applied, or is about something deleted, is done without its handlers
(`objects`): in whatever order a history of deliveries comes, and however often, it ends in the same rows. Deliveries
about somebody who was erased are done without their handlers too, and nothing that names them keeps its body.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.shops import availability
from storecast.shops import service as shops
from storecast.webhooks import erased, missed, objects, registry, repository
from storecast.webhooks.jobs import DRAIN, DrainInbox
from storecast.webhooks.models import InboxEntry
from storecast.webhooks.objects import Known
from storecast.webhooks.report import Report
from storecast.worker import outbox

log = structlog.get_logger(__name__)

BATCH = 200
"""Entries per transaction: large enough to spread the commit, small enough that locks on customers stay short."""

BATCH_S = 5.0
"""And no longer than this: what a batch has handled is safe from whatever kills its worker only when it commits."""

MAX_ATTEMPTS = 5

RETRY_BASE_S = 5.0
"""Five tries span 75 seconds after the arrival: a lock or a restart passes in that time, a bug does not."""


OVERDUE = timedelta(minutes=2)
"""Longer than the five tries of a delivery, so that what waits for so long waits for nobody."""

EMPTIED = b'{"erased": true}'
"""What is left of a delivery that named somebody who was erased."""

KEEP_HANDLED = timedelta(days=7)
"""Long enough to see what a delivery said when a merchant asks about last week."""

KEEP_DEAD = timedelta(days=30)
"""A fix for what killed them comes within a month, or they are no longer worth replaying."""

KEEP_MARKS = KEEP_DEAD + timedelta(days=10)
"""Longer than the oldest delivery that can be replayed, and than a bulk result (it may take ten days) is on its way."""


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
    may_leave_more: bool = False
    """Whether entries may be due that this batch had no room or no time for."""


def forget(session: Session, *, now: datetime) -> int:
    """Delete the deliveries of every shop that are past their time; returns how many.

    Privacy topics of shops that Storecast does not know have nothing to erase: they go like handled ones. What is
    known of objects goes when no delivery that is kept can be older.
    """
    objects.forget(session, before=now - KEEP_MARKS)
    missed.forget(session, now=now)
    return repository.delete_over(session, done_before=now - KEEP_HANDLED, dead_before=now - KEEP_DEAD)


def sweep(session: Session, *, now: datetime) -> int:
    """Stage the drain of every shop whose oldest delivery has waited for `OVERDUE`; returns of how many.

    A shop whose drain waits or runs is left to it: its deliveries may be between their tries.
    """
    overdue = repository.list_overdue(session, before=now - OVERDUE, drain=DRAIN)
    for shop_id in overdue:
        outbox.add(session, shop_id, DrainInbox())
    return len(overdue)


def drain(session: Session, shop_id: ShopId, *, now: datetime) -> Drained:
    """Handle the next entries of the shop; an entry that fails keeps its place and its error."""
    repository.take_turns(session, shop_id)
    entries = repository.lock_due(session, shop_id, now=now, retry_base_s=RETRY_BASE_S, limit=BATCH)
    # Held: the session would forget it, and ask for it again with each delivery.
    shop = shops.get(session, shop_id)
    if entries:
        availability.ask_soon(session, shop)
    reports = [Report.read(entry) for entry in entries]
    known = Known.load(session, shop_id, {report.gid for report in reports if report.gid})
    known.erased = erased.find(session, shop_id, {gid for report in reports for gid in report.named})
    handled = failed = 0
    ends_at = time.monotonic() + BATCH_S
    for entry, report in zip(entries, reports, strict=True):
        if _handle(session, shop_id, entry, report, known):
            handled += 1
        else:
            failed += 1
        if time.monotonic() > ends_at:
            break
    known.save(session, shop_id)
    repository.save(session, entries[: handled + failed])
    next_try_at = repository.next_try_at(session, shop_id, retry_base_s=RETRY_BASE_S)
    retry_in_s = max(1.0, (next_try_at - now).total_seconds()) if next_try_at is not None else None
    may_leave_more = len(entries) == BATCH or handled + failed < len(entries)
    return Drained(handled, failed, retry_in_s, may_leave_more)


def drain_on(session: Session, shop_id: ShopId) -> None:
    """Stage the next drain of the shop, behind what other shops have waiting by now."""
    outbox.add(session, shop_id, DrainInbox())


def _handle(session: Session, shop_id: ShopId, entry: InboxEntry, report: Report, known: Known) -> bool:
    entry.attempts += 1
    entry.object_gid = report.gid
    try:
        entry.outcome = _apply(session, shop_id, entry, report, known)
    except Exception as error:  # noqa: BLE001  # whatever a payload makes a handler do must not stop the deliveries behind it
        entry.error = f"{type(error).__name__}: {error}"
        if isinstance(error, Permanent) or entry.attempts >= MAX_ATTEMPTS:
            entry.state = "dead"
            _empty(entry, report, known)
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
    _empty(entry, report, known)
    return True


def _empty(entry: InboxEntry, report: Report, known: Known) -> None:
    """Forget what a delivery said that is not needed any more, if it named somebody who was erased."""
    if not known.erased.isdisjoint(report.named):
        entry.body, entry.object_gid = EMPTIED, None


def _handlers(session: Session, shop_id: ShopId, topic: str) -> list[registry.Handler]:
    """Who takes the delivery: a late one must not bring back data of a shop that has left or was redacted."""
    left = shops.get(session, shop_id).state == "uninstalled"
    return [] if left and topic not in registry.FOR_DEPARTED else registry.handlers(topic)


def _apply(session: Session, shop_id: ShopId, entry: InboxEntry, report: Report, known: Known) -> str:
    """Hand the delivery to its handlers unless it comes too late; returns the outcome."""
    if not registry.handlers(entry.topic):
        return "unhandled"
    handlers = _handlers(session, shop_id, entry.topic)
    if not handlers:
        return "gone"
    payload = report.payload()
    if entry.body == EMPTIED or not known.erased.isdisjoint(report.subjects):
        return "gone"
    if report.gid and not report.ends and known.is_gone(report.gid):
        return "gone"
    ordered = (report.gid, report.aspect, report.at) if report.gid and report.aspect and report.at else None
    if ordered and known.is_stale(*ordered, entry.triggered_at):
        return "stale"
    delivery = registry.Delivery(entry.topic, entry.webhook_id, entry.event_id, entry.triggered_at, payload)
    with session.begin_nested():
        for handler in handlers:
            handler(session, shop_id, delivery)
        if report.gid and report.ends:
            ended_at = entry.triggered_at or entry.received_at
            objects.bury(session, shop_id, report.gid, at=ended_at, heir_gid=report.heir)
    if report.gid and report.ends:
        known.end(report.gid, entry.triggered_at or entry.received_at)
    elif ordered:
        known.note(*ordered, entry.triggered_at)
    return "applied"


def note_polled(
    session: Session, shop_id: ShopId, kind: str, seen: Sequence[tuple[str, datetime]], now: datetime
) -> int:
    """Count the changes that a poll found and no delivery has told of (`missed.note_polled`); returns how many."""
    return missed.note_polled(session, shop_id, kind, seen, now)


def count_dead(session: Session, shop_id: ShopId | None) -> int:
    """How many deliveries nobody could handle, of one shop or of all that the session sees."""
    return repository.count_dead(session, shop_id)


def figures(session: Session, shop_id: ShopId) -> InboxFigures:
    """The state of the shop's inbox, for its settings page."""
    return InboxFigures(*repository.figures(session, shop_id))
