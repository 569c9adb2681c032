"""Processes with their heartbeats, what operators asked of them, deploys, and alerts."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id
from storecast.kit.sealing import SealedColumns


class FleetProcess(Base):
    """One process: a row written over by its heartbeat."""

    __tablename__ = "fleet_processes"
    __table_args__ = (CheckConstraint("kind in ('api', 'edge', 'relay', 'worker', 'beat')", name="kind"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int] = mapped_column(Integer)
    queues: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    slots: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    busy: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rss_bytes: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[str] = mapped_column(server_default=text("''"))
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    # Jobs finished since the process started.
    done: Mapped[int] = mapped_column(server_default=text("0"))
    # A moving mean of a minute or so, and what it was last reckoned from.
    done_per_min: Mapped[float] = mapped_column(server_default=text("0"))
    done_seen: Mapped[int] = mapped_column(server_default=text("0"))
    # Of a worker: how it runs jobs (prefork), each child as {"pid", "rss_bytes"}, messages taken but not begun.
    pool: Mapped[str] = mapped_column(server_default=text("''"))
    children: Mapped[list[object]] = mapped_column(server_default=text("'[]'"))
    prefetched: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_job: Mapped[str | None]
    last_job_at: Mapped[datetime | None]
    # When the broker was last heard of.
    broker_at: Mapped[datetime | None]
    draining: Mapped[bool] = mapped_column(server_default=text("false"))
    # History lines that had to be dropped since the process started.
    dropped: Mapped[int] = mapped_column(server_default=text("0"))


class FleetCommand(Base):
    """What an operator asked of a process, until and after it was done."""

    __tablename__ = "fleet_commands"
    __table_args__ = (
        CheckConstraint("action IN ('drain', 'resume', 'stop', 'resize')", name="action"),
        Index("ix_fleet_commands_process", "process", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    process: Mapped[str]
    action: Mapped[str]
    slots: Mapped[int | None] = mapped_column(Integer)
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    done_at: Mapped[datetime | None]
    error: Mapped[str | None]


class FleetDeploy(Base):
    """A version of the program and when a process first ran it: the marks on charts."""

    __tablename__ = "fleet_deploys"
    personal_data: ClassVar[tuple[str, ...]] = ()

    version: Mapped[str] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class AlertChannel(Base):
    """Where alerts go. The target (address or URL) and the signing secret are sealed."""

    __tablename__ = "alert_channels"
    __table_args__ = (
        CheckConstraint("kind IN ('email', 'slack', 'webhook')", name="kind"),
        Index("ix_alert_channels_shop_id", "shop_id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()
    sealed: ClassVar[SealedColumns] = SealedColumns("alert-channels", ("target", "secret"))

    id: Mapped[Id]
    shop_id: Mapped[int | None]
    kind: Mapped[str]
    title: Mapped[str]
    target: Mapped[bytes]
    secret: Mapped[bytes | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class AlertRule(Base):
    """A figure that is watched. shop_id None: an operator's rule on the whole installation."""

    __tablename__ = "alert_rules"
    __table_args__ = (
        CheckConstraint("op IN ('above', 'below')", name="op"),
        CheckConstraint("state IN ('ok', 'pending', 'firing', 'unknown')", name="state"),
        Index("ix_alert_rules_shop_id", "shop_id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    shop_id: Mapped[int | None]
    title: Mapped[str]
    metric: Mapped[str]
    # Narrows the figure: {"queue": "bulk"}, {"campaign": "cmp_…"}.
    scope: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    op: Mapped[str]
    threshold: Mapped[float]
    # The figure must be over it for so long before it fires; after a message there is silence for so long.
    for_s: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    hold_off_s: Mapped[int] = mapped_column(Integer, server_default=text("3600"))
    channel_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    muted_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default=text("'ok'"))
    state_since: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_value: Mapped[float | None]
    last_checked_at: Mapped[datetime | None]
    last_fired_at: Mapped[datetime | None]
    # When people were last told; the hold-off counts from here.
    notified_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class AlertEvent(Base):
    """A rule that fired or calmed down, and what became of the messages about it."""

    __tablename__ = "alert_events"
    __table_args__ = (
        CheckConstraint("kind IN ('fired', 'resolved')", name="kind"),
        Index("ix_alert_events_rule_id", "rule_id", "id"),
        Index("ix_alert_events_shop_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"))
    shop_id: Mapped[int | None]
    kind: Mapped[str]
    value: Mapped[float]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    # Why nobody was told: muted, held_off.
    silent: Mapped[str | None]
    # Of each channel: its id, whether the message waits, was sent or failed, and the error.
    deliveries: Mapped[list[object]] = mapped_column(server_default=text("'[]'"))
