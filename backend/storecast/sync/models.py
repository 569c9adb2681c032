"""Runs of the synchronisation with a row for each resource, the marks of changes taken over, and reconciliations."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, Timestamps
from storecast.sync.resources import RESOURCES

RUN_STATES = ("queued", "running", "importing", "done", "failed", "cancelled")
OPEN_STATES = ("queued", "running", "importing")
RESOURCE_STATES = ("pending", "requested", "ready", "importing", "done", "failed", "cancelled", "skipped")
RECONCILIATION_STATES = ("pending", "requested", "done", "failed", "skipped")


class SyncRun(Tenant, Timestamps, Base):
    """One synchronisation of one shop; a shop has at most one that is not over."""

    __tablename__ = "sync_runs"
    __table_args__ = (
        CheckConstraint(f"state IN {RUN_STATES}", name="state"),
        CheckConstraint("kind IN ('first', 'manual', 'scheduled')", name="kind"),
        CheckConstraint("mode IN ('bulk', 'paginated')", name="mode"),
        Index("uq_sync_runs_open", "shop_id", unique=True, postgresql_where=text(f"state IN {OPEN_STATES}")),
        Index("ix_sync_runs_shop_id_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    mode: Mapped[str]
    batch_size: Mapped[int | None]
    custom_query: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    error: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class SyncResource(Tenant, Base):
    """One resource of a run; ``bytes_done`` (bulk) and ``cursor`` (pages) are committed together with their rows."""

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
    cursor: Mapped[str | None]
    skipped_reason: Mapped[str | None]
    bytes_done: Mapped[int] = mapped_column(server_default=text("0"))
    bytes_total: Mapped[int | None]
    lines_done: Mapped[int] = mapped_column(server_default=text("0"))
    refusals: Mapped[list[object]] = mapped_column(server_default=text("'[]'"))
    refusal_counts: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))


class SyncMark(Tenant, Base):
    """How far a shop's changes to a resource have been taken over: everything before ``marked_at`` has been."""

    __tablename__ = "sync_marks"
    __table_args__ = (
        UniqueConstraint("shop_id", "resource"),
        CheckConstraint(f"resource IN {RESOURCES}", name="resource"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    resource: Mapped[str]
    marked_at: Mapped[datetime]
    pulled_at: Mapped[datetime | None]


class SyncReconciliation(Tenant, Base):
    """One comparison of a resource with Shopify's: what differed, and what of it was repaired."""

    __tablename__ = "sync_reconciliations"
    __table_args__ = (
        CheckConstraint(f"state IN {RECONCILIATION_STATES}", name="state"),
        CheckConstraint(f"resource IN {RESOURCES}", name="resource"),
        Index(
            "uq_sync_reconciliations_open",
            "shop_id",
            "resource",
            unique=True,
            postgresql_where=text("state IN ('pending', 'requested')"),
        ),
        Index("ix_sync_reconciliations_shop_id_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    resource: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    operation_gid: Mapped[str | None]
    operation_at: Mapped[datetime | None]
    theirs: Mapped[int | None]
    ours: Mapped[int | None]
    missing: Mapped[int] = mapped_column(server_default=text("0"))
    stale: Mapped[int] = mapped_column(server_default=text("0"))
    surplus: Mapped[int] = mapped_column(server_default=text("0"))
    repaired: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]
