"""SQL of what stands around a waiting job.

`fleet_processes` is read by name: its module is a sibling that this one may not import, and what is asked of it are
two counts over columns that every process writes.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, literal, or_, select, text, tuple_
from sqlalchemy.orm import Session

from storecast.jobs.repository import AnyRow
from storecast.worker.models import JobRun, OutboxJob, WorkLimit

PACE_WINDOW = timedelta(minutes=5)
PACE_RUNS = 5000
"""A queue's pace is counted over five minutes, or over so many runs where they took less."""

AHEAD_MAX = 100_000


def published_at(session: Session, job_id: UUID) -> datetime | None:
    """Since when the job is in the broker; None while it is not."""
    return session.scalar(
        select(OutboxJob.published_at).where(OutboxJob.id == job_id, OutboxJob.state == "queued")
    )


def limits_for(session: Session, queue: str, name: str, shop_id: int | None) -> dict[str, WorkLimit]:
    """What operators set for the job's queue, kind and shop, by kind of limit."""
    keys = [("queue", queue), ("job", name), ("shop", str(shop_id or 0))]
    query = select(WorkLimit).where(tuple_(WorkLimit.kind, WorkLimit.key).in_(keys))
    rows = session.scalars(query.execution_options(populate_existing=True))
    return {row.kind: row for row in rows}


def in_flight(session: Session, queue: str, name: str, shop_id: int | None) -> tuple[int, int, int, int]:
    """Jobs queued or running as `waiting.Flight` has them, as far as the session may see them."""
    of_shop = func.coalesce(OutboxJob.shop_id, 0) == (shop_id or 0)
    in_queue, of_kind = OutboxJob.queue == queue, OutboxJob.name == name
    row = session.execute(
        select(
            func.count().filter(in_queue),
            func.count().filter(in_queue & of_shop),
            func.count().filter(of_kind),
            func.count().filter(of_kind & of_shop),
        ).where(OutboxJob.state.in_(("queued", "running")), or_(in_queue, of_kind))
    ).one()
    return row[0], row[1], row[2], row[3]


def count_consumers(session: Session, queue: str, *, since: datetime) -> int:
    """Workers that take from the queue and were heard of."""
    query = text(
        "SELECT count(*) FROM fleet_processes"
        " WHERE kind = 'worker' AND NOT draining AND beat_at >= :since AND :queue = ANY(queues)"
    )
    return session.scalar(query, {"since": since, "queue": queue}) or 0


def count_relays(session: Session, *, since: datetime) -> int:
    """Relays that were heard of."""
    query = text("SELECT count(*) FROM fleet_processes WHERE kind = 'relay' AND beat_at >= :since")
    return session.scalar(query, {"since": since}) or 0


def count_ahead(session: Session, row: AnyRow, published: datetime | None) -> int:
    """Jobs of the queue that go before this one; turns between shops are not counted in."""
    in_broker = OutboxJob.state == "queued"
    if published is not None:
        before = and_(in_broker, OutboxJob.published_at < published)
    else:
        staged = and_(
            OutboxJob.state == "staged",
            tuple_(OutboxJob.priority, OutboxJob.run_at, OutboxJob.id)
            < tuple_(literal(row.priority), literal(row.run_at), literal(row.id)),
        )
        before = or_(in_broker, staged)
    ahead = (
        select(OutboxJob.id)
        .where(OutboxJob.queue == row.queue, OutboxJob.cancel_requested_at.is_(None), before)
        .limit(AHEAD_MAX)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(ahead)) or 0


def done_per_min(session: Session, queue: str, now: datetime) -> float:
    """How many jobs of the queue end in a minute, of late."""
    latest = (
        select(JobRun.finished_at)
        .where(JobRun.queue == queue)
        .order_by(JobRun.id.desc())
        .limit(PACE_RUNS)
        .subquery()
    )
    since = now - PACE_WINDOW
    done, first = session.execute(
        select(func.count(), func.min(latest.c.finished_at)).where(latest.c.finished_at >= since)
    ).one()
    if not done:
        return 0.0
    began = since if done < PACE_RUNS else first
    minutes = max((now - began).total_seconds(), 1.0) / 60
    return round(float(done) / minutes, 1)
