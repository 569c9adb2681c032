"""All SQL of schedules and of what became of their due times.

``shop_id`` None reads across shops and is for platform sessions only.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    Result,
    Row,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.jobs.models import JobSchedule, ScheduleTick
from storecast.kit.types import ShopId
from storecast.worker.models import JobRun, OutboxJob

AnyRow: TypeAlias = Row[*tuple[Any, ...]]


def list_all(session: Session, shop_id: ShopId | None, *, limit: int) -> Sequence[JobSchedule]:
    """The program's own first, then by age."""
    query = select(JobSchedule).order_by(JobSchedule.source, JobSchedule.id).limit(limit)
    return session.scalars(query if shop_id is None else query.where(JobSchedule.shop_id == shop_id)).all()


def find(
    session: Session, shop_id: ShopId | None, schedule_id: int, *, lock: bool = False
) -> JobSchedule | None:
    """One schedule; ``lock`` holds its row until the commit, so that two people act on it one after the other."""
    query = select(JobSchedule).where(JobSchedule.id == schedule_id)
    if shop_id is not None:
        query = query.where(JobSchedule.shop_id == shop_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def count(session: Session, shop_id: ShopId) -> int:
    """How many the shop has."""
    return session.scalar(select(func.count()).where(JobSchedule.shop_id == shop_id)) or 0


def upsert_code(session: Session, values: dict[str, Any], *, first_run_at: datetime, now: datetime) -> None:
    """Make the row of a declared schedule, or bring it up to date; only another rhythm moves its next run."""
    statement = insert(JobSchedule).values(source="code", next_run_at=first_run_at, updated_at=now, **values)
    moved = or_(
        JobSchedule.cron.is_distinct_from(statement.excluded.cron),
        JobSchedule.interval_s.is_distinct_from(statement.excluded.interval_s),
        JobSchedule.next_run_at.is_(None),
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[JobSchedule.job_name],
            # No parameter: the generic plan of a prepared statement cannot match one with the index's condition.
            index_where=text("source = 'code'"),
            set_={
                "title": statement.excluded.title,
                "args": statement.excluded.args,
                "cron": statement.excluded.cron,
                "interval_s": statement.excluded.interval_s,
                "updated_at": statement.excluded.updated_at,
                "next_run_at": case((moved, statement.excluded.next_run_at), else_=JobSchedule.next_run_at),
            },
        )
    )


def forget_code(session: Session, declared: Collection[str], *, untouched_since: datetime) -> int:
    """Remove what no version has declared for a while; returns how many."""
    statement = delete(JobSchedule).where(
        JobSchedule.source == "code",
        JobSchedule.job_name.not_in(declared),
        JobSchedule.updated_at < untouched_since,
    )
    return _count(session.execute(statement))


def due_ids(
    session: Session, *, now: datetime, known: Collection[str], without: Collection[int], limit: int
) -> Sequence[int]:
    """Schedules whose time has come, the longest overdue first; of jobs that this program knows."""
    query = (
        select(JobSchedule.id)
        .where(
            JobSchedule.paused_at.is_(None),
            JobSchedule.next_run_at <= now,
            JobSchedule.job_name.in_(known),
            JobSchedule.id.not_in(without),
        )
        .order_by(JobSchedule.next_run_at)
        .limit(limit)
    )
    return session.scalars(query).all()


def next_due_at(session: Session, *, known: Collection[str], without: Collection[int]) -> datetime | None:
    """When the next one is due."""
    return session.scalar(
        select(func.min(JobSchedule.next_run_at)).where(
            JobSchedule.paused_at.is_(None),
            JobSchedule.job_name.in_(known),
            JobSchedule.id.not_in(without),
        )
    )


def lock_free(session: Session, schedule_id: int) -> JobSchedule | None:
    """The schedule, locked until the commit; None when somebody else holds it just now."""
    return session.scalars(
        select(JobSchedule).where(JobSchedule.id == schedule_id).with_for_update(skip_locked=True)
    ).one_or_none()


def iter_ahead(session: Session, *, now: datetime, after_id: int, limit: int) -> Sequence[JobSchedule]:
    """Running schedules whose next run lies in the future, by id, locked."""
    query = (
        select(JobSchedule)
        .where(JobSchedule.id > after_id, JobSchedule.paused_at.is_(None), JobSchedule.next_run_at > now)
        .order_by(JobSchedule.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).all()


def claim_tick(
    session: Session, schedule: JobSchedule, due_at: datetime, outcome: str, now: datetime
) -> bool:
    """Enter one due time; False when it was met before. One that was given up as missed may be met after all."""
    statement = insert(ScheduleTick).values(
        schedule_id=schedule.id, due_at=due_at, shop_id=schedule.shop_id, outcome=outcome, at=now
    )
    statement = statement.on_conflict_do_update(
        index_elements=[ScheduleTick.schedule_id, ScheduleTick.due_at],
        set_={"outcome": statement.excluded.outcome, "at": statement.excluded.at},
        where=(ScheduleTick.outcome == "missed") & (statement.excluded.outcome != "missed"),
    )
    return session.scalar(statement.returning(ScheduleTick.schedule_id)) is not None


def settle_tick(
    session: Session, schedule_id: int, due_at: datetime, outcome: str, job_id: UUID | None, now: datetime
) -> None:
    """Say what came of a due time that was entered before."""
    session.execute(
        update(ScheduleTick)
        .where(ScheduleTick.schedule_id == schedule_id, ScheduleTick.due_at == due_at)
        .values(outcome=outcome, job_id=job_id, at=now)
    )


def is_busy(session: Session, schedule_id: int) -> bool:
    """Whether a job of the schedule still waits or runs."""
    query = (
        select(literal(1))
        .select_from(ScheduleTick)
        .join(OutboxJob, OutboxJob.id == ScheduleTick.job_id)
        .where(ScheduleTick.schedule_id == schedule_id)
        .where(~(OutboxJob.cancel_requested_at.is_not(None) & (OutboxJob.state != "running")))
    )
    return bool(session.scalar(select(exists(query))))


def waiting_count(session: Session, schedule_id: int) -> int:
    """How many due times wait for the run before them."""
    return (
        session.scalar(
            select(func.count()).where(
                ScheduleTick.schedule_id == schedule_id, ScheduleTick.outcome == "waiting"
            )
        )
        or 0
    )


def waiting_ids(session: Session, *, limit: int) -> Sequence[int]:
    """Schedules with due times that wait for the run before them."""
    query = select(ScheduleTick.schedule_id).where(ScheduleTick.outcome == "waiting").distinct().limit(limit)
    return session.scalars(query).all()


def first_waiting(session: Session, schedule_id: int) -> datetime | None:
    """The oldest due time that waits."""
    return session.scalar(
        select(func.min(ScheduleTick.due_at)).where(
            ScheduleTick.schedule_id == schedule_id, ScheduleTick.outcome == "waiting"
        )
    )


def skip_waiting(session: Session, schedule_id: int) -> None:
    """Let nothing wait any more."""
    session.execute(
        update(ScheduleTick)
        .where(ScheduleTick.schedule_id == schedule_id, ScheduleTick.outcome == "waiting")
        .values(outcome="skipped")
    )


def last_ticks(session: Session, schedule_ids: Collection[int], *, each: int) -> Sequence[ScheduleTick]:
    """The last due times of every schedule, newest first."""
    newest = (
        select(ScheduleTick.schedule_id, ScheduleTick.due_at)
        .where(ScheduleTick.schedule_id == JobSchedule.id)
        .order_by(ScheduleTick.due_at.desc())
        .limit(each)
        .lateral()
    )
    keys = select(newest.c.schedule_id, newest.c.due_at).select_from(JobSchedule).join(newest, true())
    query = (
        select(ScheduleTick)
        .where(
            tuple_(ScheduleTick.schedule_id, ScheduleTick.due_at).in_(
                keys.where(JobSchedule.id.in_(schedule_ids))
            )
        )
        .order_by(ScheduleTick.due_at.desc())
    )
    return session.scalars(query).all()


def missed_since(session: Session, schedule_ids: Collection[int], since: datetime) -> dict[int, int]:
    """Missed due times by schedule."""
    query = (
        select(ScheduleTick.schedule_id, func.count())
        .where(
            ScheduleTick.schedule_id.in_(schedule_ids),
            ScheduleTick.outcome == "missed",
            ScheduleTick.due_at >= since,
        )
        .group_by(ScheduleTick.schedule_id)
    )
    return dict(session.execute(query).all())


def job_states(session: Session, job_ids: Collection[UUID], *, since: datetime) -> dict[UUID, str]:
    """What people call the state of each job. ``since`` bounds when they were made, and so the partitions read."""
    waits = OutboxJob.state != "running"
    live = select(
        OutboxJob.id,
        case(
            (waits & OutboxJob.cancel_requested_at.is_not(None), literal("cancelled")),
            (OutboxJob.state.in_(("staged", "scheduled")) & (OutboxJob.attempt > 0), literal("retrying")),
            else_=OutboxJob.state,
        ).label("state"),
    ).where(OutboxJob.id.in_(job_ids))
    over = select(JobRun.id, JobRun.state).where(
        JobRun.id.in_(job_ids), JobRun.enqueued_at >= since - timedelta(minutes=1)
    )
    return dict(session.execute(union_all(live, over)).all())


def trim_ticks(session: Session, *, keep: int) -> int:
    """Keep the newest due times of each schedule; returns how many others were removed."""
    statement = text(
        "DELETE FROM schedule_ticks t USING job_schedules s, LATERAL ("
        "  SELECT due_at FROM schedule_ticks WHERE schedule_id = s.id ORDER BY due_at DESC OFFSET :keep LIMIT 1"
        ") newest_unkept WHERE t.schedule_id = s.id AND t.due_at <= newest_unkept.due_at"
        " AND t.outcome <> 'waiting'"
    )
    return _count(session.execute(statement, {"keep": keep}))


def _count(result: Result[Any]) -> int:
    return result.rowcount  # type: ignore[attr-defined,no-any-return]  # what writes answers with a cursor's result
