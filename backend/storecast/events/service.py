"""Judging and stitching: what ProcessEvents does with the events that wait.

Every event is processed once, in order of its instant, in the transaction that marks it. Recomputing credits
and unsubscribing are other modules' work and leave here as jobs of the same commit.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.customers import service as customers
from storecast.events import behaviour, deliveries, repository
from storecast.events.behaviour import Moment
from storecast.events.deliveries import DeliveryFact, DeliveryRef
from storecast.events.jobs import TouchesRecorded, UnsubscribeRequested
from storecast.events.models import MessageEvent, PixelEvent
from storecast.events.repository import Seen
from storecast.events.verdicts import LONGEST_BURST, bursts, judge
from storecast.kit.chunks import batched
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.webhooks import erased
from storecast.worker import outbox

log = structlog.get_logger(__name__)

BATCH = 2000
"""Events per transaction: one round of statements for all of them, and locks held for well under a second."""

TOUCHES_PER_JOB = 500

PIXEL_SILENCE = timedelta(days=30)
"""How far back the settings page looks for a sign of life of the pixel."""


def process_message_events(session: Session, shop_id: ShopId, *, now: datetime) -> int:
    """Judge the next opens, clicks and unsubscribes; returns how many were taken."""
    events = repository.claim_message_events(session, shop_id, BATCH)
    if not events:
        return 0
    refs = {DeliveryRef(event.campaign_id, event.delivery_id) for event in events}
    facts = deliveries.find_facts(session, shop_id, refs)
    judged = [_judged(event, facts, now) for event in events]
    repository.record_verdicts(session, judged)
    machines = _demote_bursts(session, shop_id, events, facts)
    campaigns = {event.id: str(event.campaign_id) for event in events}
    _apply_engagement(session, shop_id, [row for row in judged if row["id"] not in machines], campaigns)
    asked = {_ref(event): event.occurred_at for event in events if event.kind == "unsubscribe"}
    for ref, at in sorted(asked.items()):
        outbox.add(session, shop_id, UnsubscribeRequested(ref.campaign_id, ref.delivery_id, at.isoformat()))
    log.info("message_events_processed", shop_id=shop_id, count=len(events))
    return len(events)


def process_pixel_events(session: Session, shop_id: ShopId, *, now: datetime) -> int:
    """Stitch the next storefront events to people; returns how many were taken."""
    events = repository.claim_pixel_events(session, shop_id, BATCH)
    if not events:
        return 0
    taken = len(events)
    events = _drop_erased(session, shop_id, events)
    if not events:
        return taken
    gids = {event.customer_gid for event in events if event.customer_gid}
    by_gid = customers.ids_by_gid(session, shop_id, gids) if gids else {}
    refs = {ref for event in events if (ref := _click_ref(event))}
    facts = deliveries.find_facts(session, shop_id, refs) if refs else {}
    signed_in = {
        event.client_id: by_gid[event.customer_gid] for event in events if event.customer_gid in by_gid
    }
    seen = _fold(events, signed_in, facts)
    known = repository.customers_of(session, shop_id, [item.client_id for item in seen])
    repository.merge_identities(
        session, shop_id, [item for item in seen if item.client_id in signed_in], certain=True
    )
    repository.merge_identities(
        session, shop_id, [item for item in seen if item.client_id not in signed_in], certain=False
    )
    _record_visits(session, shop_id, events, known)
    repository.mark_pixel_events(session, shop_id, events, now)
    clients = {event.client_id for event in events if event.delivery_id or event.name == "checkout_completed"}
    _announce_touches(session, shop_id, client_ids=clients)
    log.info("pixel_events_processed", shop_id=shop_id, count=taken)
    return taken


def record_returns(
    session: Session, shop_id: ShopId, returns: Sequence[tuple[DeliveryRef, int, str]], *, at: datetime
) -> None:
    """Note that deliveries came back, with customer and ``bounce`` or ``complaint``. Nothing is left to judge."""
    rows = [
        {
            "shop_id": shop_id,
            "id": uuid7(),
            "occurred_at": at,
            "kind": kind,
            "campaign_id": ref.campaign_id,
            "delivery_id": ref.delivery_id,
            "customer_id": customer_id,
            "verdict": "unknown",
            "processed_at": at,
        }
        for ref, customer_id, kind in returns
    ]
    repository.add_message_events(session, rows)


def pixel_panel(session: Session, shop_id: ShopId) -> dict[str, Any]:
    """What events add to the pixel's section of the settings page."""
    at, version = repository.last_pixel_event(session, shop_id, utcnow() - PIXEL_SILENCE)
    return {"last_event_at": at, "version": version}


def _drop_erased(session: Session, shop_id: ShopId, events: Sequence[PixelEvent]) -> Sequence[PixelEvent]:
    """Delete what people did who were erased; returns the others.

    Their browser is known too, until somebody else signs in with it.
    """
    named = {
        each for event in events for each in (event.customer_gid, event.order_gid, event.client_id) if each
    }
    gone = erased.find(session, shop_id, named)
    if not gone:
        return events

    def is_theirs(event: PixelEvent) -> bool:
        if event.customer_gid is not None:
            return event.customer_gid in gone
        return event.order_gid in gone or event.client_id in gone

    repository.delete_pixel_events(session, shop_id, [event for event in events if is_theirs(event)])
    return [event for event in events if not is_theirs(event)]


def _judged(event: MessageEvent, facts: dict[DeliveryRef, DeliveryFact], now: datetime) -> dict[str, Any]:
    fact = facts.get(_ref(event))
    verdict = event.verdict
    if event.kind not in ("open", "click"):
        verdict = "unknown"
    elif verdict == "unknown":  # the edge is sure only of machines
        accepted_at = fact.accepted_at if fact else None
        verdict = judge(event.user_agent, at=event.occurred_at, accepted_at=accepted_at)
    return {
        "shop_id": event.shop_id,
        "id": event.id,
        "occurred_at": event.occurred_at,
        "verdict": verdict,
        "kind": event.kind,
        "customer_id": fact.customer_id if fact else None,
        "processed_at": now,
    }


def _demote_bursts(
    session: Session,
    shop_id: ShopId,
    events: Sequence[MessageEvent],
    facts: dict[DeliveryRef, DeliveryFact],
) -> set[UUID]:
    """The clicks of bursts. Looks around the batch as well: a burst may have begun in the one before."""
    clicks = [event for event in events if event.kind == "click"]
    if not clicks:
        return set()
    since = clicks[0].occurred_at - LONGEST_BURST
    until = clicks[-1].occurred_at + LONGEST_BURST
    delivery_ids = {event.delivery_id for event in clicks}
    near = repository.clicks_between(session, shop_id, delivery_ids, since, until)
    found = bursts(near)
    if found:
        repository.set_verdict(session, shop_id, found, "machine", since, until)
        whose = {ref.delivery_id: (fact.customer_id, str(ref.campaign_id)) for ref, fact in facts.items()}
        before = found - {event.id for event in clicks}
        earlier = [
            (whose[click.delivery_id], click.at)
            for key, click in near
            if key in before and click.delivery_id in whose
        ]
        behaviour.retract_clicks(
            session,
            shop_id,
            (Moment(who, "clicked", at, campaign) for (who, campaign), at in earlier),
            unrecorded=[event.id for event in events],
        )
    return found


def _apply_engagement(
    session: Session, shop_id: ShopId, judged: Iterable[dict[str, Any]], campaigns: dict[UUID, str]
) -> None:
    people = [row for row in judged if row["verdict"] == "human" and row["customer_id"] is not None]
    if not people:
        return
    behaviour.record(
        session,
        shop_id,
        (
            Moment(
                row["customer_id"],
                behaviour.BY_MESSAGE[row["kind"]],
                row["occurred_at"],
                campaigns[row["id"]],
            )
            for row in people
        ),
    )
    _announce_touches(session, shop_id, customer_ids={row["customer_id"] for row in people})


def _record_visits(
    session: Session, shop_id: ShopId, events: Sequence[PixelEvent], known: dict[str, int]
) -> None:
    """Roll up what known customers did; of a browser that has just become known, all that it did before as well."""
    now_known = repository.customers_of(session, shop_id, {event.client_id for event in events})
    moments = behaviour.earlier(session, shop_id, now_known.keys() - known.keys())
    for event in events:
        kind, customer_id = behaviour.BY_PIXEL.get(event.name), now_known.get(event.client_id)
        if kind and customer_id:
            at = min(event.occurred_at, event.received_at)
            moments.append(Moment(customer_id, kind, at, event.product_gid))
    behaviour.record(session, shop_id, moments)


def _announce_touches(
    session: Session, shop_id: ShopId, *, customer_ids: Collection[int] = (), client_ids: Collection[str] = ()
) -> None:
    for some in batched(sorted(customer_ids), TOUCHES_PER_JOB):
        outbox.add(session, shop_id, TouchesRecorded(customer_ids=some))
    for names in batched(sorted(client_ids), TOUCHES_PER_JOB):
        outbox.add(session, shop_id, TouchesRecorded(client_ids=names))


def _fold(
    events: Iterable[PixelEvent], signed_in: dict[str, int], facts: dict[DeliveryRef, DeliveryFact]
) -> list[Seen]:
    """One entry a client; events come in order, so a later click replaces an earlier one."""
    seen: dict[str, Seen] = {}
    for event in events:
        before = seen.get(event.client_id)
        ref = _click_ref(event)
        fact = facts.get(ref) if ref else None
        customer_id = signed_in.get(event.client_id)
        if customer_id is None:
            customer_id = fact.customer_id if fact else (before.customer_id if before else None)
        seen[event.client_id] = Seen(
            client_id=event.client_id,
            seen_at=event.occurred_at,
            customer_id=customer_id,
            campaign_id=ref.campaign_id if ref else (before.campaign_id if before else None),
            delivery_id=ref.delivery_id if ref else (before.delivery_id if before else None),
            clicked_at=event.occurred_at if ref else (before.clicked_at if before else None),
        )
    return list(seen.values())


def _ref(event: MessageEvent) -> DeliveryRef:
    return DeliveryRef(event.campaign_id, event.delivery_id)


def _click_ref(event: PixelEvent) -> DeliveryRef | None:
    if event.campaign_id is None or event.delivery_id is None:
        return None
    return DeliveryRef(event.campaign_id, event.delivery_id)
