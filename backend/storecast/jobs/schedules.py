"""Schedules as people see and change them.

A shop's people have schedules of jobs that are open to them, in their shop; operators see all of them and the
program's own, which can be paused, skipped and run, but not changed. Every change is audited.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import orjson
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs import cron, schedule_words, scheduling
from storecast.jobs import schedules_repository as repository
from storecast.jobs.errors import ScheduleBusy, ScheduleOfCode, ScheduleUnknown, TooManySchedules
from storecast.jobs.models import JobSchedule, ScheduleTick
from storecast.jobs.recurrence import following
from storecast.jobs.schedules_schemas import (
    NewSchedule,
    NextRun,
    Rhythm,
    SchedulableJob,
    Schedule,
    ScheduleChanges,
    SchedulePreview,
    ScheduleResult,
)
from storecast.jobs.scope import Scope
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.languages import Language
from storecast.kit.masking import find_mask, masked, unmasked
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.worker.job import Job
from storecast.worker.task import registered

MIN_INTERVAL_S = 60
MAX_INTERVAL_S = 366 * 86_400
MAX_ARGS_BYTES = 16_384
MAX_OF_SHOP = 100
MAX_LISTED = 1000
"""Far more than one page can show; a guard, not a page."""

NEXT_SHOWN = 5
LAST_SHOWN = 20
MISSED_WINDOW = timedelta(days=7)


def list_schedules(session: Session, scope: Scope, *, now: datetime) -> list[Schedule]:
    """The program's own first, then by age."""
    return _shape(session, scope, repository.list_all(session, scope.shop_id, limit=MAX_LISTED), now=now)


def get_schedule(session: Session, scope: Scope, schedule_id: int, *, now: datetime) -> Schedule:
    schedule = repository.find(session, scope.shop_id, schedule_id)
    if schedule is None:
        raise ScheduleUnknown
    (shaped,) = _shape(session, scope, [schedule], now=now)
    return shaped


def list_jobs() -> list[SchedulableJob]:
    """The jobs that people may schedule."""
    return [
        SchedulableJob(name=name, title_key=f"jobs.{name}", args_schema=job_type.fields_schema())
        for name, job_type in sorted(registered().items())
        if job_type.open_to_users
    ]


def preview(session: Session, scope: Scope, rhythm: Rhythm, *, now: datetime) -> SchedulePreview:
    """What a rhythm comes to; raises Invalid like a schedule made of it would."""
    schedule = JobSchedule(created_at=now, timezone=_timezone(session, scope.home, rhythm.timezone))
    _set_rhythm(schedule, rhythm, now=now)
    return SchedulePreview(next_runs=_next_runs(schedule, now=now), words=_words(schedule, scope.language))


def create(session: Session, scope: Scope, new: NewSchedule, *, now: datetime) -> Schedule:
    shop_id = _shop(session, scope, new.shop_domain)
    job = _open_job(new.job_name).validated(_bounded(new.args))
    schedule = JobSchedule(
        shop_id=shop_id,
        source="user",
        title=_title(new.title),
        job_name=new.job_name,
        args=job.payload(),
        timezone=_timezone(session, shop_id, new.timezone),
        overlap=new.overlap,
        catch_up=new.catch_up,
        created_by=scope.actor,
        created_at=now,
    )
    _set_rhythm(schedule, new, now=now)
    if repository.count(session, shop_id) >= MAX_OF_SHOP:
        raise TooManySchedules(limit=MAX_OF_SHOP)
    session.add(schedule)
    session.flush()  # the audit entry names the id
    _audit(session, scope, schedule, "schedule_created", job=new.job_name, rhythm=_words(schedule))
    return get_schedule(session, scope, schedule.id, now=now)


def change(
    session: Session, scope: Scope, schedule_id: int, changes: ScheduleChanges, *, now: datetime
) -> Schedule:
    """Apply an edit; a new rhythm counts from now."""
    schedule = _lock_own(session, scope, schedule_id)
    given = changes.model_dump(exclude_unset=True)
    before = {field: getattr(schedule, field) for field in given}
    if changes.title is not None:
        schedule.title = _title(changes.title)
    if changes.args is not None:
        args = _unmasked(changes.args, schedule.args)
        schedule.args = _open_job(schedule.job_name).validated(_bounded(args)).payload()
    if changes.overlap is not None:
        schedule.overlap = changes.overlap
    if changes.catch_up is not None:
        schedule.catch_up = changes.catch_up
    if changes.timezone is not None:
        schedule.timezone = _timezone(session, None, changes.timezone)
    if changes.cron is not None or changes.interval_s is not None:
        _set_rhythm(schedule, changes, now=now)
    elif changes.timezone is not None and schedule.cron is not None:
        _set_rhythm(schedule, Rhythm(cron=schedule.cron), now=now)
    schedule.updated_at = now
    session.flush()  # the answer is read back
    changed = {
        field: getattr(schedule, field) for field in given if getattr(schedule, field) != before[field]
    }
    if changed:
        if "args" in changed:
            # The log is kept for good: it names arguments and does not repeat them.
            changed["args"] = sorted(schedule.args)
        _audit(session, scope, schedule, "schedule_changed", changed=changed)
    return get_schedule(session, scope, schedule_id, now=now)


def remove(session: Session, scope: Scope, schedule_id: int) -> None:
    """Delete a schedule with its results; a run that is under way goes on."""
    schedule = _lock_own(session, scope, schedule_id)
    _audit(session, scope, schedule, "schedule_deleted", title=schedule.title, job=schedule.job_name)
    session.delete(schedule)


def pause(session: Session, scope: Scope, schedule_id: int, *, reason: str | None, now: datetime) -> Schedule:
    """Let it come due no more; runs that wait for the one before them are dropped."""
    schedule = _lock(session, scope, schedule_id)
    if schedule.paused_at is None:
        schedule.paused_at = now
        repository.skip_waiting(session, schedule_id)
        _audit(session, scope, schedule, "schedule_paused", reason=reason)
    return get_schedule(session, scope, schedule_id, now=now)


def resume(
    session: Session, scope: Scope, schedule_id: int, *, reason: str | None, now: datetime
) -> Schedule:
    """Let it come due again from now on: what fell into the pause was not missed."""
    schedule = _lock(session, scope, schedule_id)
    if schedule.paused_at is not None:
        schedule.paused_at = None
        schedule.next_run_at = scheduling.recurrence_of(schedule).after(now)
        session.flush()  # the answer is read back
        _audit(session, scope, schedule, "schedule_resumed", reason=reason)
    return get_schedule(session, scope, schedule_id, now=now)


def set_skip(
    session: Session, scope: Scope, schedule_id: int, skip: bool, *, reason: str | None, now: datetime
) -> Schedule:
    """Leave the next due time out, or not after all."""
    schedule = _lock(session, scope, schedule_id)
    if schedule.skip_next is not skip:
        schedule.skip_next = skip
        _audit(session, scope, schedule, "schedule_skipped" if skip else "schedule_unskipped", reason=reason)
    return get_schedule(session, scope, schedule_id, now=now)


def run_now(
    session: Session, scope: Scope, schedule_id: int, *, reason: str | None, now: datetime
) -> Schedule:
    """Start a run beside the plan, also of a paused schedule. Refused while one is not over: two clicks, one run."""
    schedule = _lock(session, scope, schedule_id)
    job_type = registered().get(schedule.job_name)
    if job_type is None:
        raise ScheduleUnknown("This version of the program does not know the schedule's job.")
    job = job_type.validated(schedule.args)
    if repository.is_busy(session, schedule_id) or repository.waiting_count(session, schedule_id):
        raise ScheduleBusy
    repository.claim_tick(session, schedule, now, "staged", now)
    if not scheduling.start(session, schedule, job, now, now=now):
        raise ScheduleBusy("A task that does the same waits already.")
    _audit(session, scope, schedule, "schedule_run", reason=reason)
    return get_schedule(session, scope, schedule_id, now=now)


def _lock(session: Session, scope: Scope, schedule_id: int) -> JobSchedule:
    schedule = repository.find(session, scope.shop_id, schedule_id, lock=True)
    if schedule is None:
        raise ScheduleUnknown
    return schedule


def _lock_own(session: Session, scope: Scope, schedule_id: int) -> JobSchedule:
    schedule = _lock(session, scope, schedule_id)
    if schedule.source == "code":
        raise ScheduleOfCode
    return schedule


def _audit(session: Session, scope: Scope, schedule: JobSchedule, action: str, **detail: Any) -> None:
    shop_id = scope.audited_in(schedule.shop_id)
    told = {name: value for name, value in detail.items() if value is not None}
    audit.record(session, shop_id, scope.actor, action, f"schedule:{schedule.id}", **told)


def _shop(session: Session, scope: Scope, domain: str | None) -> ShopId:
    """The shop that a new schedule belongs to."""
    if domain is not None:
        shop = shops.find(session, domain)
        if shop is None or (scope.shop_id is not None and shop.id != scope.shop_id):
            raise _invalid("/shop_domain", "There is no such shop.", "shop_unknown")
        return ShopId(shop.id)
    home = scope.shop_id or scope.home
    if home is None:
        raise _invalid("/shop_domain", "A schedule needs a shop.", "missing")
    return home


def _open_job(name: str) -> type[Job]:
    job_type = registered().get(name)
    if job_type is None or not job_type.open_to_users:
        raise _invalid("/job_name", "There is no such job, or people may not schedule it.", "job_not_open")
    return job_type


def _unmasked(edited: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """The edited arguments; a mask that was left in place stands for what is stored."""
    args = unmasked(edited, stored)
    pointer = find_mask(args, "/args")
    if pointer is not None and find_mask(stored, "/args") is None:
        raise _invalid(pointer, "The masked value belongs elsewhere: write it anew.", "masked")
    return args


def _title(title: str) -> str:
    if not title.strip():
        raise _invalid("/title", "A schedule needs a title.", "missing")
    return title.strip()


def _bounded(args: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(args))
    except TypeError as error:
        raise _invalid("/args", str(error), "not_json") from None
    if size > MAX_ARGS_BYTES:
        raise _invalid("/args", f"The arguments are longer than {MAX_ARGS_BYTES} bytes.", "too_long")
    return args


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(session: Session, shop_id: ShopId | None, asked: str | None) -> str:
    """The time zone asked for, else the shop's own."""
    name = asked or (shops.get(session, shop_id).timezone if shop_id is not None else "UTC")
    if name not in _timezones():
        if asked is None:
            return "UTC"
        raise _invalid("/timezone", "There is no such time zone: use an IANA name.", "timezone_unknown")
    return name


def _set_rhythm(schedule: JobSchedule, rhythm: Rhythm, *, now: datetime) -> None:
    """Take over cron or interval and plan the first run."""
    if (rhythm.cron is None) == (rhythm.interval_s is None):
        raise _invalid("/cron", "Give either a cron expression or an interval.", "cron_or_interval")
    if rhythm.cron is not None:
        try:
            schedule.cron, schedule.interval_s = cron.parse(rhythm.cron).text, None
        except cron.CronRefused as refused:
            raise _invalid("/cron", str(refused), "cron_refused") from None
    elif rhythm.interval_s is not None:
        if not MIN_INTERVAL_S <= rhythm.interval_s <= MAX_INTERVAL_S:
            message = f"An interval lies between {MIN_INTERVAL_S} and {MAX_INTERVAL_S} seconds."
            raise _invalid("/interval_s", message, "out_of_bounds")
        schedule.cron, schedule.interval_s = None, rhythm.interval_s
        schedule.next_run_at = now
    schedule.next_run_at = scheduling.recurrence_of(schedule).after(now)


def _invalid(pointer: str, message: str, code: str) -> Invalid:
    return Invalid("The schedule is not valid.", errors=[FieldError(pointer, message, code)])


def _words(schedule: JobSchedule, language: Language = "en") -> str:
    if schedule.interval_s is not None:
        return schedule_words.of_interval(schedule.interval_s, language)
    return schedule_words.of_cron(cron.parse(schedule.cron or ""), language)


def _next_runs(schedule: JobSchedule, *, now: datetime) -> list[NextRun]:
    """The next due times, an overdue one included; none while it is paused."""
    if schedule.paused_at is not None or schedule.next_run_at is None:
        return []
    later = following(scheduling.recurrence_of(schedule), max(now, schedule.next_run_at))
    instants = [schedule.next_run_at, *islice(later, NEXT_SHOWN - 1)]
    zone = ZoneInfo(schedule.timezone)
    return [NextRun(at_utc=at.astimezone(UTC), at_local=at.astimezone(zone)) for at in instants]


def _shape(
    session: Session, scope: Scope, schedules: Sequence[JobSchedule], *, now: datetime
) -> list[Schedule]:
    ids = [schedule.id for schedule in schedules]
    ticks = repository.last_ticks(session, ids, each=LAST_SHOWN)
    missed = repository.missed_since(session, ids, now - MISSED_WINDOW)
    jobs = [tick.job_id for tick in ticks if tick.job_id]
    states: dict[Any, str] = {}
    if jobs:
        states = repository.job_states(session, jobs, since=min(tick.at for tick in ticks))
    results: dict[int, list[ScheduleResult]] = {schedule_id: [] for schedule_id in ids}
    for tick in ticks:
        results[tick.schedule_id].append(_result(tick, states.get(tick.job_id)))
    domains = shops.domains(session, {row.shop_id for row in schedules if row.shop_id is not None})
    return [
        Schedule(
            id=str(row.id),
            source=row.source,  # type: ignore[arg-type]  # the table's check constraints allow these only
            title=row.title,
            title_key=f"jobs.{row.job_name}" if row.source == "code" else None,
            job_name=row.job_name,
            args=masked(row.args),
            cron=row.cron,
            interval_s=row.interval_s,
            timezone=row.timezone,
            overlap=row.overlap,  # type: ignore[arg-type]  # as above
            catch_up=row.catch_up,  # type: ignore[arg-type]  # as above
            paused_at=row.paused_at,
            skip_next=row.skip_next,
            next_runs=_next_runs(row, now=now),
            last_results=results[row.id],
            missed=missed.get(row.id, 0),
            shop_domain=domains.get(row.shop_id) if row.shop_id is not None else None,
            words=_words(row, scope.language),
            created_by=row.created_by,
        )
        for row in schedules
    ]


def _result(tick: ScheduleTick, state: str | None) -> ScheduleResult:
    return ScheduleResult(
        due_at=tick.due_at,
        outcome=tick.outcome,  # type: ignore[arg-type]  # the table's check constraint allows these only
        job_id=str(tick.job_id) if tick.job_id else None,
        state=state,  # type: ignore[arg-type]  # made of states by the query
        drift_ms=max(0, round((tick.at - tick.due_at).total_seconds() * 1000)),
    )
