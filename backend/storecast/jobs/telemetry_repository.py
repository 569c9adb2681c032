"""All SQL of what monitoring reads: one pass over the live table, one over what was rolled up since the last look."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from storecast.jobs.histogram import BUCKETS

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

# A job that somebody cancelled before it ran waits for nothing. A running one is as old as its run.
_LIVE = """
SELECT queue, CASE WHEN state IN ('scheduled', 'staged') AND attempt > 0 THEN 'retrying' ELSE state END AS state,
       count(*)::int AS depth,
       extract(epoch FROM :now - min(CASE state WHEN 'running' THEN started_at ELSE run_at END)
         FILTER (WHERE run_at <= :now AND state <> 'scheduled'))::float8 AS oldest_age_s
  FROM outbox WHERE cancel_requested_at IS NULL OR state = 'running'
 GROUP BY 1, 2
"""

# While messages of a queue are out the relay holds the rest back on purpose, and what somebody limited or paused
# waits because they wanted it: only what nothing speaks against is late.
_RELAY_LAG = """
SELECT extract(epoch FROM :now - min(run_at))::float8
  FROM outbox AS job
 WHERE state = 'staged' AND run_at <= :now AND cancel_requested_at IS NULL
   AND NOT EXISTS (SELECT FROM outbox AS out WHERE out.queue = job.queue AND out.state IN ('queued', 'running'))
   AND NOT EXISTS (SELECT FROM work_limits AS held
                    WHERE (held.kind, held.key) IN (('queue', job.queue), ('job', job.name),
                                                    ('shop', job.shop_id::text))
                      AND (paused_at, in_flight, shop_in_flight, rate) IS DISTINCT FROM (NULL, NULL, NULL, NULL))
"""

_ROLLED = f"""
SELECT queue, name, state, sum(runs)::bigint AS runs, sum(run_ms_total)::bigint AS run_ms_total,
       ARRAY[{", ".join(f"sum(wait_buckets[{index}])" for index in range(1, BUCKETS + 1))}]::bigint[] AS wait_buckets,
       ARRAY[{", ".join(f"sum(run_buckets[{index}])" for index in range(1, BUCKETS + 1))}]::bigint[] AS run_buckets
  FROM job_minutes WHERE minute >= :since AND minute < :until
 GROUP BY queue, name, state
"""

_OTHERS = """
SELECT (SELECT count(*) FROM job_batches WHERE finished_at IS NULL)::int AS batches,
       (SELECT count(*) FROM job_runs
         WHERE state = 'dead' AND retried_as IS NULL AND discarded_at IS NULL)::int AS dead_letters,
       (SELECT coalesce(max(extract(epoch FROM :now - next_run_at)), 0)
          FROM job_schedules WHERE paused_at IS NULL AND next_run_at <= :now)::float8 AS schedule_lag_s,
       (SELECT rolled_until FROM job_rollups WHERE name = 'job_minutes') AS rolled_until
"""


def bound_statements(session: Session, timeout_ms: int) -> None:
    """Let no statement of this transaction run longer."""
    session.execute(text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(timeout_ms)})


def live(session: Session, now: datetime) -> Sequence[AnyRow]:
    """Per queue and state: how many, and the age of the oldest that is due."""
    return session.execute(text(_LIVE), {"now": now}).all()


def relay_lag_s(session: Session, now: datetime) -> float:
    """How long the oldest job that could go has waited for a relay."""
    return session.scalar(text(_RELAY_LAG), {"now": now}) or 0.0


def paused_queues(session: Session) -> set[str]:
    """Queues that an operator stopped."""
    found = session.scalars(
        text("SELECT key FROM work_limits WHERE kind = 'queue' AND paused_at IS NOT NULL")
    )
    return set(found)


def rolled(session: Session, since: datetime, until: datetime) -> Sequence[AnyRow]:
    """Per queue, job and outcome: what ended in the minutes from ``since`` to ``until``."""
    return session.execute(text(_ROLLED), {"since": since, "until": until}).all()


def others(session: Session, now: datetime) -> AnyRow:
    """Open batches, open dead letters, the schedules' lag, and how far the roll-up has come."""
    return session.execute(text(_OTHERS), {"now": now}).one()


def open_workflows(session: Session) -> Sequence[AnyRow]:
    """Workflows that are not over, by state."""
    query = "SELECT state, count(*)::int AS count FROM workflows WHERE finished_at IS NULL GROUP BY state"
    return session.execute(text(query)).all()
