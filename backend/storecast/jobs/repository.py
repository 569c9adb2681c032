"""All SQL of the runs: live ones in `outbox`, finished ones in `job_runs`, read as one list.

``shop_id`` None reads across shops and is for the operators' session only; in a tenant's session row-level
security would show no other shop either way.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    Subquery,
    case,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from storecast.kit.types import ShopId
from storecast.worker.models import JobRun, OutboxJob

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_SHARED = (
    "id",
    "shop_id",
    "name",
    "queue",
    "attempt",
    "max_attempts",
    "enqueued_at",
    "started_at",
    "worker",
    "error",
    "progress",
    "request_id",
    "args",
    "attempts",
    "parent_id",
)

# A waiting job that somebody cancelled never runs, although its row is there until the relay's next round.
_LIVE_STATE = case(
    ((OutboxJob.state != "running") & OutboxJob.cancel_requested_at.is_not(None), literal("cancelled")),
    ((OutboxJob.state == "staged") & (OutboxJob.attempt > 0), literal("retrying")),
    else_=OutboxJob.state,
)


def _live(shop_id: ShopId | None) -> Select[Any]:
    query = select(
        *(getattr(OutboxJob, name) for name in _SHARED),
        _LIVE_STATE.label("state"),
        OutboxJob.run_at,
        cast(null(), JobRun.finished_at.type).label("finished_at"),
    )
    return query if shop_id is None else query.where(OutboxJob.shop_id == shop_id)


def _finished(shop_id: ShopId | None) -> Select[Any]:
    query = select(
        *(getattr(JobRun, name) for name in _SHARED),
        cast(JobRun.state, String).label("state"),
        JobRun.enqueued_at.label("run_at"),
        JobRun.finished_at,
    )
    return query if shop_id is None else query.where(JobRun.shop_id == shop_id)


def list_newest(
    session: Session,
    shop_id: ShopId | None,
    *,
    state: str | None,
    name: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[AnyRow]:
    """Newest first. Each half is cut to one page before the two are merged, so that no list is read whole."""
    halves = [
        _page(query, model, state_column, state=state, name=name, after=after, limit=limit)
        for query, model, state_column in (
            (_live(shop_id), OutboxJob, _LIVE_STATE),
            (_finished(shop_id), JobRun, JobRun.state),
        )
    ]
    merged = union_all(*(select(half) for half in halves)).subquery()
    ordered = select(merged).order_by(merged.c.enqueued_at.desc(), merged.c.id.desc()).limit(limit)
    return session.execute(ordered).all()


def _page(
    query: Select[Any],
    model: type[OutboxJob] | type[JobRun],
    state_column: ColumnElement[str] | InstrumentedAttribute[str],
    *,
    state: str | None,
    name: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Subquery:
    if state is not None:
        query = query.where(state_column == state)
    if name is not None:
        query = query.where(model.name == name)
    if after is not None:
        query = query.where(tuple_(model.enqueued_at, model.id) < after)
    return query.order_by(model.enqueued_at.desc(), model.id.desc()).limit(limit).subquery()


def find(session: Session, shop_id: ShopId | None, job_id: UUID) -> AnyRow | None:
    live = session.execute(_live(shop_id).where(OutboxJob.id == job_id)).one_or_none()
    return live or session.execute(_finished(shop_id).where(JobRun.id == job_id)).one_or_none()


def lock_live(session: Session, shop_id: ShopId | None, job_id: UUID) -> OutboxJob | None:
    query = select(OutboxJob).where(OutboxJob.id == job_id).with_for_update()
    return session.scalar(query if shop_id is None else query.where(OutboxJob.shop_id == shop_id))


def find_finished(session: Session, shop_id: ShopId | None, job_id: UUID) -> JobRun | None:
    query = select(JobRun).where(JobRun.id == job_id)
    return session.scalar(query if shop_id is None else query.where(JobRun.shop_id == shop_id))


def claim_retry(session: Session, run: JobRun, retried_as: UUID) -> bool:
    """Note what the run is tried again as; False when somebody else did so first."""
    claimed = session.execute(
        update(JobRun)
        .where(JobRun.id == run.id, JobRun.enqueued_at == run.enqueued_at, JobRun.retried_as.is_(None))
        .values(retried_as=retried_as)
        .returning(JobRun.id)
    )
    return claimed.one_or_none() is not None


def live_by_queue(session: Session, shop_id: ShopId | None, now: datetime) -> Sequence[AnyRow]:
    """Per queue: waiting and due, age of the oldest of them, and each live state's count."""
    waiting = _LIVE_STATE.in_(("staged", "retrying", "queued")) & (OutboxJob.run_at <= now)
    query = select(
        OutboxJob.queue,
        func.count().filter(waiting).label("depth"),
        func.extract("epoch", now - func.min(OutboxJob.run_at).filter(waiting)).label("oldest_age_s"),
        func.count().filter(_LIVE_STATE == "staged").label("staged"),
        func.count().filter(_LIVE_STATE == "retrying").label("retrying"),
        func.count().filter(_LIVE_STATE == "queued").label("queued"),
        func.count().filter(_LIVE_STATE == "running").label("running"),
    ).group_by(OutboxJob.queue)
    return session.execute(query if shop_id is None else query.where(OutboxJob.shop_id == shop_id)).all()


def finished_since(session: Session, shop_id: ShopId | None, since: datetime) -> Sequence[AnyRow]:
    """Per queue and state: jobs over since the instant."""
    query = (
        select(JobRun.queue, JobRun.state, func.count().label("runs"))
        .where(JobRun.finished_at >= since)
        .group_by(JobRun.queue, JobRun.state)
    )
    return session.execute(query if shop_id is None else query.where(JobRun.shop_id == shop_id)).all()


def count_dead(session: Session, shop_id: ShopId | None, since: datetime) -> int:
    """Dead letters that nobody has tried again."""
    query = select(func.count()).where(
        JobRun.state == "dead", JobRun.retried_as.is_(None), JobRun.finished_at >= since
    )
    return session.scalar(query if shop_id is None else query.where(JobRun.shop_id == shop_id)) or 0
