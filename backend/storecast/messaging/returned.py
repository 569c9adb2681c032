"""What comes back of mail, whatever brought it: judged by one engine, written down once, acted on in the same commit.

    reply of a server ─┐
    notification mail ─┼→ Report → verdict → `message_returns`, an event of the delivery → suppression, consent
    provider's webhook ┘                                                                → the campaign's own judgement

A report counts for the delivery whose signed code it carries, in the shop that the code names, and for the address that
the delivery went to. Whatever else it says of addresses is not read. What is told twice is there once.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy.orm import Session

from storecast.events import deliveries
from storecast.events import service as events
from storecast.events.deliveries import DeliveryRef
from storecast.kit.types import ShopId
from storecast.messaging import returned_repository as repository
from storecast.messaging import service
from storecast.messaging.delivery import known_tokens
from storecast.messaging.jobs import ReturnsRecorded
from storecast.messaging.returns import verdicts
from storecast.messaging.returns.reports import Happened, Report, Verdict, short
from storecast.messaging.tokens import Tracked
from storecast.worker import outbox

log = structlog.get_logger(__name__)

KEPT = timedelta(days=400)
"""As long as events of messages; soft bounces count for much less."""

BELIEVED = timedelta(days=30)
"""How far back a report may date what happened: servers try for a week at most."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a batch of reports."""

    recorded: int = 0
    repeated: int = 0
    ignored: int = 0
    """Of no delivery of the shop, or not about the end of one."""


class Reply(NamedTuple):
    """A server's last word on a delivery that it did not take."""

    delivery_id: int
    customer_id: int
    email: str
    code: int
    text: str
    refused_address: bool


class _Return(NamedTuple):
    key: bytes
    tracked: DeliveryRef
    customer_id: int
    email: str
    verdict: Verdict
    status: str | None
    text: str
    at: datetime


def find_delivery(report: Report) -> Tracked | None:
    """The delivery that the report is about: the first of its codes that we signed."""
    opened = (known_tokens().open_raw(code) for code in report.codes)
    return next((tracked for tracked in opened if tracked is not None), None)


def take(
    session: Session, shop_id: ShopId, reports: Sequence[Report], *, source: str, now: datetime
) -> Counts:
    """Judge, record and act on reports that have been proven to come from their source. Safe to repeat."""
    refs = [_ref(report, shop_id) for report in reports]
    facts = deliveries.find_facts(session, shop_id, {ref for ref in refs if ref is not None})
    found: dict[bytes, _Return] = {}
    for report, ref in zip(reports, refs, strict=True):
        verdict = verdicts.judge(report)
        fact = facts.get(ref) if ref else None
        if ref is None or fact is None or not fact.email or verdict is Verdict.NOTHING:
            continue
        key = _key(source, report.event_id, verdict)
        at = report.at if report.at and now - BELIEVED <= report.at <= now else now
        status = report.status or verdicts.find_status(report.text)
        found[key] = _Return(key, ref, fact.customer_id, fact.email, verdict, status, report.text, at)
    fresh = _record(session, shop_id, list(found.values()), source=source, now=now)
    log.info("returns_taken", shop_id=shop_id, source=source, count=len(reports), fresh=len(fresh))
    return Counts(len(fresh), len(found) - len(fresh), len(reports) - len(found))


def take_replies(
    session: Session, shop_id: ShopId, campaign_id: int, replies: Iterable[Reply], *, now: datetime
) -> None:
    """The same for what servers said while they were being sent to; the ledger has it already."""
    found = [_of_reply(campaign_id, reply, now) for reply in replies]
    _record(session, shop_id, found, source="smtp", now=now, tell=False)


def _of_reply(campaign_id: int, reply: Reply, now: datetime) -> _Return:
    report = Report(
        Happened.FAILED,
        f"{campaign_id}.{reply.delivery_id}",
        (),
        status=verdicts.find_status(reply.text),
        code=reply.code or None,
        text=short(reply.text),
    )
    verdict = Verdict.HARD if reply.refused_address else verdicts.judge(report)
    return _Return(
        _key("smtp", report.event_id, verdict),
        DeliveryRef(campaign_id, reply.delivery_id),
        reply.customer_id,
        reply.email,
        verdict,
        report.status,
        report.text,
        now,
    )


def _record(
    session: Session,
    shop_id: ShopId,
    found: Sequence[_Return],
    *,
    source: str,
    now: datetime,
    tell: bool = True,
) -> list[_Return]:
    """Write down what is new and act on it; returns that. ``tell`` adds the events that reports count."""
    told = repository.list_of_deliveries(session, shop_id, {each.tracked.delivery_id for each in found})
    keys = repository.add(session, [_row(shop_id, each, source) for each in found])
    fresh = [each for each in found if each.key in keys]
    if not fresh:
        return fresh
    if tell:
        _tell(session, shop_id, fresh, told, now)
    people = repository.recipients(session, shop_id, {each.customer_id for each in fresh})
    gone = [each.email for each in fresh if each.verdict is Verdict.HARD]
    service.suppress(session, shop_id, gone, reason="hard_bounce", source=source)
    for each in fresh:
        if each.verdict is Verdict.COMPLAINT:
            person = people.get(each.customer_id)
            service.unsubscribe(
                session,
                shop_id,
                email=each.email,
                customer_gid=person.gid if person else None,
                source=source,
                at=each.at,
                reason="complaint",
            )
    soft = [each for each in fresh if each.verdict is Verdict.SOFT]
    if soft:
        _rest_tired(session, shop_id, soft, people, source=source, now=now)
    for campaign_id in sorted({each.tracked.campaign_id for each in fresh}):
        outbox.add(session, shop_id, ReturnsRecorded(campaign_id))
    return fresh


def _tell(
    session: Session,
    shop_id: ShopId,
    fresh: Sequence[_Return],
    told: Collection[tuple[int, bool]],
    now: datetime,
) -> None:
    """One event of each kind a delivery, however many told of it."""
    seen = set(told)
    facts = []
    for each in fresh:
        mark = (each.tracked.delivery_id, each.verdict is Verdict.COMPLAINT)
        if mark not in seen:
            seen.add(mark)
            facts.append((each.tracked, each.customer_id, "complaint" if mark[1] else "bounce"))
    events.record_returns(session, shop_id, facts, at=now)


def _rest_tired(
    session: Session,
    shop_id: ShopId,
    soft: Sequence[_Return],
    people: dict[int, repository.Recipient],
    *,
    source: str,
    now: datetime,
) -> None:
    """Suppress the addresses that bounced softly too often since mail last arrived."""
    arrived = deliveries.last_arrivals(session, shop_id, {each.customer_id for each in soft})
    digests = {service.digest(each.email): each for each in soft}
    history: dict[bytes, list[datetime]] = {}
    for digest, at in repository.list_soft(session, shop_id, digests, now - verdicts.FORGOTTEN):
        history.setdefault(digest, []).append(at)
    tired = []
    for digest, each in digests.items():
        person = people.get(each.customer_id)
        signs = [arrived.get(each.customer_id)] + (
            [person.last_opened_at, person.last_clicked_at] if person else []
        )
        success_at = max((sign for sign in signs if sign is not None), default=None)
        if verdicts.is_tired(history.get(digest, []), success_at=success_at, now=now):
            tired.append(each.email)
    service.suppress(session, shop_id, tired, reason="soft_bounces", source=source)


def _ref(report: Report, shop_id: ShopId) -> DeliveryRef | None:
    tracked = find_delivery(report)
    if tracked is None or tracked.shop_id != shop_id:
        return None
    return DeliveryRef(tracked.campaign_id, tracked.delivery_id)


def _key(source: str, event_id: str, verdict: Verdict) -> bytes:
    return hashlib.sha256(f"{source}:{verdict}:{event_id}".encode()).digest()


def _row(shop_id: ShopId, each: _Return, source: str) -> dict[str, object]:
    return {
        "shop_id": shop_id,
        "event_key": each.key,
        "campaign_id": each.tracked.campaign_id,
        "delivery_id": each.tracked.delivery_id,
        "customer_id": each.customer_id,
        "email_digest": service.digest(each.email),
        "verdict": each.verdict.value,
        "status": each.status,
        "reply": each.text,
        "source": source,
        "occurred_at": each.at,
    }


def forget(session: Session, *, before: datetime, limit: int) -> int:
    """Delete what came back before the instant; returns how many, at most ``limit``."""
    return repository.forget(session, before=before, limit=limit)
