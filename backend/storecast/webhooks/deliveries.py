"""Looking at deliveries and handling them again.

A replay puts deliveries back into the inbox as if they had just come; handlers and the marks on objects make that
safe, whatever has happened since. People see payloads masked, and the audit log says who looked at which.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.masking import masked_text
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.webhooks import deliveries_repository as repository
from storecast.webhooks import missed, payloads, registry
from storecast.webhooks.deliveries_repository import Wanted
from storecast.webhooks.errors import DeliveryUnknown
from storecast.webhooks.jobs import DrainInbox
from storecast.webhooks.models import InboxEntry
from storecast.webhooks.schemas import (
    DeliveryDetail,
    DeliveryReplay,
    DeliveryRow,
    DeliveryState,
    ReplayAnswer,
    TopicFigures,
    TopicReport,
)
from storecast.worker import outbox

log = structlog.get_logger(__name__)

PAGE = 50

MISSED_SHOWN = timedelta(days=14)


def list_page(session: Session, shop_id: ShopId, wanted: Wanted, *, cursor: str | None) -> Page[DeliveryRow]:
    """A page of deliveries, the newest first."""
    before = None if cursor is None else _read_cursor(cursor)
    found = repository.list_page(session, shop_id, wanted, before=before, limit=PAGE + 1)
    shown = found[:PAGE]
    following = encode_cursor(shown[-1].received_at, shown[-1].id) if len(found) > PAGE else None
    return Page(items=[_row(entry) for entry in shown], next_cursor=following)


def get_detail(session: Session, shop_id: ShopId, delivery_id: int, *, actor: str) -> DeliveryDetail:
    """The delivery with its masked payload; that somebody saw it is audited. Raises DeliveryUnknown."""
    entry = repository.find(session, shop_id, delivery_id)
    if entry is None:
        raise DeliveryUnknown
    audit.record(session, shop_id, actor, "webhook_payload_read", entry.webhook_id, topic=entry.topic)
    try:
        body = orjson.loads(entry.body)
    except orjson.JSONDecodeError:
        body = None
    return DeliveryDetail(
        **_row(entry).model_dump(),
        event_id=entry.event_id,
        api_version=entry.api_version,
        bytes=len(entry.body),
        payload=payloads.shown(entry.topic, body) if isinstance(body, dict) else None,
    )


def report_topics(session: Session, shop_id: ShopId, *, since: datetime, now: datetime) -> TopicReport:
    """Every topic that is handled or came, those with trouble first, and what never came."""
    counted = {
        row.topic: TopicFigures(handled=bool(registry.handlers(row.topic)), **row._asdict())
        for row in repository.figures_by_topic(session, shop_id, since=since)
    }
    silent = {"received": 0, "waiting": 0, "dead": 0, "stale": 0, "last_received_at": None}
    silent |= {f"{name}_{share}_ms": None for name in ("arrival", "handling") for share in ("p50", "p95")}
    for topic in registry.topics() - counted.keys():
        counted[topic] = TopicFigures.model_validate({"topic": topic, "handled": True, **silent})
    topics = sorted(counted.values(), key=lambda row: (-row.dead, row.handled, -row.received, row.topic))
    return TopicReport(
        since=since, topics=topics, missed=missed.list_days(session, shop_id, since=now - MISSED_SHOWN)
    )


def replay(
    session: Session,
    shop_id: ShopId | None,
    asked: DeliveryReplay,
    *,
    actor: str,
    now: datetime,
) -> ReplayAnswer:
    """Handle deliveries of one shop again, or of all shops (None: needs a session that sees them), oldest first."""
    states: Sequence[DeliveryState] = ("dead", "unhandled") if asked.state is None else (asked.state,)
    wanted = Wanted(
        ids=asked.ids, topic=asked.topic, since=asked.since, until=asked.until, states=tuple(states)
    )
    matched = repository.count(session, shop_id, wanted)
    if asked.dry_run:
        return ReplayAnswer(matched=matched, replayed=0, dry_run=True)
    replayed = repository.put_back(session, shop_id, wanted, now=now, limit=asked.cap)
    for owner in sorted(replayed):
        outbox.add(session, ShopId(owner), DrainInbox())
        facts = asked.model_dump(mode="json", exclude_none=True, exclude={"dry_run"})
        audit.record(
            session, ShopId(owner), actor, "webhooks_replayed", asked.topic or "deliveries",
            count=replayed[owner], **facts,
        )  # fmt: skip
    count = sum(replayed.values())
    log.info("webhooks_replayed", shop_id=shop_id, count=count)
    return ReplayAnswer(matched=matched, replayed=count, dry_run=False)


def state_of(entry: InboxEntry) -> DeliveryState:
    """What became of a delivery, in one word."""
    if entry.state == "dead":
        return "dead"
    if entry.state == "pending":
        return "retrying" if entry.attempts else "waiting"
    if entry.outcome == "unhandled":
        return "unhandled"
    return "stale" if entry.outcome in ("stale", "gone") else "applied"


def _row(entry: InboxEntry) -> DeliveryRow:
    return DeliveryRow(
        id=entry.id,
        webhook_id=entry.webhook_id,
        topic=entry.topic,
        state=state_of(entry),
        object_gid=entry.object_gid,
        triggered_at=entry.triggered_at,
        received_at=entry.received_at,
        done_at=entry.done_at,
        replayed_at=entry.replayed_at,
        attempts=entry.attempts,
        error=masked_text(entry.error) if entry.error else None,
        arrival_ms=_ms(entry.triggered_at, entry.received_at),
        handling_ms=None if entry.replayed_at else _ms(entry.received_at, entry.done_at),
    )


def _ms(start: datetime | None, end: datetime | None) -> int | None:
    # Shopify's clock is not ours: what seems to have arrived before it left took no time.
    return max(0, round((end - start).total_seconds() * 1000)) if start and end else None


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    at, row_id = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None or isinstance(row_id, bool) or not 0 <= row_id < 2**63:
            raise ValueError(cursor)
    except (TypeError, ValueError):
        raise Invalid(
            "The cursor is not one that this list handed out.",
            errors=[FieldError("/cursor", "unknown cursor", "cursor_invalid")],
        ) from None
    return instant, int(row_id)
