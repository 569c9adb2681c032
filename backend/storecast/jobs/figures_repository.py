"""All SQL of the figures: rolled hours and minutes, the runs since, the live table, processes and deploys.

Every figure over a window is the sum of four disjoint parts: rolled minutes up to the first full hour, rolled hours,
rolled minutes since the last full hour, and the runs that ended since the roll-up's watermark. The parts meet at
instants that the caller fixes first, so that a roll-up in between moves nothing from one to another and totals are
exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from storecast.jobs.histogram import BOUNDS_MS, BUCKETS
from storecast.kit.ids import first_uuid7
from storecast.kit.types import ShopId

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

ROLLUP = "job_minutes"

_BOUNDS = f"ARRAY[{', '.join(map(str, BOUNDS_MS))}]::float8[]"

# A retried job waits from when it was due again; a job that never started waited for nothing.
_WAIT_MS = "greatest(0, extract(epoch FROM started_at - greatest(run_at, enqueued_at))::float8 * 1000)"
_RUN_MS = "greatest(0, extract(epoch FROM finished_at - started_at)::float8 * 1000)"


def _counted(bucket: str) -> str:
    counts = (f"count(*) FILTER (WHERE {bucket} = {index})" for index in range(BUCKETS))
    return f"ARRAY[{', '.join(counts)}]::int[]"


def _added(buckets: str) -> str:
    sums = (f"coalesce(sum({buckets}[{index}]), 0)" for index in range(1, BUCKETS + 1))
    return f"ARRAY[{', '.join(sums)}]::bigint[]"


# Runs counted by the minute, as the roll-up stores them and as the part that it has not reached is read.
_MINUTES_OF_RUNS = f"""
SELECT date_trunc('minute', finished_at) AS at, queue, name, state, count(*)::int AS runs,
       {_counted("wait_bucket")} AS wait_buckets, {_counted("run_bucket")} AS run_buckets,
       coalesce(sum(run_ms), 0)::bigint AS run_ms_total
  FROM (SELECT finished_at, queue, name, state, width_bucket({_WAIT_MS}, {_BOUNDS}) AS wait_bucket,
               width_bucket({_RUN_MS}, {_BOUNDS}) AS run_bucket, {_RUN_MS} AS run_ms
          FROM job_runs WHERE {{which}}) AS run
 GROUP BY 1, 2, 3, 4
"""

_ROLLED_COLUMNS = "queue, name, state, runs, wait_buckets, run_buckets, run_ms_total"

_ROLL_MINUTES = f"""
INSERT INTO job_minutes (minute, {_ROLLED_COLUMNS})
{_MINUTES_OF_RUNS.format(which="finished_at >= :since AND finished_at < :until")}
"""

_ROLL_HOUR = f"""
INSERT INTO job_hours (hour, {_ROLLED_COLUMNS})
SELECT :since, queue, name, state, sum(runs), {_added("wait_buckets")}, {_added("run_buckets")}, sum(run_ms_total)
  FROM job_minutes WHERE minute >= :since AND minute < :until
 GROUP BY queue, name, state
"""


def find_watermark(session: Session) -> datetime | None:
    """Up to where every run is in the rolled figures; None before the first roll-up."""
    return _instant(session, "SELECT rolled_until FROM job_rollups WHERE name = :name")


def lock_watermark(session: Session) -> datetime | None:
    """The same, held until the commit: roll-ups take turns."""
    return _instant(session, "SELECT rolled_until FROM job_rollups WHERE name = :name FOR UPDATE")


def _instant(session: Session, query: str) -> datetime | None:
    found: datetime | None = session.scalar(text(query), {"name": ROLLUP})
    return found


def create_watermark(session: Session, at: datetime) -> None:
    """Begin to roll at this instant; does nothing when somebody else began."""
    session.execute(
        text("INSERT INTO job_rollups (name, rolled_until) VALUES (:name, :at) ON CONFLICT DO NOTHING"),
        {"name": ROLLUP, "at": at},
    )


def first_finished_at(session: Session) -> datetime | None:
    """The end of the oldest run. Reads the whole history: for the very first roll-up only."""
    return _instant(session, "SELECT min(finished_at) FROM job_runs")


def roll_minutes(session: Session, since: datetime, until: datetime) -> None:
    """Count the runs that ended in [since, until) into minutes, and move the watermark. Needs its lock."""
    session.execute(text(_ROLL_MINUTES), {"since": since, "until": until})
    query = "UPDATE job_rollups SET rolled_until = :until WHERE name = :name"
    session.execute(text(query), {"name": ROLLUP, "until": until})


def roll_hour(session: Session, since: datetime) -> None:
    """Add up the hour that begins at ``since``. Needs the watermark's lock, and the watermark at the hour's end."""
    session.execute(text(_ROLL_HOUR), {"since": since, "until": since + timedelta(hours=1)})


def prune(session: Session, *, minutes_before: datetime, hours_before: datetime) -> None:
    session.execute(text("DELETE FROM job_minutes WHERE minute < :at"), {"at": minutes_before})
    session.execute(text("DELETE FROM job_hours WHERE hour < :at"), {"at": hours_before})


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts of a window meet: ``since`` ≤ ``hours_from`` ≤ ``hours_to`` ≤ ``tail_from``."""

    since: datetime
    hours_from: datetime
    hours_to: datetime
    tail_from: datetime


def parts_since(session: Session, since: datetime) -> Parts:
    """The parts of the window that begins at ``since``, a whole minute."""
    watermark = find_watermark(session)
    tail_from = max(since, watermark) if watermark is not None else since
    first = since if since.minute == 0 else since.replace(minute=0) + timedelta(hours=1)
    last = tail_from.replace(minute=0)
    if first >= last:
        return Parts(since, since, since, tail_from)
    return Parts(since, first, last, tail_from)


def _source(parts: Parts) -> str:
    """The window's runs, counted, as one relation: ``at``, queue, name, state, runs, buckets and total run time."""
    pieces = [_MINUTES_OF_RUNS.format(which="finished_at >= :tail_from")]
    if parts.hours_from < parts.hours_to:
        pieces.append(
            f"SELECT hour AS at, {_ROLLED_COLUMNS} FROM job_hours WHERE hour >= :hours_from AND hour < :hours_to"
        )
    for since, until in (("since", "hours_from"), ("hours_to", "tail_from")):
        if getattr(parts, since) < getattr(parts, until):
            pieces.append(
                f"SELECT minute AS at, {_ROLLED_COLUMNS} FROM job_minutes "
                f"WHERE minute >= :{since} AND minute < :{until}"
            )
    return f"({' UNION ALL '.join(pieces)}) AS part"


def _parameters(parts: Parts) -> dict[str, datetime]:
    return {name: getattr(parts, name) for name in ("since", "hours_from", "hours_to", "tail_from")}


def by_job(session: Session, parts: Parts) -> Sequence[AnyRow]:
    """Per kind of job and queue: runs, failed, summed buckets, total run time; most time first."""
    query = f"""
        SELECT name, queue, sum(runs)::bigint AS runs,
               coalesce(sum(runs) FILTER (WHERE state = 'dead'), 0)::bigint AS failed,
               {_added("wait_buckets")} AS wait_buckets, {_added("run_buckets")} AS run_buckets,
               sum(run_ms_total)::bigint AS total_ms
          FROM {_source(parts)} GROUP BY name, queue ORDER BY total_ms DESC, name, queue
    """
    return session.execute(text(query), _parameters(parts)).all()


def by_step(
    session: Session, parts: Parts, *, step: timedelta, queue: str | None, name: str | None
) -> Sequence[AnyRow]:
    """Per step from the window's beginning: runs by state, summed buckets."""
    where = [
        f"{column} = :{column}" for column, value in (("queue", queue), ("name", name)) if value is not None
    ]
    query = f"""
        SELECT date_bin(CAST(:step AS interval), at, :since) AS at,
               coalesce(sum(runs) FILTER (WHERE state = 'succeeded'), 0)::bigint AS succeeded,
               coalesce(sum(runs) FILTER (WHERE state = 'dead'), 0)::bigint AS dead,
               coalesce(sum(runs) FILTER (WHERE state = 'cancelled'), 0)::bigint AS cancelled,
               {_added("wait_buckets")} AS wait_buckets, {_added("run_buckets")} AS run_buckets,
               sum(run_ms_total)::bigint AS total_ms
          FROM {_source(parts)} {"WHERE " + " AND ".join(where) if where else ""}
         GROUP BY 1 ORDER BY 1
    """
    values = {"step": step, "queue": queue, "name": name}
    return session.execute(text(query), {**_parameters(parts), **values}).all()


def runs_by_state(session: Session, parts: Parts) -> dict[str, int]:
    """How many runs ended in each state."""
    query = f"SELECT state, sum(runs)::bigint FROM {_source(parts)} GROUP BY state"
    return _pairs(session.execute(text(query), _parameters(parts)).all())


def runs_of_shop_by_state(session: Session, shop_id: ShopId, since: datetime) -> dict[str, int]:
    """The same of one shop, counted from its runs: the rolled figures know no shops.

    A run that waited for more than a day is not counted: the index of a shop's runs is by the time of their making.
    """
    query = """
        SELECT state, count(*) FROM job_runs
         WHERE shop_id = :shop_id AND id >= :oldest AND finished_at >= :since GROUP BY state
    """
    oldest = first_uuid7(since - timedelta(days=1))
    parameters = {"shop_id": shop_id, "since": since, "oldest": oldest}
    return _pairs(session.execute(text(query), parameters).all())


def _pairs(rows: Sequence[AnyRow]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}


def recent_minutes(session: Session, parts: Parts) -> Sequence[AnyRow]:
    """Per queue and minute: done and failed."""
    query = f"""
        SELECT queue, at, coalesce(sum(runs) FILTER (WHERE state = 'succeeded'), 0)::int AS done,
               coalesce(sum(runs) FILTER (WHERE state = 'dead'), 0)::int AS failed, sum(runs)::int AS runs
          FROM {_source(parts)} GROUP BY queue, at
    """
    return session.execute(text(query), _parameters(parts)).all()


def recent_waits(session: Session, parts: Parts) -> Sequence[AnyRow]:
    """Per queue: summed buckets of waiting times."""
    query = f"SELECT queue, {_added('wait_buckets')} AS wait_buckets FROM {_source(parts)} GROUP BY queue"
    return session.execute(text(query), _parameters(parts)).all()


def ended_since(session: Session, since: datetime) -> Sequence[AnyRow]:
    """Per queue: runs that ended since, and those of them that had also become due since."""
    query = """
        SELECT queue, count(*) AS ended, count(*) FILTER (WHERE run_at >= :since) AS came
          FROM job_runs WHERE finished_at >= :since GROUP BY queue
    """
    return session.execute(text(query), {"since": since}).all()


# One pass over the live table, counted by little that tells jobs apart, and added up from there: a dozen filtered
# counts for each row cost twice as much. A waiting job that somebody cancelled never runs, although its row is there
# until the relay's next round.
_LIVE = """
WITH line AS (
  SELECT queue, shop_id, state, attempt > 0 AS again, run_at <= :now AS due, count(*) AS jobs,
         min(run_at) AS oldest_at, count(*) FILTER (WHERE run_at >= :came_since AND run_at <= :now) AS came
    FROM outbox
   WHERE (cancel_requested_at IS NULL OR state = 'running') {which}
   GROUP BY 1, 2, 3, 4, 5
),
shop AS (
  SELECT queue, shop_id, sum(jobs) AS depth FROM line WHERE due AND state <> 'running' GROUP BY 1, 2
),
top AS (
  SELECT queue, (array_agg(shop_id ORDER BY depth DESC, shop_id))[1:3] AS top_shop_ids,
         (array_agg(depth::int ORDER BY depth DESC, shop_id))[1:3] AS top_depths
    FROM shop GROUP BY queue
),
total AS (
  SELECT queue,
         coalesce(sum(jobs) FILTER (WHERE due AND state <> 'running'), 0)::int AS depth,
         min(oldest_at) FILTER (WHERE due AND state <> 'running') AS oldest_at,
         min(oldest_at) FILTER (WHERE due AND state = 'staged') AS oldest_staged_at,
         coalesce(sum(jobs) FILTER (WHERE NOT due), 0)::int AS due_later, sum(came)::int AS came,
         coalesce(sum(jobs) FILTER (WHERE state = 'scheduled' AND NOT again), 0)::int AS scheduled,
         coalesce(sum(jobs) FILTER (WHERE state = 'staged' AND NOT again), 0)::int AS staged,
         coalesce(sum(jobs) FILTER (WHERE state IN ('scheduled', 'staged') AND again), 0)::int AS retrying,
         coalesce(sum(jobs) FILTER (WHERE state = 'queued'), 0)::int AS queued,
         coalesce(sum(jobs) FILTER (WHERE state = 'running'), 0)::int AS running
    FROM line GROUP BY queue
)
SELECT * FROM total LEFT JOIN top USING (queue)
"""


def live_by_queue(
    session: Session, shop_id: ShopId | None, *, now: datetime, came_since: datetime
) -> Sequence[AnyRow]:
    """Per queue: what waits and since when, each live state's count, and the three shops with most waiting."""
    query = _LIVE.format(which="" if shop_id is None else "AND shop_id = :shop_id")
    return session.execute(text(query), {"now": now, "came_since": came_since, "shop_id": shop_id}).all()


def newest_running(session: Session, limit: int) -> Sequence[AnyRow]:
    """Running jobs in the shape of any run, newest first. Each has a lease, and leases are indexed."""
    query = """
        SELECT id, shop_id, name, queue, priority, state, attempt, max_attempts, enqueued_at, run_at, started_at,
               worker, error, progress, request_id, args, tags, parent_id, root_id, batch_id, NULL AS finished_at,
               NULL AS error_class, NULL AS fingerprint, NULL AS retried_as, NULL AS discarded_at
          FROM outbox WHERE state = 'running' AND lease_until IS NOT NULL ORDER BY id DESC LIMIT :limit
    """
    return session.execute(text(query), {"limit": limit}).all()


def trace_of_shop(session: Session, shop_id: ShopId) -> AnyRow:
    """Something that is another when a live job of the shop came, went or moved."""
    query = """
        SELECT count(*), max(id::text), sum(hashtext(concat(id, state, attempt, progress, cancel_requested_at)))
          FROM outbox WHERE shop_id = :shop_id
    """
    return session.execute(text(query), {"shop_id": shop_id}).one()


def count_open_dead(session: Session, shop_id: ShopId | None) -> int:
    """Dead letters that nobody tried again or discarded."""
    query = (
        "SELECT count(*) FROM job_runs WHERE state = 'dead' AND retried_as IS NULL AND discarded_at IS NULL"
    )
    if shop_id is not None:
        query += " AND shop_id = :shop_id"
    return session.scalar(text(query), {"shop_id": shop_id}) or 0


def processes(session: Session) -> Sequence[AnyRow]:
    """Every process of the fleet, as its last heartbeat left it."""
    query = "SELECT name, kind, queues, slots, busy, beat_at, draining, dropped FROM fleet_processes ORDER BY name"
    return session.execute(text(query)).all()


def deploys_since(session: Session, since: datetime) -> Sequence[AnyRow]:
    """Versions that were first seen since, oldest first."""
    query = (
        "SELECT version, first_seen_at AS at FROM fleet_deploys WHERE first_seen_at >= :since ORDER BY 2, 1"
    )
    return session.execute(text(query), {"since": since}).all()
