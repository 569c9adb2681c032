"""SQL over the inbox for people who look into it, and for replays."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, tuple_, update
from sqlalchemy.orm import Session, defer

from storecast.kit.types import ShopId
from storecast.webhooks.models import InboxEntry
from storecast.webhooks.schemas import DeliveryState

_done = InboxEntry.state == "done"

_STATES: dict[DeliveryState, ColumnElement[bool]] = {
    "waiting": and_(InboxEntry.state == "pending", InboxEntry.attempts == 0),
    "retrying": and_(InboxEntry.state == "pending", InboxEntry.attempts > 0),
    # Deliveries of before outcomes were recorded were applied.
    "applied": and_(_done, func.coalesce(InboxEntry.outcome, "applied") == "applied"),
    "stale": and_(_done, InboxEntry.outcome.in_(["stale", "gone"])),
    "unhandled": and_(_done, InboxEntry.outcome == "unhandled"),
    "dead": InboxEntry.state == "dead",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; ``text`` is a webhook id, an event id, or an object's global id or number."""

    ids: Sequence[int] | None = None
    topic: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    states: tuple[DeliveryState, ...] = ()
    text: str | None = None


def list_page(
    session: Session, shop_id: ShopId, wanted: Wanted, *, before: tuple[datetime, int] | None, limit: int
) -> Sequence[InboxEntry]:
    """Newest first, without the bodies."""
    statement = select(InboxEntry).options(defer(InboxEntry.body)).where(*_conditions(shop_id, wanted))
    if before is not None:
        statement = statement.where(tuple_(InboxEntry.received_at, InboxEntry.id) < before)
    order = (InboxEntry.received_at.desc(), InboxEntry.id.desc())
    return session.scalars(statement.order_by(*order).limit(limit)).all()


def find(session: Session, shop_id: ShopId, delivery_id: int) -> InboxEntry | None:
    return session.scalar(
        select(InboxEntry).where(InboxEntry.shop_id == shop_id, InboxEntry.id == delivery_id)
    )


def count(session: Session, shop_id: ShopId | None, wanted: Wanted) -> int:
    return session.scalar(select(func.count(InboxEntry.id)).where(*_conditions(shop_id, wanted))) or 0


def put_back(
    session: Session, shop_id: ShopId | None, wanted: Wanted, *, now: datetime, limit: int
) -> Counter[int]:
    """Make the oldest of these wait again; how many, by shop. Who drains one of them is waited for."""
    # Chosen first: inside the UPDATE a plan may evaluate the LIMIT more than once.
    chosen = session.scalars(
        select(InboxEntry.id)
        .where(*_conditions(shop_id, wanted))
        .order_by(InboxEntry.id)
        .limit(limit)
        .with_for_update()
    ).all()
    owners = session.scalars(
        update(InboxEntry)
        .where(InboxEntry.id.in_(chosen))
        .values(state="pending", attempts=0, error=None, outcome=None, done_at=None, replayed_at=now)
        .returning(InboxEntry.shop_id)
        .execution_options(synchronize_session=False)
    )
    return Counter(owner for owner in owners if owner is not None)


def figures_by_topic(session: Session, shop_id: ShopId, *, since: datetime) -> Sequence[Row[Any]]:
    """Counts and latencies of what came in the span; what was replayed says nothing of latency."""
    arrival = func.extract("epoch", InboxEntry.received_at - InboxEntry.triggered_at) * 1000
    handling = func.extract("epoch", InboxEntry.done_at - InboxEntry.received_at) * 1000

    def percentile(share: float, value: ColumnElement[Any]) -> ColumnElement[Any]:
        waited = func.percentile_cont(share).within_group(func.greatest(value, 0))
        return func.round(waited.filter(value.is_not(None), InboxEntry.replayed_at.is_(None)))

    return session.execute(
        select(
            InboxEntry.topic,
            func.count().label("received"),
            func.max(InboxEntry.received_at).label("last_received_at"),
            func.count().filter(InboxEntry.state == "pending").label("waiting"),
            func.count().filter(InboxEntry.state == "dead").label("dead"),
            func.count().filter(_STATES["stale"]).label("stale"),
            percentile(0.5, arrival).label("arrival_p50_ms"),
            percentile(0.95, arrival).label("arrival_p95_ms"),
            percentile(0.5, handling).label("handling_p50_ms"),
            percentile(0.95, handling).label("handling_p95_ms"),
        )
        .where(InboxEntry.shop_id == shop_id, InboxEntry.received_at >= since)
        .group_by(InboxEntry.topic)
    ).all()


def _conditions(shop_id: ShopId | None, wanted: Wanted) -> list[ColumnElement[bool]]:
    # A shop that nobody knows has no inbox that could be drained.
    found = [InboxEntry.shop_id.is_not(None) if shop_id is None else InboxEntry.shop_id == shop_id]
    if wanted.ids is not None:
        found.append(InboxEntry.id.in_(wanted.ids))
    if wanted.topic is not None:
        found.append(InboxEntry.topic == wanted.topic)
    if wanted.since is not None:
        found.append(InboxEntry.received_at >= wanted.since)
    if wanted.until is not None:
        found.append(InboxEntry.received_at < wanted.until)
    if wanted.states:
        found.append(or_(*(_STATES[state] for state in wanted.states)))
    if wanted.text:
        found.append(_named(wanted.text))
    return found


def _named(text: str) -> ColumnElement[bool]:
    names = [
        InboxEntry.webhook_id == text,
        InboxEntry.event_id == text,
        InboxEntry.object_gid == text,
    ]
    if text.isdecimal():
        names.append(InboxEntry.object_gid.like(f"%/{text}"))
    return or_(*names)
