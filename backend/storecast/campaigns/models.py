"""Campaigns, their numbered links, and the ledger: one row for every person of a frozen audience."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, Timestamps


class Campaign(Tenant, Timestamps, Base):
    """One mailing. ``version`` guards edits; content is locked once the campaign leaves ``draft``."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'scheduled', 'sending', 'paused', 'sent', 'cancelled', 'failed')",
            name="state",
        ),
        CheckConstraint("holdout_percent BETWEEN 0 AND 50", name="holdout_percent"),
        Index("ix_campaigns_shop_id", "shop_id", "created_at", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segments.id", ondelete="SET NULL"))
    template_key: Mapped[str | None]
    subject: Mapped[str] = mapped_column(server_default="")
    preview_text: Mapped[str] = mapped_column(server_default="")
    from_name: Mapped[str] = mapped_column(server_default="")
    from_email: Mapped[str] = mapped_column(server_default="")
    reply_to: Mapped[str] = mapped_column(server_default="")
    html: Mapped[str] = mapped_column(server_default="")
    holdout_percent: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    scheduled_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]
    audience_size: Mapped[int | None]
    pause_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))


class CampaignLink(Tenant, Base):
    """The target of ``/c/{token}/{number}``, UTM parameters included."""

    __tablename__ = "campaign_links"
    personal_data: ClassVar[tuple[str, ...]] = ()

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    url: Mapped[str]


class MessageDelivery(Tenant, Base):
    """What became of one person of one audience.

    ``claimed`` means that a worker has announced it will hand the message over and has not said how that went: when
    its lease runs out the row becomes ``unknown``, never ``pending``, because the server may have the message.
    ``lease_until`` of a pending row is the earliest instant of its next attempt. All rows of a campaign share one
    ``frozen_at``, so that every query that names it touches one partition.
    """

    __tablename__ = "message_deliveries"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending', 'claimed', 'accepted', 'failed', 'unknown', 'excluded')", name="state"
        ),
        Index(
            "uq_message_deliveries_campaign_id_customer_id",
            "campaign_id",
            "customer_id",
            "frozen_at",
            unique=True,
        ),
        Index(
            "ix_message_deliveries_pending", "campaign_id", "id", postgresql_where=text("state = 'pending'")
        ),
        Index(
            "ix_message_deliveries_claimed",
            "campaign_id",
            "lease_until",
            postgresql_where=text("state = 'claimed'"),
        ),
        Index("ix_message_deliveries_shop_id_customer_id", "shop_id", "customer_id", "frozen_at"),
        {"postgresql_partition_by": "RANGE (frozen_at)"},
    )
    personal_data: ClassVar[tuple[str, ...]] = ("email", "smtp_reply")

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    frozen_at: Mapped[datetime] = mapped_column(primary_key=True)
    # No foreign keys here: checking three for each of a million frozen rows costs more than writing them.
    shop_id: Mapped[int] = mapped_column(BigInteger)
    campaign_id: Mapped[int]
    customer_id: Mapped[int]
    email: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None]
    claimed_by: Mapped[UUID | None]
    message_id: Mapped[str | None]
    smtp_code: Mapped[int | None] = mapped_column(SmallInteger)
    smtp_reply: Mapped[str | None]
    accepted_at: Mapped[datetime | None]
