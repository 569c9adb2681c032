"""Batches: jobs that belong together, their progress, and the job that follows when the last of them is over.

The ledger counts a batch's jobs in the very statement that ends them, and the one that ends the last also stages the
completion job: whatever crashes, it is staged exactly once, and never early.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.worker import outbox
from storecast.worker.job import Job
from storecast.worker.models import JobBatch


def start(
    session: Session, shop_id: ShopId | None, name: str, jobs: Iterable[Job], *, completion: Job | None = None
) -> UUID:
    """Stage jobs as one batch. A batch without jobs is over at once. Unique keys do not hold inside a batch."""
    batch = JobBatch(id=uuid7(), shop_id=shop_id, name=name, completion=_as_row(completion))
    session.add(batch)
    session.flush()
    total = outbox.add_many(session, shop_id, jobs, batch_id=batch.id)
    # The caller's transaction is not over, so no worker has ended any of them yet.
    session.execute(update(JobBatch).where(JobBatch.id == batch.id).values(total=total))
    if total == 0:
        session.execute(update(JobBatch).where(JobBatch.id == batch.id).values(finished_at=func.now()))
        if completion is not None:
            outbox.add(session, shop_id, completion)
    return batch.id


def find(session: Session, batch_id: UUID) -> JobBatch | None:
    """The batch with its counts as they are now."""
    return session.scalar(
        select(JobBatch).where(JobBatch.id == batch_id).execution_options(populate_existing=True)
    )


def _as_row(job: Job | None) -> dict[str, object] | None:
    if job is None:
        return None
    return {
        "name": job.name,
        "queue": job.queue,
        "priority": job.priority,
        "args": job.payload(),
        "max_attempts": job.max_attempts,
        "unique_key": job.unique_key(),
    }
