"""SQL of single runs: live ones in `outbox`, finished ones in `job_runs`, read as one kind of row.

``shop_id`` None reads across shops and is for the operators' session only; in a tenant's session row-level
security would show no other shop either way.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    Float,
    Row,
    Select,
    String,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.worker.models import JobLog, JobRun, OutboxJob

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

LISTED = (
    "id", "shop_id", "name", "queue", "priority", "attempt", "max_attempts", "enqueued_at", "run_at", "started_at",
    "worker", "error", "progress", "request_id", "args", "tags", "parent_id", "root_id", "batch_id",
)  # fmt: skip
"""What both tables have and lists show."""

DETAILED = (*LISTED, "attempts", "result", "traceparent")

_FINISHED_ONLY = ("finished_at", "error_class", "fingerprint", "retried_as", "discarded_at")

# A waiting job that somebody cancelled never runs, although its row is there until the relay's next round.
LIVE_STATE = case(
    ((OutboxJob.state != "running") & OutboxJob.cancel_requested_at.is_not(None), literal("cancelled")),
    (OutboxJob.state.in_(("scheduled", "staged")) & (OutboxJob.attempt > 0), literal("retrying")),
    else_=OutboxJob.state,
)

FAMILY_SCANNED_MAX = 10_000
"""A campaign's family may be a hundred thousand jobs; what a page says of it is counted among so many."""

USUAL_RUNS = 200
"""The usual run time is told by so many of the latest runs: more would not change what people see."""

USUAL_RUNS_OF_A_SHOP = 2000


def live(names: Sequence[str]) -> Select[Any]:
    """Columns of live jobs in the shape of finished ones."""
    return select(
        *(getattr(OutboxJob, name) for name in names),
        LIVE_STATE.label("state"),
        OutboxJob.cancel_requested_at,
        *(cast(null(), getattr(JobRun, name).type).label(name) for name in _FINISHED_ONLY),
    )


def finished(names: Sequence[str]) -> Select[Any]:
    """Columns of finished jobs."""
    return select(
        *(getattr(JobRun, name) for name in names),
        cast(JobRun.state, String).label("state"),
        cast(null(), OutboxJob.cancel_requested_at.type).label("cancel_requested_at"),
        *(getattr(JobRun, name) for name in _FINISHED_ONLY),
    )


def find(session: Session, shop_id: ShopId | None, job_id: UUID) -> AnyRow | None:
    rows = find_many(session, shop_id, [job_id], DETAILED)
    return rows[0] if rows else None


def find_many(
    session: Session, shop_id: ShopId | None, ids: Collection[UUID], names: Sequence[str] = LISTED
) -> Sequence[AnyRow]:
    """The jobs of these ids, wherever they are. One statement: a job that ends meanwhile is in one of the tables."""
    values = {"ids": list(ids), "shop_id": shop_id}
    if shop_id is None:
        del values["shop_id"]
    return session.execute(_by_ids(tuple(names), of_a_shop=shop_id is not None), values).all()


@lru_cache(maxsize=8)
def _by_ids(names: tuple[str, ...], *, of_a_shop: bool) -> Select[Any]:
    """Written once: that takes longer than it runs."""
    wanted = bindparam("ids", type_=ARRAY(Uuid))
    living = live(names).where(OutboxJob.id == any_(wanted))
    over = finished(names).where(JobRun.id == any_(wanted))
    if of_a_shop:
        living = living.where(OutboxJob.shop_id == bindparam("shop_id"))
        over = over.where(JobRun.shop_id == bindparam("shop_id"))
    both = union_all(living, over).subquery()
    return select(both).order_by(both.c.id.desc())


def newest_of_shop(session: Session, shop_id: ShopId, limit: int) -> Sequence[AnyRow]:
    """A shop's newest jobs. One statement: a job that ends meanwhile is in one of the tables."""
    return session.execute(_newest(limit), {"shop_id": shop_id}).all()


@lru_cache(maxsize=8)
def _newest(limit: int) -> Select[Any]:
    # Written out: a plan for any number of rows would reckon with a tenth of the table.
    most: ColumnClause[int] = literal_column(str(int(limit)))
    parts = [
        columns(LISTED)
        .where(model.shop_id == bindparam("shop_id"))
        .order_by(model.id.desc())
        .limit(most)
        .subquery()
        for columns, model in ((live, OutboxJob), (finished, JobRun))
    ]
    both = union_all(*(select(part) for part in parts)).subquery()
    return select(both).order_by(both.c.id.desc()).limit(most)


def lock_live(session: Session, shop_id: ShopId | None, job_id: UUID) -> OutboxJob | None:
    query = select(OutboxJob).where(OutboxJob.id == job_id).with_for_update()
    if shop_id is not None:
        query = query.where(OutboxJob.shop_id == shop_id)
    return session.scalar(query.execution_options(populate_existing=True))


def lock_finished(session: Session, shop_id: ShopId | None, job_id: UUID) -> JobRun | None:
    """The run as it is now, kept from others until the commit."""
    query = select(JobRun).where(JobRun.id == job_id).with_for_update()
    if shop_id is not None:
        query = query.where(JobRun.shop_id == shop_id)
    return session.scalar(query.execution_options(populate_existing=True))


def list_logs(
    session: Session, job_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[JobLog]:
    """Lines of a job, oldest first."""
    query = select(JobLog).where(JobLog.job_id == job_id)
    if after is not None:
        query = query.where(tuple_(JobLog.at, JobLog.id) > after)
    return session.scalars(query.order_by(JobLog.at, JobLog.id).limit(limit)).all()


def count_logs(session: Session, job_id: UUID, *, cap: int) -> int:
    lines = select(JobLog.id).where(JobLog.job_id == job_id).limit(cap).subquery()
    return session.scalar(select(func.count()).select_from(lines)) or 0


def count_children(session: Session, root_id: UUID, job_id: UUID) -> int:
    """The jobs that a job has made, counted among the first of its family after it."""
    halves = [
        select(model.parent_id)
        .where(model.root_id == root_id, model.id > job_id)
        .order_by(model.id)
        .limit(FAMILY_SCANNED_MAX)
        .subquery()
        for model in (OutboxJob, JobRun)
    ]
    counts = [
        session.scalar(select(func.count()).select_from(half).where(half.c.parent_id == job_id))
        for half in halves
    ]
    return sum(count or 0 for count in counts)


def family_ids(
    session: Session,
    root_id: UUID,
    *,
    parent_id: UUID | None = None,
    limit: int,
) -> list[UUID]:
    """Members of a family in the order in which they were made; with ``parent_id`` the children of that one only."""
    found: list[UUID] = []
    for model in (OutboxJob, JobRun):
        members = (
            select(model.id, model.parent_id)
            .where(model.root_id == root_id)
            .order_by(model.id)
            .limit(limit if parent_id is None else FAMILY_SCANNED_MAX)
        )
        if parent_id is not None:
            # A child was made after its parent.
            members = members.where(model.id > parent_id)
        part = members.subquery()
        query = select(part.c.id).order_by(part.c.id).limit(limit)
        found += session.scalars(query if parent_id is None else query.where(part.c.parent_id == parent_id))
    return sorted(set(found))[:limit]


def usual_run_ms(
    session: Session, shop_id: ShopId | None, names: Collection[str], since: datetime
) -> dict[str, int]:
    """The 95th percentile of the run time of each kind, over its latest successes."""
    if not names:
        return {}
    took = func.extract("epoch", JobRun.finished_at - JobRun.started_at)
    p95 = func.percentile_cont(cast(0.95, Float)).within_group
    if shop_id is not None:
        latest = (
            select(JobRun.name, took.label("took"), JobRun.state, JobRun.finished_at)
            .where(JobRun.shop_id == shop_id)
            .order_by(JobRun.id.desc())
            .limit(USUAL_RUNS_OF_A_SHOP)
            .subquery()
        )
    else:
        kinds = (
            func.unnest(cast(list(names), ARRAY(Text))).table_valued("name", name="kinds").render_derived()
        )
        runs = (
            select(took.label("took"), JobRun.state, JobRun.finished_at)
            .where(JobRun.name == kinds.c.name)
            .order_by(JobRun.id.desc())
            .limit(USUAL_RUNS)
            .lateral()
        )
        latest = (
            select(kinds.c.name, runs.c.took, runs.c.state, runs.c.finished_at)
            .select_from(kinds.join(runs, true()))
            .subquery()
        )
    rows = session.execute(
        select(latest.c.name, p95(latest.c.took))
        .where(latest.c.state == "succeeded", latest.c.finished_at >= since, latest.c.name.in_(names))
        .group_by(latest.c.name)
    )
    return {name: round(seconds * 1000) for name, seconds in rows if seconds is not None}


def count_dead(session: Session, shop_id: ShopId | None, since: datetime) -> int:
    """Dead letters that nobody has tried again or discarded."""
    query = select(func.count()).where(
        JobRun.state == "dead",
        JobRun.retried_as.is_(None),
        JobRun.discarded_at.is_(None),
        JobRun.finished_at >= since,
    )
    return session.scalar(query if shop_id is None else query.where(JobRun.shop_id == shop_id)) or 0


def live_states(session: Session, shop_id: ShopId, terms: Sequence[str]) -> set[str]:
    """The states of the shop's live jobs that any of the terms finds."""
    query = select(LIVE_STATE).where(OutboxJob.shop_id == shop_id, _any_of(OutboxJob.terms, terms))
    return set(session.scalars(query))


def find_last_end(session: Session, shop_id: ShopId, terms: Sequence[str]) -> Any:
    """How the last of the shop's jobs that any of the terms finds has ended."""
    return session.scalar(
        select(JobRun.state)
        .where(JobRun.shop_id == shop_id, _any_of(JobRun.terms, terms))
        .order_by(JobRun.finished_at.desc())
        .limit(1)
    )


def is_retry(session: Session, job_id: UUID) -> bool:
    """Whether the live job's parent names it as the one that was started in its place."""
    parent = JobRun.id == OutboxJob.parent_id
    query = (
        select(OutboxJob.id).join(JobRun, parent).where(OutboxJob.id == job_id, JobRun.retried_as == job_id)
    )
    return session.scalar(query) is not None


def _any_of(column: Any, terms: Sequence[str]) -> Any:
    return column.op("&&")(cast(list(terms), ARRAY(Text)))
