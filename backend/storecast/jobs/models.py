"""What the console keeps beside the runs themselves: figures by the minute, notes, schedules, workflows."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id


class _Rolled:
    queue: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    runs: Mapped[int] = mapped_column(Integer)
    wait_buckets: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    run_buckets: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    run_ms_total: Mapped[int]


class JobMinute(_Rolled, Base):
    """Jobs that ended in one minute, with histograms of how long they waited and ran (bounds: `jobs.histogram`)."""

    __tablename__ = "job_minutes"
    personal_data: ClassVar[tuple[str, ...]] = ()

    minute: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-1)


class JobHour(_Rolled, Base):
    """The minutes of one hour: a week is read from a few thousand rows."""

    __tablename__ = "job_hours"
    personal_data: ClassVar[tuple[str, ...]] = ()

    hour: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-1)


class JobRollup(Base):
    """Up to where the rolled figures hold every run: one row, whose lock makes roll-ups take turns."""

    __tablename__ = "job_rollups"
    personal_data: ClassVar[tuple[str, ...]] = ()

    name: Mapped[str] = mapped_column(primary_key=True)
    rolled_until: Mapped[datetime]


class DeadLetterNote(Base):
    """What somebody wrote about a group of dead letters, or about one of them."""

    __tablename__ = "dead_letter_notes"
    __table_args__ = (Index("ix_dead_letter_notes_fingerprint", "fingerprint", "id"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    fingerprint: Mapped[str]
    job_id: Mapped[UUID | None]
    body: Mapped[str]
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class JobBulkAction(Base):
    """One action on every job that a filter found, and how far it has come: a chunk is counted in its own commit."""

    __tablename__ = "job_bulk_actions"
    __table_args__ = (
        CheckConstraint("action IN ('retry', 'cancel', 'discard')", name="action"),
        Index("ix_job_bulk_actions_shop_id", "shop_id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # None: an operator's, on the jobs of every shop.
    shop_id: Mapped[int | None]
    action: Mapped[str]
    state: Mapped[str | None]
    q: Mapped[str]
    cap: Mapped[int] = mapped_column(Integer)
    rate_per_min: Mapped[int | None] = mapped_column(Integer)
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    # Newest first: what is older than this is still to come.
    before_id: Mapped[UUID]
    acted: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    # With a rate: when the next job may run.
    next_run_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobSchedule(Base):
    """A job that is staged again and again, by the program's own word or by a person's."""

    __tablename__ = "job_schedules"
    __table_args__ = (
        CheckConstraint("source IN ('code', 'user')", name="source"),
        CheckConstraint("(cron IS NULL) <> (interval_s IS NULL)", name="when"),
        CheckConstraint("overlap IN ('skip', 'queue')", name="overlap"),
        CheckConstraint("catch_up IN ('none', 'last', 'all')", name="catch_up"),
        Index("ix_job_schedules_due", "next_run_at", postgresql_where=text("paused_at IS NULL")),
        Index("uq_job_schedules_code", "job_name", unique=True, postgresql_where=text("source = 'code'")),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    shop_id: Mapped[int | None]
    source: Mapped[str]
    title: Mapped[str]
    job_name: Mapped[str]
    args: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    cron: Mapped[str | None]
    interval_s: Mapped[int | None] = mapped_column(Integer)
    # IANA name; a cron expression is read on this clock.
    timezone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    # While the last run is not over: leave this one out, or let it wait behind.
    overlap: Mapped[str] = mapped_column(server_default=text("'skip'"))
    # Runs that fell into an outage: none of them, the last one, or all of them (bounded).
    catch_up: Mapped[str] = mapped_column(server_default=text("'last'"))
    paused_at: Mapped[datetime | None]
    skip_next: Mapped[bool] = mapped_column(server_default=text("false"))
    next_run_at: Mapped[datetime | None]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ScheduleTick(Base):
    """One instant at which a schedule was due, and what came of it. Unique: two leaders stage one job."""

    __tablename__ = "schedule_ticks"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('staged', 'waiting', 'skipped', 'overlapped', 'missed')", name="outcome"
        ),
        Index("ix_schedule_ticks_waiting", "schedule_id", postgresql_where=text("outcome = 'waiting'")),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    schedule_id: Mapped[int] = mapped_column(
        ForeignKey("job_schedules.id", ondelete="CASCADE"), primary_key=True
    )
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    shop_id: Mapped[int | None]
    outcome: Mapped[str]
    job_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Workflow(Base):
    """A graph of jobs under way, or over."""

    __tablename__ = "workflows"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'paused', 'succeeded', 'failed', 'cancelled')", name="state"),
        Index("ix_workflows_shop_id", "shop_id", "id"),
        # A cancelled one is open until the jobs that were under way have ended.
        Index("ix_workflows_open", "id", postgresql_where=text("finished_at IS NULL")),
        # Of a graph that the program starts by itself, one at a time for each shop.
        Index(
            "uq_workflows_unique_key",
            text("coalesce(shop_id, 0)"),
            "unique_key",
            unique=True,
            postgresql_where=text("unique_key IS NOT NULL AND state IN ('running', 'paused')"),
        ),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[int | None]
    name: Mapped[str]
    state: Mapped[str]
    unique_key: Mapped[str | None]
    # The validated document that the graph was made from.
    definition: Mapped[dict[str, object]]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]


class WorkflowNode(Base):
    """A step of a workflow: one job, or one job for each row of a query. Its jobs are a batch."""

    __tablename__ = "workflow_nodes"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'succeeded', 'failed', 'skipped', 'cancelled')", name="state"
        ),
        UniqueConstraint("batch_id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    workflow_id: Mapped[UUID] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[int | None]
    position: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str]
    needs: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    job_name: Mapped[str]
    args: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    # {"node": key, "field": name, "op": "eq", "value": …}: run only when it holds, else skip.
    condition: Mapped[dict[str, object] | None]
    # {"over": registered query, "as": field of the job}: one job for each value.
    fan_out: Mapped[dict[str, object] | None]
    retries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    batch_id: Mapped[UUID | None]
    result: Mapped[dict[str, object] | None]
    error: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
