"""Figures of background work that alerts may watch, each one bounded statement over the rows themselves."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.fleet import circuits
from storecast.fleet.alert_metrics import metric
from storecast.fleet.service import LATE_AFTER, LOST_AFTER
from storecast.kit.types import ShopId

FAILURES_MIN_RUNS = 20
"""One failure in three runs is 33 %, and says nothing."""


def _runs(state: str, *qualifiers: str) -> str:
    return f"/tasks?state={state}" + (f"&q={quote(' '.join(qualifiers))}" if qualifiers else "")


def _of_queue(state: str, scope: Mapping[str, Any]) -> str:
    return _runs(state, *([f"queue:{scope['queue']}"] if "queue" in scope else []))


def _value(session: Session, statement: str, **parameters: object) -> float | None:
    value = session.execute(text(statement), parameters).scalar_one_or_none()
    return None if value is None else float(value)


@metric(
    "queue_oldest_wait_s",
    unit="s",
    audience="operators",
    scopes=("queue",),
    link=lambda scope: _of_queue("staged", scope),
    suggested=("above", 300, 60),
)
def queue_oldest_wait_s(session: Session, _shop_id: ShopId | None, scope: Mapping[str, Any]) -> float | None:
    """How long the oldest job that is due has waited; 0 when none waits."""
    return _value(
        session,
        "SELECT coalesce(max(extract(epoch FROM now() - run_at)), 0) FROM outbox WHERE state IN ('staged', 'queued') "
        "AND (CAST(:queue AS text) IS NULL OR queue = :queue)",
        queue=scope.get("queue"),
    )


@metric(
    "queue_depth",
    unit="jobs",
    audience="operators",
    scopes=("queue",),
    link=lambda scope: _of_queue("staged", scope),
    suggested=("above", 10_000, 300),
)
def queue_depth(session: Session, _shop_id: ShopId | None, scope: Mapping[str, Any]) -> float | None:
    """Jobs that are due and not begun."""
    return _value(
        session,
        "SELECT count(*) FROM outbox WHERE state IN ('staged', 'queued') "
        "AND (CAST(:queue AS text) IS NULL OR queue = :queue)",
        queue=scope.get("queue"),
    )


@metric(
    "failure_percent",
    unit="percent",
    audience="operators",
    scopes=("queue", "job"),
    link=lambda scope: _runs("dead", *([f"name:{scope['job']}"] if "job" in scope else [])),
    suggested=("above", 10, 120),
)
def failure_percent(session: Session, _shop_id: ShopId | None, scope: Mapping[str, Any]) -> float | None:
    """Share of dead ones among the jobs that ended in the last five minutes; None under `FAILURES_MIN_RUNS`."""
    return _value(
        session,
        "SELECT 100.0 * count(*) FILTER (WHERE state = 'dead') / nullif(count(*), 0) FROM job_runs "
        "WHERE finished_at >= now() - interval '5 minutes' AND state <> 'cancelled' "
        "AND (CAST(:queue AS text) IS NULL OR queue = :queue) AND (CAST(:job AS text) IS NULL OR name = :job) "
        "HAVING count(*) >= :least",
        queue=scope.get("queue"),
        job=scope.get("job"),
        least=FAILURES_MIN_RUNS,
    )


@metric(
    "dead_letters",
    unit="jobs",
    audience="both",
    scopes=("job",),
    link=lambda scope: _runs("dead", *([f"name:{scope['job']}"] if "job" in scope else [])),
    suggested=("above", 0, 0),
)
def dead_letters(session: Session, shop_id: ShopId | None, scope: Mapping[str, Any]) -> float | None:
    """Dead jobs of the last 30 days that nobody has retried or discarded."""
    return _value(
        session,
        "SELECT count(*) FROM job_runs WHERE state = 'dead' AND retried_as IS NULL AND discarded_at IS NULL "
        "AND finished_at >= now() - interval '30 days' AND (CAST(:shop_id AS bigint) IS NULL OR shop_id = :shop_id) "
        "AND (CAST(:job AS text) IS NULL OR name = :job)",
        shop_id=shop_id,
        job=scope.get("job"),
    )


@metric("workers_late", unit="processes", audience="operators", link="/workers", suggested=("above", 0, 60))
def workers_late(session: Session, _shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Processes that have missed beats, lost ones among them."""
    return _silent(session, LATE_AFTER.total_seconds())


@metric("workers_lost", unit="processes", audience="operators", link="/workers", suggested=("above", 0, 0))
def workers_lost(session: Session, _shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Processes that nothing has been heard of."""
    return _silent(session, LOST_AFTER.total_seconds())


def _silent(session: Session, age_s: float) -> float | None:
    return _value(
        session,
        "SELECT count(*) FROM fleet_processes WHERE beat_at < now() - make_interval(secs => :age_s)",
        age_s=age_s,
    )


@metric("relay_lag_s", unit="s", audience="operators", link="/tasks/queues", suggested=("above", 30, 30))
def relay_lag_s(session: Session, _shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """How long jobs have been due that no relay has even looked at: delayed ones still marked as such."""
    return _value(
        session,
        "SELECT coalesce(extract(epoch FROM now() - min(run_at)), 0) FROM outbox "
        "WHERE state = 'scheduled' AND run_at <= now()",
    )


@metric("history_drops", unit="lines", audience="operators", link="/workers", suggested=("above", 0, 0))
def history_drops(session: Session, _shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Log lines of jobs that living processes had to drop."""
    return _value(session, "SELECT coalesce(sum(dropped), 0) FROM fleet_processes")


@metric(
    "schedules_missed", unit="runs", audience="operators", link="/tasks/schedules", suggested=("above", 0, 0)
)
def schedules_missed(session: Session, _shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Runs of schedules that fell into an outage in the last 24 hours."""
    return _value(
        session,
        "SELECT count(*) FROM schedule_ticks WHERE outcome = 'missed' AND due_at >= now() - interval '1 day'",
    )


@metric(
    "workflows_failed",
    unit="workflows",
    audience="both",
    link="/tasks/workflows?state=failed",
    suggested=("above", 0, 0),
)
def workflows_failed(session: Session, shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Workflows that failed in the last 24 hours."""
    return _value(
        session,
        "SELECT count(*) FROM workflows WHERE state = 'failed' AND finished_at >= now() - interval '1 day' "
        "AND (CAST(:shop_id AS bigint) IS NULL OR shop_id = :shop_id)",
        shop_id=shop_id,
    )


@metric("circuits_open", unit="hosts", audience="operators", link="/workers", suggested=("above", 0, 60))
def circuits_open(_session: Session, _shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """External hosts that are left alone because they failed."""
    return float(sum(circuit.state == "open" for circuit in circuits.list_circuits()))
