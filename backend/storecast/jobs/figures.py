"""What the console shows of jobs in numbers: states, queues, percentiles, series, and the roll-up behind them.

Finished runs are counted into minutes and hours exactly once. A figure adds the rolled part to the runs that the
roll-up has not reached yet, so that a total is never behind and counts nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.jobs import figures_repository as repository
from storecast.jobs.figures_repository import AnyRow
from storecast.jobs.figures_schemas import (
    DeployMark,
    Figures,
    JobFigures,
    JobsSummary,
    JobStates,
    Percentiles,
    QueueLimits,
    QueueRow,
    Series,
    SeriesPoint,
    SparkPoint,
    TopShop,
    Window,
)
from storecast.jobs.histogram import percentile_ms
from storecast.jobs.scope import Scope
from storecast.shops import service as shops
from storecast.worker import limits
from storecast.worker.job import QUEUES
from storecast.worker.ledger import STATEMENT_TIMEOUT_S
from storecast.worker.models import WorkLimit

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SETTLED_AFTER = timedelta(seconds=4 * STATEMENT_TIMEOUT_S)
"""A minute is rolled when it is over by this much. A run's end is told by the worker that saw it and committed within
the ledger's statement timeout; the rest is room for a bundle's other jobs and for a worker whose clock is behind."""

CHUNK = HOUR
"""Rolled in one transaction at most: an hour of 2,000 jobs a second is 7 million rows, half of what the statement
timeout has room for."""

MINUTES_KEPT = timedelta(days=8)
"""The longest window is a week; its first, partial hour is read from minutes."""

HOURS_KEPT = timedelta(days=90)
"""As long as the runs themselves."""

WINDOWS: dict[Window, timedelta] = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY}

STEPS: dict[Window, timedelta] = {"1h": MINUTE, "24h": timedelta(minutes=15), "7d": HOUR}
"""60, 96 and 168 points: as many as a chart of that width can tell apart."""

RECENT = timedelta(minutes=5)
"""Over which a queue's wait and pace are taken: long enough that one batch does not make them jump."""

SPARK_MINUTES = 60


def roll_up(session: Session, *, now: datetime) -> bool:
    """Roll the next minutes that have settled; whether there may be more. Safe to run twice and side by side."""
    settled = _minute(now - SETTLED_AFTER)
    since = repository.lock_watermark(session)
    if since is None:
        first = repository.first_finished_at(session)
        repository.create_watermark(session, min(_minute(first), settled) if first else settled)
        return True
    if since >= settled:
        repository.prune(session, minutes_before=now - MINUTES_KEPT, hours_before=now - HOURS_KEPT)
        return False
    hour = since.replace(minute=0)
    until = min(settled, hour + CHUNK)
    repository.roll_minutes(session, since, until)
    if until == hour + CHUNK:
        repository.roll_hour(session, hour)
    return True


def by_job(session: Session, window: Window, *, now: datetime) -> Figures:
    """Per kind of job: runs, failures, percentiles of waiting and running."""
    parts = repository.parts_since(session, _minute(now - WINDOWS[window]))
    jobs = [
        JobFigures(
            name=row.name,
            title_key=f"jobs.{row.name}",
            queue=row.queue,
            runs=row.runs,
            failed=row.failed,
            wait_ms=_percentiles(row.wait_buckets),
            run_ms=_percentiles(row.run_buckets, row.total_ms),
            total_ms=row.total_ms,
        )
        for row in repository.by_job(session, parts)
    ]
    return Figures(window=window, jobs=jobs)


def usual_run_ms(session: Session, *, now: datetime) -> dict[str, float]:
    """The p95 of each kind's run time over the last 24 hours. Needs a session that sees all shops."""
    parts = repository.parts_since(session, _minute(now - DAY))
    usual = (
        (row.name, percentile_ms(row.run_buckets, 0.95, row.total_ms))
        for row in repository.by_job(session, parts)
    )
    return {name: p95 for name, p95 in usual if p95 is not None}


def series(session: Session, window: Window, *, queue: str | None, name: str | None, now: datetime) -> Series:
    """Jobs over time, every step present, from the first whole step of the window to the one under way."""
    step = STEPS[window]
    last = _floor(now, step)
    since = last - WINDOWS[window]
    parts = repository.parts_since(session, since)
    rows = {row.at: row for row in repository.by_step(session, parts, step=step, queue=queue, name=name)}
    points = [_point(since + n * step, rows.get(since + n * step)) for n in range((last - since) // step + 1)]
    deploys = repository.deploys_since(session, since)
    return Series(
        step_s=int(step.total_seconds()),
        points=points,
        deploys=[DeployMark(version=deploy.version, at=deploy.at) for deploy in deploys],
    )


def _point(at: datetime, row: AnyRow | None) -> SeriesPoint:
    if row is None:
        return SeriesPoint(at=at, succeeded=0, dead=0, cancelled=0, wait_p95_ms=None, run_p95_ms=None)
    return SeriesPoint(
        at=at,
        succeeded=row.succeeded,
        dead=row.dead,
        cancelled=row.cancelled,
        wait_p95_ms=percentile_ms(row.wait_buckets, 0.95),
        run_p95_ms=percentile_ms(row.run_buckets, 0.95, row.total_ms),
    )


def _percentiles(counts: Sequence[int], total_ms: int | None = None) -> Percentiles:
    p50, p95, p99 = (percentile_ms(counts, share, total_ms) for share in (0.50, 0.95, 0.99))
    return Percentiles(p50=p50, p95=p95, p99=p99)


@dataclass(frozen=True, slots=True)
class Live:
    """What waits and runs, per queue; reading it costs with every live job."""

    queues: dict[str, AnyRow]
    domains: dict[int, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """What the runs that ended lately add up to."""

    minutes: dict[str, dict[datetime, AnyRow]]
    sparks: dict[str, list[SparkPoint]]
    waits: dict[str, Sequence[int]]
    by_state_24h: dict[str, int]
    open_dead: int


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at the tables that the queues' rows and the health strip are both made from."""

    now: datetime
    live: Live
    # Per queue: ended and came due in the last minute.
    pace: dict[str, AnyRow]
    ended: Ended
    processes: Sequence[AnyRow]
    limits: dict[str, WorkLimit]


def look_at_live(session: Session, *, now: datetime) -> Live:
    """One pass over the live table."""
    rows = repository.live_by_queue(session, None, now=now, came_since=now - MINUTE)
    shop_ids = {shop_id for row in rows for shop_id in row.top_shop_ids or () if shop_id is not None}
    return Live({row.queue: row for row in rows}, shops.domains(session, shop_ids) if shop_ids else {})


def look_at_ended(session: Session, *, now: datetime) -> Ended:
    """Reads the minutes of an hour and the hours of a day."""
    spark = repository.parts_since(session, _minute(now) - (SPARK_MINUTES + RECENT // MINUTE) * MINUTE)
    minutes: dict[str, dict[datetime, AnyRow]] = {queue: {} for queue in QUEUES}
    for row in repository.recent_minutes(session, spark):
        minutes.setdefault(row.queue, {})[row.at] = row
    recent = repository.parts_since(session, _minute(now - RECENT))
    day = repository.parts_since(session, _minute(now - DAY))
    return Ended(
        minutes=minutes,
        sparks={queue: _spark(now, rows) for queue, rows in minutes.items()},
        waits={row.queue: row.wait_buckets for row in repository.recent_waits(session, recent)},
        by_state_24h=repository.runs_by_state(session, day),
        open_dead=repository.count_open_dead(session, None),
    )


def observe(
    session: Session, *, now: datetime, live: Live | None = None, ended: Ended | None = None
) -> Observed:
    """Look at everything once, but for the parts that were just looked at. Needs a session that sees all shops."""
    return Observed(
        now=now,
        live=live or look_at_live(session, now=now),
        pace={row.queue: row for row in repository.ended_since(session, now - MINUTE)},
        ended=ended or look_at_ended(session, now=now),
        processes=repository.processes(session),
        limits={limit.key: limit for limit in limits.all_limits(session) if limit.kind == "queue"},
    )


def summarize(session: Session, scope: Scope, *, now: datetime) -> JobsSummary:
    """Counts by state; for operators the queues as well, which are everyone's."""
    if scope.shop_id is None:
        return summary_of(observe(session, now=now))
    live = repository.live_by_queue(session, scope.shop_id, now=now, came_since=now)
    ended = repository.runs_of_shop_by_state(session, scope.shop_id, now - DAY)
    dead = repository.count_open_dead(session, scope.shop_id)
    return JobsSummary(states=_states(live, ended, dead), queues=[])


def summary_of(observed: Observed) -> JobsSummary:
    """The states and every queue, also an idle one."""
    ended = observed.ended
    states = _states(list(observed.live.queues.values()), ended.by_state_24h, ended.open_dead)
    return JobsSummary(states=states, queues=[_queue(observed, name) for name in QUEUES])


def queue_rows(session: Session, *, now: datetime) -> list[QueueRow]:
    """Every queue, also an idle one."""
    return summary_of(observe(session, now=now)).queues


def _states(live: Sequence[AnyRow], ended: dict[str, int], open_dead: int) -> JobStates:
    return JobStates(
        scheduled=sum(row.scheduled for row in live),
        staged=sum(row.staged for row in live),
        queued=sum(row.queued for row in live),
        running=sum(row.running for row in live),
        retrying=sum(row.retrying for row in live),
        succeeded_24h=ended.get("succeeded", 0),
        dead=open_dead,
        cancelled_24h=ended.get("cancelled", 0),
    )


def _queue(observed: Observed, name: str) -> QueueRow:
    live, pace = observed.live.queues.get(name), observed.pace.get(name)
    depth = live.depth if live else 0
    came = (live.came if live else 0) + (pace.came if pace else 0)
    ended = pace.ended if pace else 0
    workers = [each for each in observed.processes if consumes(each, name, now=observed.now)]
    limit = observed.limits.get(name)
    return QueueRow(
        name=name,
        depth=depth,
        scheduled=live.due_later if live else 0,
        running=live.running if live else 0,
        oldest_age_s=age_s(live.oldest_at if live else None, observed.now),
        wait_p95_ms=percentile_ms(observed.ended.waits.get(name, ()), 0.95),
        in_per_min=came,
        out_per_min=ended,
        drain_min=round(depth / (ended - came), 1) if depth and ended > came else None,
        done_per_min=_done_per_min(observed, name),
        consumers=len(workers),
        slots=sum(worker.slots for worker in workers),
        busy=sum(worker.busy for worker in workers),
        paused=limit is not None and limit.paused_at is not None,
        paused_by=limit.paused_by if limit else None,
        limits=_limits(limit),
        top_shops=_top_shops(live, observed.live.domains) if live else [],
        spark=observed.ended.sparks[name],
    )


WORKER_LOST_AFTER = timedelta(seconds=50)
"""Ten beats missed, after which the fleet calls a process lost."""


def consumes(process: AnyRow, queue: str, *, now: datetime) -> bool:
    """Whether the process takes jobs from the queue: a worker that beats and is not being drained."""
    alive = now - process.beat_at <= WORKER_LOST_AFTER
    return process.kind == "worker" and alive and not process.draining and queue in process.queues


def _limits(limit: WorkLimit | None) -> QueueLimits | None:
    if limit is None or (limit.in_flight, limit.shop_in_flight, limit.rate) == (None, None, None):
        return None
    return QueueLimits(
        in_flight=limit.in_flight,
        shop_in_flight=limit.shop_in_flight,
        rate=limit.rate,
        rate_period_s=limit.rate_period_s,
    )


def _top_shops(live: AnyRow, domains: dict[int, str]) -> list[TopShop]:
    pairs = zip(live.top_shop_ids or (), live.top_depths or (), strict=True)
    return [TopShop(shop_domain=domains.get(shop_id), depth=depth) for shop_id, depth in pairs]


def _done_per_min(observed: Observed, name: str) -> float:
    """Over the last whole minutes: the one under way would pull the average down."""
    current, minutes = _minute(observed.now), observed.ended.minutes[name]
    whole = (minutes.get(current - n * MINUTE) for n in range(1, RECENT // MINUTE + 1))
    runs: int = sum(row.runs for row in whole if row)
    return round(runs / (RECENT / MINUTE), 1)


def _spark(now: datetime, minutes: dict[datetime, AnyRow]) -> list[SparkPoint]:
    first = _minute(now) - (SPARK_MINUTES - 1) * MINUTE
    instants = (first + n * MINUTE for n in range(SPARK_MINUTES))
    return [
        SparkPoint(at=at, done=row.done if row else 0, failed=row.failed if row else 0)
        for at in instants
        for row in (minutes.get(at),)
    ]


def age_s(since: datetime | None, now: datetime) -> float | None:
    """How long ago, never negative."""
    return None if since is None else max(0.0, round((now - since).total_seconds(), 1))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _floor(at: datetime, step: timedelta) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // step * step
