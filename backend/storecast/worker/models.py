"""Live jobs (`outbox`) and finished ones (`job_runs`).

A job is one row from the commit that wanted it to its end: staged → queued (published) → running → moved to
`job_runs` as succeeded, dead or cancelled. A retry puts it back to staged. The live table stays small whatever
the history, and the move out of it is the acknowledgement.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base


class _Run:
    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[int | None]
    name: Mapped[str]
    queue: Mapped[str]
    args: Mapped[dict[str, object]]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    worker: Mapped[str | None]
    error: Mapped[str | None]
    attempts: Mapped[list[object]] = mapped_column(server_default=text("'[]'"))
    progress: Mapped[dict[str, object] | None]
    parent_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    started_at: Mapped[datetime | None]


class OutboxJob(_Run, Base):
    """A job that still has to run, waits in the broker or is running."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("state IN ('staged', 'queued', 'running')", name="state"),
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
        Index("ix_outbox_due", "run_at", postgresql_where=text("state = 'staged'")),
        Index("ix_outbox_lease", "lease_until", postgresql_where=text("state <> 'staged'")),
        Index("ix_outbox_shop_id", "shop_id", "enqueued_at"),
        Index("ix_outbox_cancelled", "id", postgresql_where=text("cancel_requested_at IS NOT NULL")),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    unique_key: Mapped[str | None]
    run_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    enqueued_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    published_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]


class JobRun(_Run, Base):
    """A job that is over."""

    __tablename__ = "job_runs"
    __table_args__ = (
        CheckConstraint("state IN ('succeeded', 'dead', 'cancelled')", name="state"),
        Index("ix_job_runs_shop_id", "shop_id", "enqueued_at"),
        Index("ix_job_runs_state", "state", "finished_at"),
        {"postgresql_partition_by": "RANGE (enqueued_at)"},
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    enqueued_at: Mapped[datetime] = mapped_column(primary_key=True)
    finished_at: Mapped[datetime]
    # The job that a person started in this one's place; set once, so that two clicks start one.
    retried_as: Mapped[UUID | None]
