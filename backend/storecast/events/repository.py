"""All SQL of events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.events.models import Identity, MessageEvent, PixelEvent
from storecast.events.verdicts import LinkClick, Verdict
from storecast.kit.types import ShopId


@dataclass(frozen=True, slots=True)
class Seen:
    """What a batch of pixel events says about one client id."""

    client_id: str
    seen_at: datetime
    customer_id: int | None = None
    campaign_id: int | None = None
    delivery_id: int | None = None
    clicked_at: datetime | None = None


def claim_message_events(session: Session, shop_id: ShopId, limit: int) -> Sequence[MessageEvent]:
    """The oldest unprocessed ones, locked; those that another run holds are left to it."""
    return session.scalars(
        select(MessageEvent)
        .where(MessageEvent.shop_id == shop_id, MessageEvent.processed_at.is_(None))
        .order_by(MessageEvent.occurred_at, MessageEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def claim_pixel_events(session: Session, shop_id: ShopId, limit: int) -> Sequence[PixelEvent]:
    """The oldest unprocessed ones, locked; those that another run holds are left to it."""
    return session.scalars(
        select(PixelEvent)
        .where(PixelEvent.shop_id == shop_id, PixelEvent.processed_at.is_(None))
        .order_by(PixelEvent.occurred_at, PixelEvent.seq, PixelEvent.event_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def record_verdicts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update message events by their primary key, many in one round trip."""
    session.execute(update(MessageEvent), rows)


def add_message_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        session.execute(insert(MessageEvent), rows)


def clicks_between(
    session: Session, shop_id: ShopId, delivery_ids: Collection[int], since: datetime, until: datetime
) -> list[tuple[UUID, LinkClick]]:
    rows = session.execute(
        select(
            MessageEvent.id, MessageEvent.delivery_id, MessageEvent.link_number, MessageEvent.occurred_at
        ).where(
            MessageEvent.shop_id == shop_id,
            MessageEvent.delivery_id.in_(delivery_ids),
            MessageEvent.kind == "click",
            MessageEvent.link_number.is_not(None),
            MessageEvent.occurred_at.between(since, until),
        )
    )
    return [(row.id, LinkClick(row.delivery_id, row.link_number or 0, row.occurred_at)) for row in rows]


def set_verdict(
    session: Session,
    shop_id: ShopId,
    event_ids: Collection[UUID],
    verdict: Verdict,
    since: datetime,
    until: datetime,
) -> None:
    session.execute(
        update(MessageEvent)
        .where(
            MessageEvent.shop_id == shop_id,
            MessageEvent.id.in_(event_ids),
            MessageEvent.occurred_at.between(since, until),
        )
        .values(verdict=verdict)
        .execution_options(synchronize_session=False)
    )


def mark_pixel_events(session: Session, shop_id: ShopId, events: Sequence[PixelEvent], now: datetime) -> None:
    session.execute(
        update(PixelEvent)
        .where(
            PixelEvent.shop_id == shop_id,
            PixelEvent.event_id.in_([event.event_id for event in events]),
            PixelEvent.occurred_at.between(events[0].occurred_at, events[-1].occurred_at),
        )
        .values(processed_at=now)
        .execution_options(synchronize_session=False)
    )


def delete_pixel_events(session: Session, shop_id: ShopId, events: Sequence[PixelEvent]) -> None:
    if not events:
        return
    session.execute(
        delete(PixelEvent)
        .where(
            PixelEvent.shop_id == shop_id,
            PixelEvent.event_id.in_([event.event_id for event in events]),
            PixelEvent.occurred_at.between(events[0].occurred_at, events[-1].occurred_at),
        )
        .execution_options(synchronize_session=False)
    )


def merge_identities(session: Session, shop_id: ShopId, seen: Sequence[Seen], *, certain: bool) -> None:
    """Fold what was seen into what is known: the later click wins, and who signed in outranks who was written to."""
    if not seen:
        return
    rows = [
        {
            "shop_id": shop_id,
            "client_id": item.client_id,
            "customer_id": item.customer_id,
            "campaign_id": item.campaign_id,
            "delivery_id": item.delivery_id,
            "clicked_at": item.clicked_at,
            "seen_at": item.seen_at,
        }
        for item in sorted(seen, key=lambda item: item.client_id)
    ]
    statement = insert(Identity).values(rows)
    new = statement.excluded
    later = and_(new.clicked_at.is_not(None), func.coalesce(new.clicked_at >= Identity.clicked_at, True))
    customer = (
        func.coalesce(new.customer_id, Identity.customer_id)
        if certain
        else func.coalesce(Identity.customer_id, new.customer_id)
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Identity.shop_id, Identity.client_id],
            set_={
                "customer_id": customer,
                "campaign_id": case((later, new.campaign_id), else_=Identity.campaign_id),
                "delivery_id": case((later, new.delivery_id), else_=Identity.delivery_id),
                "clicked_at": case((later, new.clicked_at), else_=Identity.clicked_at),
                "seen_at": func.greatest(new.seen_at, Identity.seen_at),
            },
        )
    )


def customers_of(session: Session, shop_id: ShopId, client_ids: Collection[str]) -> dict[str, int]:
    """The customers that stand behind these browsers, as far as they are known."""
    found = session.execute(
        select(Identity.client_id, Identity.customer_id).where(
            Identity.shop_id == shop_id,
            Identity.client_id.in_(list(client_ids)),
            Identity.customer_id.is_not(None),
        )
    )
    return {row.client_id: row.customer_id for row in found if row.customer_id is not None}


def last_pixel_event(
    session: Session, shop_id: ShopId, since: datetime
) -> tuple[datetime | None, str | None]:
    """Instant and version of the newest one. Bounded, so that only the partitions of the last days are looked at."""
    row = session.execute(
        select(PixelEvent.occurred_at, PixelEvent.pixel_version)
        .where(PixelEvent.shop_id == shop_id, PixelEvent.occurred_at >= since)
        .order_by(PixelEvent.occurred_at.desc())
        .limit(1)
    ).first()
    return (row.occurred_at, row.pixel_version) if row else (None, None)
