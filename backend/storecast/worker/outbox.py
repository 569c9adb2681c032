"""Staging of jobs: a row in the caller's own transaction, so that a job exists exactly when its cause does."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.worker.job import J, Job
from storecast.worker.models import OutboxJob

CHANNEL = "storecast_outbox"
"""NOTIFY channel that wakes a sleeping relay; its poll is the guarantee, this is only haste."""


def add(
    session: Session,
    shop_id: ShopId | None,
    job: Job,
    *,
    run_at: datetime | None = None,
    tags: Sequence[str] = (),
) -> UUID | None:
    """Stage a job; it runs after the caller's commit, at ``run_at`` or as soon as a worker is free.

    Returns None when a job with the same unique key is already waiting: that one does the work. Its row is locked
    until the caller's commit, so that it cannot start in between and miss what the caller wrote.
    """
    context = structlog.contextvars.get_contextvars()
    values = {
        "id": uuid7(),
        "shop_id": shop_id,
        "name": job.name,
        "queue": job.queue,
        "args": job.payload(),
        "tags": list(tags),
        "state": "staged",
        "max_attempts": job.max_attempts,
        "unique_key": job.unique_key(),
        "parent_id": UUID(context["job_id"]) if "job_id" in context else None,
        "request_id": context.get("request_id"),
    }
    if run_at is not None:
        values["run_at"] = run_at
    statement = insert(OutboxJob).values(values)
    if values["unique_key"] is not None:
        statement = statement.on_conflict_do_update(
            index_elements=[text("coalesce(shop_id, 0)"), OutboxJob.name, OutboxJob.unique_key],
            index_where=text("unique_key IS NOT NULL AND state <> 'running'"),
            set_={"run_at": func.least(OutboxJob.run_at, statement.excluded.run_at)},
        )
    job_id = session.scalar(statement.returning(OutboxJob.id))
    if not session.info.get("outbox_notified"):
        # One NOTIFY per transaction at most: a pending one takes an instance-wide lock at commit.
        session.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))
        session.info["outbox_notified"] = True
    return job_id if job_id == values["id"] else None


def pending(session: Session, job_type: type[J]) -> list[J]:
    """The waiting jobs of one type that the session may see, oldest first."""
    rows = session.scalars(
        select(OutboxJob)
        .where(OutboxJob.name == job_type.name, OutboxJob.state != "running")
        .order_by(OutboxJob.enqueued_at, OutboxJob.id)
    )
    return [job_type.from_payload(dict(row.args)) for row in rows]
