"""Live jobs (`outbox`), finished ones (`job_runs`), what they logged, batches of them, and the limits on them.

A job is one row from the commit that wanted it to its end: scheduled (due later) → staged → queued (published) →
running → moved to `job_runs` as succeeded, dead or cancelled. A retry puts it back to scheduled. The live table
stays small whatever the history, and the move out of it is the acknowledgement.

Ids are UUIDv7, so that the order of ids is the order in which jobs were made: lists page by id alone.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, PrimaryKeyConstraint, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base


class _Run:
    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[int | None]
    name: Mapped[str]
    queue: Mapped[str]
    # 0 is most urgent, 9 least. Only the relay reads it: brokers disagree on which end is up.
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("5"))
    args: Mapped[dict[str, object]]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    # What the job can be found by: its tags and ``field:value`` of its scalar arguments.
    terms: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    # How often its worker died under it: a job that kills its worker twice is not given a third.
    losses: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    worker: Mapped[str | None]
    error: Mapped[str | None]
    attempts: Mapped[list[object]] = mapped_column(server_default=text("'[]'"))
    progress: Mapped[dict[str, object] | None]
    result: Mapped[dict[str, object] | None]
    parent_id: Mapped[UUID | None]
    # The first ancestor; None for a job that nobody's job made.
    root_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    # W3C trace context of whoever staged the job.
    traceparent: Mapped[str | None]
    run_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    started_at: Mapped[datetime | None]


class OutboxJob(_Run, Base):
    """A job that still has to run, waits in the broker or is running."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("state IN ('scheduled', 'staged', 'queued', 'running')", name="state"),
        # One waiting job per key: what arrives meanwhile is covered by it. A running one does not count, since it
        # may already be past the rows that the new one is about.
        Index(
            "uq_outbox_unique_key",
            text("coalesce(shop_id, 0)"),
            "name",
            "unique_key",
            unique=True,
            postgresql_where=text("unique_key IS NOT NULL AND state <> 'running'"),
        ),
        # The relay takes a few rows of every shop in turn, so each shop's line starts at one place of the index.
        Index(
            "ix_outbox_lines",
            "queue",
            text("coalesce(shop_id, 0)"),
            "priority",
            "run_at",
            "id",
            postgresql_where=text("state = 'staged'"),
        ),
        Index("ix_outbox_scheduled", "run_at", postgresql_where=text("state = 'scheduled'")),
        Index("ix_outbox_lease", "lease_until", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_outbox_shop_id", "shop_id", "id"),
        Index("ix_outbox_cancelled", "id", postgresql_where=text("cancel_requested_at IS NOT NULL")),
        Index("ix_outbox_batch_id", "batch_id", postgresql_where=text("batch_id IS NOT NULL")),
        # Every job dies here within minutes: vacuum by count, not by share, or the dead outgrow the living.
        {
            "postgresql_with": {
                "autovacuum_vacuum_scale_factor": "0.0",
                "autovacuum_vacuum_threshold": "5000",
                "fillfactor": "70",
            }
        },
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    unique_key: Mapped[str | None]
    enqueued_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    published_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]


class JobRun(_Run, Base):
    """A job that is over."""

    __tablename__ = "job_runs"
    __table_args__ = (
        # The id first: it finds a run without its partition's time, and pages a list.
        PrimaryKeyConstraint("id", "enqueued_at"),
        CheckConstraint("state IN ('succeeded', 'dead', 'cancelled')", name="state"),
        Index("ix_job_runs_shop_id", "shop_id", "id"),
        Index("ix_job_runs_name", "name", "id"),
        # Of one shop: when a kind of job last went well.
        Index("ix_job_runs_shop_name", "shop_id", "name", "id"),
        Index("ix_job_runs_queue", "queue", "id"),
        # The process, without the child in it.
        Index("ix_job_runs_worker", text("split_part(worker, '/', 1)"), "id"),
        Index("ix_job_runs_unsuccessful", "state", "id", postgresql_where=text("state <> 'succeeded'")),
        Index("ix_job_runs_fingerprint", "fingerprint", "id", postgresql_where=text("state = 'dead'")),
        # Groups of dead letters, of a kind of job too, are counted from here alone.
        Index(
            "ix_job_runs_dead_letters",
            "fingerprint",
            "id",
            postgresql_where=text("state = 'dead' AND retried_as IS NULL AND discarded_at IS NULL"),
            postgresql_include=["shop_id", "finished_at", "name"],
        ),
        Index("ix_job_runs_root_id", "root_id", "id", postgresql_where=text("root_id IS NOT NULL")),
        Index("ix_job_runs_batch_id", "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")),
        Index("ix_job_runs_terms", "terms", postgresql_using="gin", postgresql_where=text("terms <> '{}'")),
        # Rows are written in the order in which jobs end, which is all that a BRIN index needs.
        Index(
            "ix_job_runs_finished_at",
            "finished_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
        ),
        {"postgresql_partition_by": "RANGE (enqueued_at)"},
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    enqueued_at: Mapped[datetime] = mapped_column(primary_key=True)
    finished_at: Mapped[datetime]
    # Of a dead one: the exception's class, and what failures of one cause have in common.
    error_class: Mapped[str | None]
    fingerprint: Mapped[str | None]
    # The job that a person started in this one's place; set once, so that two clicks start one.
    retried_as: Mapped[UUID | None]
    discarded_at: Mapped[datetime | None]


class JobLog(Base):
    """A line that a running job logged."""

    __tablename__ = "job_logs"
    __table_args__ = (
        Index("ix_job_logs_job_id", "job_id", "at"),
        {"postgresql_partition_by": "RANGE (at)"},
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    job_id: Mapped[UUID]
    shop_id: Mapped[int | None]
    attempt: Mapped[int] = mapped_column(SmallInteger)
    level: Mapped[str]
    event: Mapped[str]
    facts: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))


class JobBatch(Base):
    """Jobs that belong together; when the last of them is over, the completion job is staged in that commit."""

    __tablename__ = "job_batches"
    __table_args__ = (Index("ix_job_batches_shop_id", "shop_id", "id"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[int | None]
    name: Mapped[str]
    total: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    succeeded: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    dead: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    cancelled: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    # The completion job as an outbox row wants it: name, queue, args, max_attempts. None: nothing follows.
    completion: Mapped[dict[str, object] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]


class WorkLimit(Base):
    """What an operator set for a queue, a kind of job or a shop. No row: the defaults hold."""

    __tablename__ = "work_limits"
    __table_args__ = (CheckConstraint("kind IN ('queue', 'job', 'shop')", name="kind"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    kind: Mapped[str] = mapped_column(primary_key=True)
    # A queue's name, a job's name or a shop's id as text.
    key: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    # Jobs in flight (queued or running) at most: in all, and of one shop.
    in_flight: Mapped[int | None] = mapped_column(Integer)
    shop_in_flight: Mapped[int | None] = mapped_column(Integer)
    # Jobs released per period at most: a token bucket whose level is kept here.
    rate: Mapped[int | None] = mapped_column(Integer)
    rate_period_s: Mapped[int] = mapped_column(Integer, server_default=text("60"))
    tokens: Mapped[float | None]
    tokens_at: Mapped[datetime | None]
    # Of a shop: how many jobs it is given a turn, beside one of the others.
    weight: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class JobOrphan(Base):
    """A job whose worker was lost, and what the reconciler did with it."""

    __tablename__ = "job_orphans"
    __table_args__ = (
        CheckConstraint("outcome IN ('retried', 'dead', 'cancelled')", name="outcome"),
        Index("ix_job_orphans_process", "process", "at"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    # The fleet's name of the process; ``worker`` also names the child in it.
    process: Mapped[str]
    worker: Mapped[str]
    name: Mapped[str]
    shop_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    outcome: Mapped[str]
