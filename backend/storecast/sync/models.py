"""Runs of the synchronisation and, per run, one row for each kind of thing that is pulled."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, Timestamps

RUN_STATES = ("queued", "running", "importing", "done", "failed", "cancelled")
OPEN_STATES = ("queued", "running", "importing")
RESOURCE_STATES = ("pending", "requested", "ready", "importing", "done", "failed", "cancelled")
RESOURCES = ("customers", "products", "orders")
"""In the order of import: orders are linked to customers that are already there."""


class SyncRun(Tenant, Timestamps, Base):
    """One synchronisation of one shop; a shop has at most one that is not over."""

    __tablename__ = "sync_runs"
    __table_args__ = (
        CheckConstraint(f"state IN {RUN_STATES}", name="state"),
        CheckConstraint("kind IN ('first', 'manual', 'scheduled')", name="kind"),
        CheckConstraint("mode IN ('bulk')", name="mode"),
        Index("uq_sync_runs_open", "shop_id", unique=True, postgresql_where=text(f"state IN {OPEN_STATES}")),
        Index("ix_sync_runs_shop_id_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    mode: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    error: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class SyncResource(Tenant, Base):
    """One bulk operation and its import; ``bytes_done`` is committed together with the rows before it."""

    __tablename__ = "sync_resources"
    __table_args__ = (
        UniqueConstraint("sync_run_id", "resource"),
        CheckConstraint(f"state IN {RESOURCE_STATES}", name="state"),
        CheckConstraint(f"resource IN {RESOURCES}", name="resource"),
        Index("ix_sync_resources_shop_id_operation_gid", "shop_id", "operation_gid"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    sync_run_id: Mapped[int] = mapped_column(ForeignKey("sync_runs.id", ondelete="CASCADE"))
    resource: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    operation_gid: Mapped[str | None]
    operation_at: Mapped[datetime | None]
    url: Mapped[str | None]
    objects_expected: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(server_default=text("0"))
    rows_refused: Mapped[int] = mapped_column(server_default=text("0"))
    bytes_done: Mapped[int] = mapped_column(server_default=text("0"))
    bytes_total: Mapped[int | None]
    lines_done: Mapped[int] = mapped_column(server_default=text("0"))
    refusals: Mapped[list[object]] = mapped_column(server_default=text("'[]'"))
