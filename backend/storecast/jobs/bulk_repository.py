"""SQL of bulk actions and of what their chunks do. Rows are locked newest first by everyone, so nobody deadlocks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, null, select, update
from sqlalchemy.orm import Session

from storecast.jobs.models import JobBulkAction
from storecast.worker.models import JobRun, OutboxJob


def lock_action(session: Session, bulk_id: UUID) -> JobBulkAction | None:
    """The action as it is now: two workers that both believe they hold its job take turns."""
    query = select(JobBulkAction).where(JobBulkAction.id == bulk_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def lock_open_runs(session: Session, ids: Sequence[UUID]) -> Sequence[JobRun]:
    """Those of the runs that nobody has acted on, newest first, kept from others until the commit."""
    return session.scalars(
        select(JobRun)
        .where(JobRun.id.in_(ids), JobRun.retried_as.is_(None), JobRun.discarded_at.is_(None))
        .order_by(JobRun.id.desc())
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def discard(session: Session, ids: Sequence[UUID], now: datetime) -> int:
    for run in (runs := lock_open_runs(session, ids)):
        run.discarded_at = now
    return len(runs)


def cancel(session: Session, ids: Sequence[UUID], now: datetime) -> int:
    """Ask live jobs to stop, as `service.cancel` does for one."""
    live = (
        select(OutboxJob.id)
        .where(OutboxJob.id.in_(ids), OutboxJob.cancel_requested_at.is_(None))
        .order_by(OutboxJob.id.desc())
        .with_for_update()
    )
    locked = session.scalars(live).all()
    session.execute(
        update(OutboxJob)
        .where(OutboxJob.id.in_(locked))
        .values(
            cancel_requested_at=now,
            unique_key=case((OutboxJob.state == "running", OutboxJob.unique_key), else_=null()),
        )
        .execution_options(synchronize_session=False)
    )
    return len(locked)
