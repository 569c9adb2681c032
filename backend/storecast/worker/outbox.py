"""Staging of jobs: a row in the caller's own transaction, so that a job exists exactly when its cause does."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Insert, case, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.chunks import batched
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.observability import tracing
from storecast.worker import job as jobs
from storecast.worker.job import J, Job
from storecast.worker.models import JobRun, OutboxJob

CHANNEL = "storecast_outbox"
"""NOTIFY channel that wakes a sleeping relay; its poll is the guarantee, this is only haste."""

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Ancestor:
    """The job that is running here: what it stages are its children."""

    id: UUID
    root_id: UUID | None


_ancestor: ContextVar[Ancestor | None] = ContextVar("storecast_ancestor", default=None)


@contextmanager
def descending_from(ancestor: Ancestor) -> Iterator[None]:
    """Within it, staged jobs have this parent."""
    token = _ancestor.set(ancestor)
    try:
        yield
    finally:
        _ancestor.reset(token)


def add(
    session: Session,
    shop_id: ShopId | None,
    job: Job,
    *,
    run_at: datetime | None = None,
    tags: Sequence[str] = (),
    priority: int | None = None,
    batch_id: UUID | None = None,
) -> UUID | None:
    """Stage a job; it runs after the caller's commit, at ``run_at`` or as soon as a worker is free.

    Returns None when a job with the same unique key is already waiting: that one does the work. Its row is locked
    until the caller's commit, so that it cannot start in between and miss what the caller wrote.
    """
    row = _row(shop_id, job, tags, priority, batch_id) | _due(session, run_at)
    job_id = session.scalar(_statement(row["unique_key"] is not None).values(row).returning(OutboxJob.id))
    wake(session)
    return job_id if job_id == row["id"] else None


def add_many(
    session: Session,
    shop_id: ShopId | None,
    many: Iterable[Job],
    *,
    run_at: datetime | None = None,
    tags: Sequence[str] = (),
    priority: int | None = None,
    batch_id: UUID | None = None,
) -> int:
    """Stage many jobs; returns how many rows were made (one that is covered by a waiting job makes none)."""
    made = 0
    due = _due(session, run_at)
    for chunk in batched(many, CHUNK):
        rows = [_row(shop_id, job, tags, priority, batch_id) | due for job in chunk]
        # One statement may meet a key once.
        keyed = {(row["name"], row["unique_key"]): row for row in rows if row["unique_key"] is not None}
        for statement, part in (
            (_statement(unique=True), list(keyed.values())),
            (_statement(unique=False), [row for row in rows if row["unique_key"] is None]),
        ):
            if part:
                ids = set(session.scalars(statement.returning(OutboxJob.id), part))
                made += sum(row["id"] in ids for row in part)
    if made:
        wake(session)
    return made


def again(
    session: Session, run: JobRun, *, args: dict[str, Any] | None = None, run_at: datetime | None = None
) -> UUID:
    """Stage a copy of a finished job, with other arguments if given; it counts its attempts anew."""
    payload = run.args if args is None else args
    job_id = uuid7()
    row = {
        "id": job_id,
        "shop_id": run.shop_id,
        "name": run.name,
        "queue": run.queue,
        "priority": run.priority,
        "args": payload,
        "tags": run.tags,
        "terms": jobs.terms(tuple(run.tags), payload),
        "max_attempts": run.max_attempts,
        "parent_id": run.id,
        "root_id": run.root_id or run.id,
        "request_id": run.request_id,
        "traceparent": tracing.current_traceparent(),
        **_due(session, run_at),
    }
    session.execute(insert(OutboxJob).values(row))
    wake(session)
    return job_id


def pending(session: Session, job_type: type[J]) -> list[J]:
    """The waiting jobs of one type that the session may see, oldest first."""
    rows = session.scalars(
        select(OutboxJob)
        .where(OutboxJob.name == job_type.name, OutboxJob.state != "running")
        .order_by(OutboxJob.enqueued_at, OutboxJob.id)
    )
    return [job_type.from_payload(dict(row.args)) for row in rows]


def wake(session: Session) -> None:
    """Tell the relays, once per transaction: a pending NOTIFY takes an instance-wide lock at commit."""
    if not session.info.get("outbox_notified"):
        session.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))
        session.info["outbox_notified"] = True


def _row(
    shop_id: ShopId | None,
    job: Job,
    tags: Sequence[str],
    priority: int | None,
    batch_id: UUID | None,
) -> dict[str, Any]:
    parent = _ancestor.get()
    payload = job.payload()
    all_tags = (*job.tags, *tags)
    return {
        "id": uuid7(),
        "shop_id": shop_id,
        "name": job.name,
        "queue": job.queue,
        "priority": job.priority if priority is None else priority,
        "args": payload,
        "tags": list(all_tags),
        "terms": jobs.terms(all_tags, payload),
        "max_attempts": job.max_attempts,
        # A batch counts its own: a job of somebody else's cannot stand in for one of them.
        "unique_key": job.unique_key() if batch_id is None else None,
        "batch_id": batch_id,
        "parent_id": parent.id if parent else None,
        "root_id": (parent.root_id or parent.id) if parent else None,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "traceparent": tracing.current_traceparent(),
    }


def _due(session: Session, run_at: datetime | None) -> dict[str, Any]:
    """The columns that say when; later or not is asked of the database's clock, which is the relay's."""
    if run_at is None:
        return {"state": "staged"}
    later = session.scalar(select(literal(run_at) > func.now()))
    return {"state": "scheduled" if later else "staged", "run_at": run_at}


def _statement(unique: bool) -> Insert:
    statement = insert(OutboxJob)
    if not unique:
        return statement
    run_at = func.least(OutboxJob.run_at, statement.excluded.run_at)
    early = (OutboxJob.state == "scheduled") & (statement.excluded.run_at <= func.now())
    return statement.on_conflict_do_update(
        index_elements=[text("coalesce(shop_id, 0)"), OutboxJob.name, OutboxJob.unique_key],
        index_where=text("unique_key IS NOT NULL AND state <> 'running'"),
        set_={
            "run_at": run_at,
            "state": case((early, "staged"), else_=OutboxJob.state),
            "priority": func.least(OutboxJob.priority, statement.excluded.priority),
        },
    )
