"""What happens when a schedule is due: which of its due times are met, and with what.

Each due time is one row, entered in the transaction that stages its job: two schedulers at once, a restart in between
and a clock that was put back find the row there and stage nothing. All functions need a session across shops.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs import cron
from storecast.jobs import schedules_repository as repository
from storecast.jobs.models import JobSchedule
from storecast.jobs.recurrence import Interval, Recurrence, WallClock
from storecast.kit.errors import Invalid
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.worker import outbox
from storecast.worker.job import Job
from storecast.worker.schedule import Scheduled
from storecast.worker.task import registered

log = structlog.get_logger(__name__)

ON_TIME = timedelta(seconds=60)
"""Met within this, a run is not late: a new leader is there after half of it."""

CATCH_UP_MAX = 24
"""A day of hourly runs. More at once is no catching up but a flood."""

WAITING_MAX = 24
"""Runs that wait for the one before them. A schedule that is further behind never catches up."""

MISSED_KEPT = 100
"""Missed due times that are entered one by one; what an outage missed beyond them is not counted."""

TICKS_KEPT = 200
"""Due times kept of each schedule: ten times what is shown."""

FORGET_CODE_AFTER = timedelta(days=1)
"""During a deploy old and new schedulers take turns, and each knows other schedules."""

_CHUNK = 500


def recurrence_of(schedule: JobSchedule) -> Recurrence:
    """When the schedule is due."""
    if schedule.interval_s is not None:
        return Interval(timedelta(seconds=schedule.interval_s), schedule.next_run_at or schedule.created_at)
    return WallClock(cron.parse(schedule.cron or ""), ZoneInfo(schedule.timezone))


def plan(schedule: JobSchedule, recurrence: Recurrence, *, now: datetime) -> Iterator[tuple[datetime, str]]:
    """The due times up to now with what is to come of each: ``skipped``, ``missed``, ``run`` or ``queue``."""
    due = recurrence.latest(MISSED_KEPT, since=schedule.next_run_at or now, until=now)
    if not due:
        return
    patience = min(ON_TIME, timedelta(seconds=schedule.interval_s)) if schedule.interval_s else ON_TIME
    on_time = now - due[-1] <= patience
    runs = {"none": int(on_time), "last": 1, "all": CATCH_UP_MAX}[schedule.catch_up]
    # Runs that are caught up follow one another, whatever is said of overlaps: else only the first would run.
    verdict = (
        "queue" if schedule.overlap == "queue" or (len(due) > 1 and schedule.catch_up == "all") else "run"
    )
    for number, at in enumerate(due):
        if number == 0 and schedule.skip_next:
            yield at, "skipped"
        else:
            yield at, "missed" if number < len(due) - runs else verdict


def meet(session: Session, schedule_id: int, *, now: datetime) -> bool:
    """Stage what is due of a schedule and set its next run; False when there is nothing to do here and now."""
    schedule = repository.lock_free(session, schedule_id)
    if schedule is None or schedule.paused_at or schedule.next_run_at is None or schedule.next_run_at > now:
        return False
    recurrence = recurrence_of(schedule)
    if _belongs_to_nobody(session, schedule):
        schedule.next_run_at = recurrence.after(now)
        return False
    job = _job(session, schedule, now=now)
    if job is None:
        return False
    missed = 0
    for due_at, verdict in plan(schedule, recurrence, now=now):
        if verdict in ("skipped", "missed"):
            missed += repository.claim_tick(session, schedule, due_at, verdict, now) and verdict == "missed"
        elif repository.claim_tick(session, schedule, due_at, "staged", now):
            _stage(session, schedule, job, due_at, may_wait=verdict == "queue", now=now)
    if missed:
        log.warning("schedule_missed", schedule_id=schedule.id, job=schedule.job_name, times=missed)
    schedule.skip_next = False
    schedule.next_run_at = recurrence.after(now)
    return True


def _belongs_to_nobody(session: Session, schedule: JobSchedule) -> bool:
    if schedule.shop_id is None:
        return False
    return shops.get(session, ShopId(schedule.shop_id)).state != "installed"


def _job(session: Session, schedule: JobSchedule, *, now: datetime) -> Job | None:
    """The schedule's job. One whose arguments no longer fit it is paused: it would fail at every due time."""
    try:
        return registered()[schedule.job_name].validated(schedule.args)
    except Invalid as error:
        schedule.paused_at = now
        faults = [f"{fault.pointer}: {fault.message}" for fault in error.errors]
        log.error("schedule_paused", schedule_id=schedule.id, job=schedule.job_name, faults=faults)
        if schedule.shop_id is not None:
            shop_id = ShopId(schedule.shop_id)
            subject = f"schedule:{schedule.id}"
            audit.record(session, shop_id, "storecast", "schedule_paused", subject, reason="; ".join(faults))
        return None


def _stage(
    session: Session, schedule: JobSchedule, job: Job, due_at: datetime, *, may_wait: bool, now: datetime
) -> None:
    waiting = repository.waiting_count(session, schedule.id)
    if waiting or repository.is_busy(session, schedule.id):
        outcome = "waiting" if may_wait and waiting < WAITING_MAX else "overlapped"
        repository.settle_tick(session, schedule.id, due_at, outcome, None, now)
        return
    start(session, schedule, job, due_at, now=now)


def start(session: Session, schedule: JobSchedule, job: Job, due_at: datetime, *, now: datetime) -> bool:
    """Stage the job of an entered due time; False when one with the same unique key waits and does the work."""
    shop_id = None if schedule.shop_id is None else ShopId(schedule.shop_id)
    job_id = outbox.add(session, shop_id, job, tags=[f"schedule:{schedule.id}"])
    outcome = "staged" if job_id else "overlapped"
    repository.settle_tick(session, schedule.id, due_at, outcome, job_id, now)
    log.info("schedule_met", schedule_id=schedule.id, outcome=outcome, due_at=due_at.isoformat())
    return job_id is not None


def release(session: Session, schedule_id: int, *, now: datetime) -> bool:
    """Stage the next run that waits for the one before it, when that one is over."""
    schedule = repository.lock_free(session, schedule_id)
    if schedule is None or repository.is_busy(session, schedule_id):
        return False
    due_at = repository.first_waiting(session, schedule_id)
    if due_at is None or schedule.job_name not in registered():
        return False
    job = _job(session, schedule, now=now)
    return job is not None and start(session, schedule, job, due_at, now=now)


def declare(session: Session, declared: Collection[Scheduled], *, now: datetime) -> None:
    """Bring the program's own schedules into the table; what people set there (pause, skip) stays."""
    for entry in declared:
        values: dict[str, Any] = {
            "title": entry.job.name,
            "job_name": entry.job.name,
            "args": entry.job.payload(),
            "cron": entry.cron,
            "interval_s": entry.interval_s,
        }
        first = recurrence_of(JobSchedule(**values, timezone="UTC", next_run_at=now))
        repository.upsert_code(session, values, first_run_at=first.after(now), now=now)
    names = [entry.job.name for entry in declared]
    repository.forget_code(session, names, untouched_since=now - FORGET_CODE_AFTER)


def correct_ahead(session: Session, *, now: datetime, after_id: int = 0) -> int | None:
    """Bring next runs nearer that a clock which was ahead had set; answers with where to go on, None at the end.

    Due times that were met under the wrong clock have their rows, so that coming by again stages nothing.
    """
    schedules = repository.iter_ahead(session, now=now, after_id=after_id, limit=_CHUNK)
    for schedule in schedules:
        next_run_at = recurrence_of(schedule).after(now)
        if schedule.next_run_at is not None and next_run_at < schedule.next_run_at:
            log.warning(
                "schedule_was_ahead", schedule_id=schedule.id, planned=schedule.next_run_at.isoformat()
            )
            schedule.next_run_at = next_run_at
    return schedules[-1].id if len(schedules) == _CHUNK else None


def trim(session: Session) -> int:
    """Forget old due times; returns how many."""
    return repository.trim_ticks(session, keep=TICKS_KEPT)
