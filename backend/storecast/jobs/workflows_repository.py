"""All SQL of workflows, and what they read of their batches.

``shop_id`` None reads across shops and is for sessions of the platform; in a tenant's session row-level security
would show no other shop either way.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.jobs.models import Workflow, WorkflowNode
from storecast.kit.ids import first_uuid7
from storecast.kit.types import ShopId
from storecast.worker.models import JobBatch, JobRun, OutboxJob


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """How many nodes of a workflow are in which kind of state."""

    total: int
    done: int
    failed: int


NO_NODES = NodeCounts(0, 0, 0)


def _within(query: Select[Workflow], shop_id: ShopId | None) -> Select[Workflow]:
    return query if shop_id is None else query.where(Workflow.shop_id == shop_id)


def create(session: Session, workflow: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> bool:
    """Write a workflow with its nodes; False when one with the same unique key is under way."""
    made = session.scalar(insert(Workflow).values(workflow).on_conflict_do_nothing().returning(Workflow.id))
    if made is None:
        return False
    session.execute(insert(WorkflowNode), [dict(node) for node in nodes])
    return True


def find_under_way(session: Session, shop_id: ShopId | None, unique_key: str) -> UUID | None:
    """The workflow with this key that is not over."""
    return session.scalar(
        select(Workflow.id).where(
            Workflow.shop_id.is_not_distinct_from(shop_id),
            Workflow.unique_key == unique_key,
            Workflow.state.in_(("running", "paused")),
        )
    )


def has_unfinished(session: Session, shop_id: ShopId, unique_key: str) -> bool:
    """Whether one of the shop's workflows with this key has not ended."""
    query = select(Workflow.id).where(
        Workflow.shop_id == shop_id, Workflow.unique_key == unique_key, Workflow.finished_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def find(session: Session, shop_id: ShopId | None, workflow_id: UUID) -> Workflow | None:
    return session.scalar(_within(select(Workflow).where(Workflow.id == workflow_id), shop_id))


def lock(session: Session, shop_id: ShopId | None, workflow_id: UUID) -> Workflow | None:
    """The workflow, locked until the commit: those who would move it take turns."""
    query = _within(select(Workflow).where(Workflow.id == workflow_id), shop_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def list_nodes(session: Session, workflow_id: UUID) -> Sequence[WorkflowNode]:
    """The nodes in the order of the definition."""
    return session.scalars(
        select(WorkflowNode)
        .where(WorkflowNode.workflow_id == workflow_id)
        .order_by(WorkflowNode.position)
        .execution_options(populate_existing=True)
    ).all()


def list_newest(
    session: Session, shop_id: ShopId | None, *, state: str | None, before_id: UUID | None, limit: int
) -> Sequence[Workflow]:
    """Newest first; ids are in the order of creation."""
    query = _within(select(Workflow), shop_id)
    if state is not None:
        query = query.where(Workflow.state == state)
    if before_id is not None:
        query = query.where(Workflow.id < before_id)
    return session.scalars(query.order_by(Workflow.id.desc()).limit(limit)).all()


def count_nodes(session: Session, workflow_ids: Collection[UUID]) -> dict[UUID, NodeCounts]:
    """Counts by workflow."""
    query = (
        select(
            WorkflowNode.workflow_id,
            func.count(),
            func.count().filter(WorkflowNode.state.in_(("succeeded", "skipped"))),
            func.count().filter(WorkflowNode.state.in_(("failed", "cancelled"))),
        )
        .where(WorkflowNode.workflow_id.in_(workflow_ids))
        .group_by(WorkflowNode.workflow_id)
    )
    return {row[0]: NodeCounts(*row[1:]) for row in session.execute(query)}


def batches(session: Session, batch_ids: Collection[UUID]) -> dict[UUID, JobBatch]:
    """Batches by id, with their counts as they are now."""
    found = session.scalars(
        select(JobBatch).where(JobBatch.id.in_(batch_ids)).execution_options(populate_existing=True)
    )
    return {batch.id: batch for batch in found}


def find_run(session: Session, batch_id: UUID) -> JobRun | None:
    """The run of a batch of one job, once it is over."""
    return session.scalar(select(JobRun).where(JobRun.batch_id == batch_id).limit(1))


def list_unsuccessful_args(session: Session, batch_id: UUID) -> list[dict[str, object]]:
    """The arguments of a batch's jobs that are over without success, oldest first."""
    return list(
        session.scalars(
            select(JobRun.args)
            .where(JobRun.batch_id == batch_id, JobRun.state != "succeeded")
            .order_by(JobRun.id)
        )
    )


def first_error(session: Session, batch_id: UUID) -> str | None:
    """What the first dead job of a batch died of."""
    return session.scalar(
        select(JobRun.error)
        .where(JobRun.batch_id == batch_id, JobRun.state == "dead")
        .order_by(JobRun.id)
        .limit(1)
    )


def job_ids(session: Session, batch_id: UUID, limit: int) -> list[UUID]:
    """The first jobs of a batch, live or over."""
    found: set[UUID] = set()
    for model in (OutboxJob, JobRun):
        found |= set(
            session.scalars(
                select(model.id).where(model.batch_id == batch_id).order_by(model.id).limit(limit)
            )
        )
    return sorted(found)[:limit]


def ask_to_cancel(session: Session, batch_ids: Collection[UUID], now: datetime) -> None:
    """Cancel the jobs of batches: at once those that wait, at their next safe point those that run."""
    wanted = (
        select(OutboxJob.id)
        .where(OutboxJob.batch_id.in_(batch_ids), OutboxJob.cancel_requested_at.is_(None))
        .order_by(OutboxJob.id)
        .with_for_update()
    )
    session.execute(
        update(OutboxJob)
        .where(OutboxJob.id.in_(wanted.scalar_subquery()))
        .values(cancel_requested_at=now)
        .execution_options(synchronize_session=False)
    )


def list_standing_still(session: Session, limit: int) -> Sequence[tuple[UUID, int | None]]:
    """Open workflows that nobody is about to advance, with their shops.

    Either the end of a batch was not followed up, or nothing of a workflow runs that is not paused.
    """
    running = (
        select(WorkflowNode.batch_id)
        .where(WorkflowNode.workflow_id == Workflow.id, WorkflowNode.state == "running")
        .correlate(Workflow)
    )
    ended = running.join(JobBatch, JobBatch.id == WorkflowNode.batch_id).where(
        JobBatch.succeeded + JobBatch.dead + JobBatch.cancelled >= JobBatch.total
    )
    query = (
        select(Workflow.id, Workflow.shop_id)
        .where(
            Workflow.finished_at.is_(None),
            ended.exists() | ((Workflow.state != "paused") & ~running.exists()),
        )
        .order_by(Workflow.id)
        .limit(limit)
    )
    return [(row.id, row.shop_id) for row in session.execute(query)]


def forget_batches(session: Session, before: datetime, limit: int) -> int:
    """Delete batches that ended before the instant and that no workflow remembers; returns how many.

    Ids are in the order of creation, so what was made since is not read.
    """
    newest = first_uuid7(before)
    remembered = select(WorkflowNode.batch_id).where(WorkflowNode.batch_id == JobBatch.id).correlate(JobBatch)
    old = (
        select(JobBatch.id)
        .where(JobBatch.id < newest, JobBatch.finished_at < before, ~remembered.exists())
        .order_by(JobBatch.id)
        .limit(limit)
    )
    result = session.execute(
        delete(JobBatch).where(JobBatch.id.in_(old.scalar_subquery())).returning(JobBatch.id)
    )
    return len(result.all())


def forget(session: Session, before: datetime, limit: int) -> int:
    """Delete workflows that ended before the instant, with their nodes; returns how many."""
    old = select(Workflow.id).where(Workflow.finished_at < before).order_by(Workflow.id).limit(limit)
    result = session.execute(
        delete(Workflow).where(Workflow.id.in_(old.scalar_subquery())).returning(Workflow.id)
    )
    return len(result.all())
