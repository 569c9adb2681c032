"""Why a job is not running yet: a pure judgement over what its surroundings are.

The reason given is the first that holds in the order in which it would be met: the job's own time, what people
paused, caps and rates, then nobody there to do it, then the line in front of it. Operators are told of the line and
of the caps in figures; a shop's people never of another shop's load.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.jobs import waiting_repository
from storecast.jobs.repository import AnyRow
from storecast.jobs.schemas import WaitReason
from storecast.jobs.scope import Scope
from storecast.worker.job import Job
from storecast.worker.models import WorkLimit
from storecast.worker.task import registered

WAITING = ("scheduled", "staged", "queued", "retrying")

RELAY_PATIENCE = timedelta(seconds=10)
"""A relay looks every second; a job that could go and has not gone after ten is waiting for the relay."""

SILENT_AFTER = timedelta(seconds=50)
"""A process that missed ten beats is taken for lost, as on the page of workers."""


@dataclass(frozen=True, slots=True)
class Flight:
    """Jobs queued or running: of the queue, of the queue and the shop, of the kind, of the kind and the shop."""

    queue: int
    queue_of_shop: int
    job: int
    job_of_shop: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a waiting job. ``ahead`` and ``done_per_min`` are None for who must not know."""

    queue: WorkLimit | None
    job: WorkLimit | None
    shop: WorkLimit | None
    flight: Flight
    consumers: int
    relays: int
    ahead: int | None
    done_per_min: float | None


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that is not running, as far as its waiting goes."""

    name: str
    queue: str
    attempt: int
    run_at: datetime
    published: bool


def find_reason(session: Session, scope: Scope, row: AnyRow, *, now: datetime) -> WaitReason | None:
    """The reason; None for a job that runs or is over."""
    if row.state not in WAITING:
        return None
    # A job that waits for its next attempt may be in the broker again.
    published = waiting_repository.published_at(session, row.id)
    job = WaitingJob(row.name, row.queue, row.attempt, row.run_at, published is not None)
    if row.run_at > now and not job.published:
        return _not_due(job)
    limits = waiting_repository.limits_for(session, row.queue, row.name, row.shop_id)
    surroundings = Surroundings(
        queue=limits.get("queue"),
        job=limits.get("job"),
        shop=limits.get("shop"),
        flight=Flight(*waiting_repository.in_flight(session, row.queue, row.name, row.shop_id)),
        consumers=waiting_repository.count_consumers(session, row.queue, since=now - SILENT_AFTER),
        relays=waiting_repository.count_relays(session, since=now - SILENT_AFTER),
        ahead=waiting_repository.count_ahead(session, row, published) if scope.everyone else None,
        done_per_min=waiting_repository.done_per_min(session, row.queue, now) if scope.everyone else None,
    )
    return judge(job, registered().get(row.name, Job), surroundings, told_all=scope.everyone, now=now)


def judge(
    job: WaitingJob, job_type: type[Job], around: Surroundings, *, told_all: bool, now: datetime
) -> WaitReason:
    """Why a job that is due waits."""
    reason = None
    if not job.published:
        reason = _paused(job, around, told_all) or _capped(job, job_type, around, told_all)
        reason = reason or _rated(job, around, told_all, now)
    if reason is not None:
        return reason
    if around.consumers == 0:
        return WaitReason(code="no_consumer", facts={"queue": job.queue} if told_all else {})
    late = now - job.run_at > RELAY_PATIENCE
    if not job.published and late and (around.relays == 0 or around.ahead == 0):
        return WaitReason(code="relay_late", facts={"relays": around.relays} if told_all else {})
    return _behind(around, now)


def _not_due(job: WaitingJob) -> WaitReason:
    if job.attempt > 0:
        return WaitReason(code="retry_delay", until=job.run_at, facts={"attempt": job.attempt})
    return WaitReason(code="scheduled", until=job.run_at)


def _paused(job: WaitingJob, around: Surroundings, told_all: bool) -> WaitReason | None:
    for code, name, limit in (
        ("queue_paused", job.queue, around.queue),
        ("job_paused", job.name, around.job),
    ):
        if limit is not None and limit.paused_at is not None:
            facts = {"name": name, "by": limit.paused_by, "since": limit.paused_at.isoformat()}
            return WaitReason(code=code, facts=facts if told_all else {"since": facts["since"]})  # type: ignore[arg-type]  # one of the two literals above
    if around.shop is not None and around.shop.paused_at is not None:
        facts = {"since": around.shop.paused_at.isoformat()}
        return WaitReason(code="shop_cap", facts={"limit": 0, **facts} if told_all else facts)
    return None


def _capped(job: WaitingJob, job_type: type[Job], around: Surroundings, told_all: bool) -> WaitReason | None:
    flight = around.flight
    for code, count, most in (
        ("queue_full", flight.queue, around.queue.in_flight if around.queue else None),
        ("shop_cap", flight.queue_of_shop, around.queue.shop_in_flight if around.queue else None),
        ("job_cap", flight.job, _own(around.job.in_flight if around.job else None, job_type.in_flight)),
        (
            "shop_cap",
            flight.job_of_shop,
            _own(around.job.shop_in_flight if around.job else None, job_type.shop_in_flight),
        ),
    ):
        if most is not None and count >= most:
            return WaitReason(code=code, facts={"in_flight": count, "limit": most} if told_all else {})  # type: ignore[arg-type]  # one of the literals above
    return None


def _own(set_by_operator: int | None, declared: int | None) -> int | None:
    return declared if set_by_operator is None else set_by_operator


def _rated(job: WaitingJob, around: Surroundings, told_all: bool, now: datetime) -> WaitReason | None:
    for name, limit in ((job.queue, around.queue), (job.name, around.job)):
        if limit is None or not limit.rate or limit.tokens is None or limit.tokens_at is None:
            continue
        per_s = limit.rate / limit.rate_period_s
        level = limit.tokens + (now - limit.tokens_at).total_seconds() * per_s
        if level < 1:
            facts = {"name": name, "rate": limit.rate, "period_s": limit.rate_period_s}
            until = now + timedelta(seconds=(1 - level) / per_s)
            return WaitReason(code="rate_limit", until=until, facts=facts if told_all else {})
    return None


def _behind(around: Surroundings, now: datetime) -> WaitReason:
    if around.ahead is None:
        return WaitReason(code="behind")
    facts = {"ahead": around.ahead, "done_per_min": around.done_per_min}
    until = None
    if around.done_per_min:
        until = now + timedelta(minutes=around.ahead / around.done_per_min)
    return WaitReason(code="behind", until=until, facts=facts)
