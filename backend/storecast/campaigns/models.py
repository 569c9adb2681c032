"""Campaigns, their versions and links, the ledger (a row for every person of a frozen audience), the shop's policy on
whom it writes to how often, reports to Shopify, discounts."""

from datetime import date, datetime, time
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, TenantRow, Timestamps


class Campaign(Tenant, Timestamps, Base):
    """One mailing. ``version`` guards edits; content is locked once the campaign leaves ``draft``."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'scheduled', 'sending', 'paused', 'sent', 'cancelled', 'failed')",
            name="state",
        ),
        CheckConstraint("holdout_percent BETWEEN 0 AND 50", name="holdout_percent"),
        CheckConstraint("priority IN ('transactional', 'flow', 'campaign')", name="priority"),
        CheckConstraint("origin_kind IN ('rest', 'non_openers', 'failed')", name="origin_kind"),
        Index("ix_campaigns_shop_id", "shop_id", "created_at", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segments.id", ondelete="SET NULL"))
    # What people may have opted out of; without one it goes to all.
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topics.id", ondelete="SET NULL"))
    template_key: Mapped[str | None]
    subject: Mapped[str] = mapped_column(server_default="")
    preview_text: Mapped[str] = mapped_column(server_default="")
    from_name: Mapped[str] = mapped_column(server_default="")
    from_email: Mapped[str] = mapped_column(server_default="")
    reply_to: Mapped[str] = mapped_column(server_default="")
    html: Mapped[str] = mapped_column(server_default="")
    # What ``html`` was compiled from, when it was written in MJML.
    mjml: Mapped[str | None]
    # Products that somebody picked for the message, by global id, and all lists as they were at the freeze: a message
    # that is sent tomorrow shows what the first one showed, under the same link numbers.
    product_gids: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    product_lists: Mapped[dict[str, object] | None]
    # Where each message's own discount code comes from, and where in the shop its link leads.
    discount_set_id: Mapped[int | None] = mapped_column(ForeignKey("discount_sets.id", ondelete="SET NULL"))
    discount_path: Mapped[str] = mapped_column(server_default=text("'/'"))
    holdout_percent: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    # Whoever is in one of these segments does not get it.
    excluded_segment_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    # The audience is drawn from the ledger of this campaign: who is left, who opened nothing, where it failed.
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="SET NULL"))
    origin_kind: Mapped[str | None]
    # How the sending is spread over time, see `pacing.Pacing`.
    pacing: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    # Which of two messages goes first when a person may get only one, see `contact_policy`.
    priority: Mapped[str] = mapped_column(server_default=text("'campaign'"))
    # What is put off because of the shop's policy is given up after this instant.
    policy_until: Mapped[datetime | None]
    # How versions are tested, see `variants.Test`; the version that won or was picked, and when it is judged next.
    test: Mapped[dict[str, object] | None]
    winner: Mapped[int | None] = mapped_column(SmallInteger)
    winner_by: Mapped[str | None]
    test_looks: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    judged_at: Mapped[datetime | None]
    scheduled_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]
    audience_size: Mapped[int | None]
    pause_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))


class CampaignLink(Tenant, Base):
    """The target of ``/c/{token}/{number}``, UTM parameters included; of a ``personal`` one how it is written."""

    __tablename__ = "campaign_links"
    personal_data: ClassVar[tuple[str, ...]] = ()

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    url: Mapped[str]
    # The address depends on the recipient, whose message carries it sealed: there is nothing to redirect to here.
    personal: Mapped[bool] = mapped_column(server_default=text("false"))


class CampaignVariant(Tenant, Base):
    """Another version of a campaign's message; the campaign itself is version 0. Null: as in version 0.

    One with a ``locale`` is for those who read that language, the others are compared in a test.
    """

    __tablename__ = "campaign_variants"
    __table_args__ = (
        CheckConstraint(
            "CASE WHEN locale IS NULL THEN number BETWEEN 1 AND 4 ELSE number BETWEEN 5 AND 24 END",
            name="number",
        ),
        UniqueConstraint("campaign_id", "locale"),
        CheckConstraint("weight BETWEEN 1 AND 100", name="weight"),
        CheckConstraint("delay_minutes BETWEEN 0 AND 10080", name="delay_minutes"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    locale: Mapped[str | None]
    weight: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    subject: Mapped[str | None]
    preview_text: Mapped[str | None]
    from_name: Mapped[str | None]
    html: Mapped[str | None]
    mjml: Mapped[str | None]
    # So much later than version 0.
    delay_minutes: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class ContactPolicy(Tenant, Timestamps, Base):
    """How often and when the shop writes to a person, and how much it sends; see `contact_policy.Policy`.

    The row is locked by whoever claims messages of a shop that counts them, and holds what was counted last.
    """

    __tablename__ = "contact_policies"
    __table_args__ = (
        CheckConstraint("(cap_messages IS NULL) = (cap_days IS NULL)", name="cap"),
        CheckConstraint("(quiet_begins IS NULL) = (quiet_ends IS NULL)", name="quiet"),
        CheckConstraint("holdout_percent BETWEEN 0 AND 50", name="holdout_percent"),
        CheckConstraint("holdout_season IN ('quarter', 'year')", name="holdout_season"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    cap_messages: Mapped[int | None] = mapped_column(SmallInteger)
    cap_days: Mapped[int | None] = mapped_column(SmallInteger)
    quiet_begins: Mapped[time | None] = mapped_column(Time)
    quiet_ends: Mapped[time | None] = mapped_column(Time)
    holdout_percent: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    holdout_season: Mapped[str] = mapped_column(server_default=text("'quarter'"))
    hourly_limit: Mapped[int | None] = mapped_column(Integer)
    domain_hourly_limit: Mapped[int | None] = mapped_column(Integer)
    warm_up_from: Mapped[date | None] = mapped_column(Date)
    warm_up_first: Mapped[int | None] = mapped_column(Integer)
    warm_up_growth_percent: Mapped[int | None] = mapped_column(SmallInteger)
    hour_at: Mapped[datetime | None]
    hour_used: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    # Of the same hour, by sender domain.
    hour_used_by_domain: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    day_on: Mapped[date | None] = mapped_column(Date)
    day_used: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class MessageDelivery(Tenant, Base):
    """What became of one person of one audience.

    A pending row that a `MessageClaim` names is being handed over; each row is written when its outcome is known, and
    once where that is the last one. ``claimed_by`` of an ``unknown`` row is whose claim it was when that was lost.
    ``lease_until`` of a pending row is the earliest instant of its next attempt, ``reason`` why that is not now. While
    a test of versions decides which one the row gets, its ``variant`` is null and its instant in another age. All rows
    of a campaign share one ``frozen_at``, so that every query that names it touches one partition.
    """

    __tablename__ = "message_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'accepted', 'failed', 'unknown', 'excluded')", name="state"),
        Index(
            "uq_message_deliveries_campaign_id_customer_id",
            "campaign_id",
            "customer_id",
            "frozen_at",
            unique=True,
        ),
        Index(
            "ix_message_deliveries_due",
            "campaign_id",
            "lease_until",
            "id",
            postgresql_where=text("state = 'pending'"),
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
    variant: Mapped[int | None] = mapped_column(SmallInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None] = mapped_column(server_default=text("now()"))
    claimed_by: Mapped[UUID | None]
    message_id: Mapped[str | None]
    smtp_code: Mapped[int | None] = mapped_column(SmallInteger)
    smtp_reply: Mapped[str | None]
    accepted_at: Mapped[datetime | None]


class MessageClaim(TenantRow, Base):
    """What one job has announced it will hand over and has not said how that went.

    One row a chunk, so that a claim writes nothing into the ledger's rows. A claim ends with its record; when its
    lease runs out its rows become ``unknown``, never pending again, because the server may have the messages. No
    foreign keys: to check them is to wait for whoever changes the campaign, who may be waiting for this claim.
    """

    __tablename__ = "message_claims"
    __table_args__ = (Index("ix_message_claims_campaign_id", "campaign_id", "lease_until"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[int]
    claimed_by: Mapped[UUID]
    lease_until: Mapped[datetime]
    delivery_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class MarketingActivity(Tenant, Base):
    """What Shopify was last told a campaign is, by the name that Shopify has for it; outlives a deleted draft."""

    __tablename__ = "marketing_activities"
    personal_data: ClassVar[tuple[str, ...]] = ()

    remote_id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    digest: Mapped[str] = mapped_column(server_default="")
    reported_at: Mapped[datetime | None]
    error: Mapped[str | None]


class MarketingReport(Tenant, Base):
    """What Shopify was last told of one day of a campaign, in the shop's calendar."""

    __tablename__ = "marketing_reports"
    __table_args__ = (Index("ix_marketing_reports_shop_id_day", "shop_id", "day"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    digest: Mapped[str]
    reported_at: Mapped[datetime]
    error: Mapped[str | None]


class DiscountSet(Tenant, Timestamps, Base):
    """One discount at Shopify and the unique codes that hang on it.

    ``creation_gid`` is the codes that Shopify is adding; it takes them 250 at a time.
    """

    __tablename__ = "discount_sets"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
        CheckConstraint("(percent_hundredths IS NULL) <> (amount_minor IS NULL)", name="value"),
        CheckConstraint("percent_hundredths BETWEEN 1 AND 10000", name="percent_hundredths"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        Index("ix_discount_sets_shop_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    percent_hundredths: Mapped[int | None] = mapped_column(SmallInteger)
    amount_minor: Mapped[int | None]
    currency: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    once_per_customer: Mapped[bool]
    prefix: Mapped[str] = mapped_column(server_default="")
    total: Mapped[int]
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    discount_gid: Mapped[str | None]
    creation_gid: Mapped[str | None]
    requested_at: Mapped[datetime | None]
    error: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    # Codes that somebody has taken as a file may be in other hands than this shop's messages.
    exported_at: Mapped[datetime | None]


class DiscountCode(Tenant, Base):
    """One code; a row before Shopify hears of it, so that no run mints it twice.

    ``delivery_id`` is the row of the ledger that the code is leased to: one at most, and a row has one code at most.
    """

    __tablename__ = "discount_codes"
    __table_args__ = (
        UniqueConstraint("shop_id", "code"),
        CheckConstraint("state IN ('staged', 'live', 'refused')", name="state"),
        Index(
            "ix_discount_codes_staged", "discount_set_id", "line", postgresql_where=text("state = 'staged'")
        ),
        Index(
            "ix_discount_codes_free",
            "discount_set_id",
            "line",
            postgresql_where=text("state = 'live' AND delivery_id IS NULL"),
        ),
        Index(
            "uq_discount_codes_campaign_id_delivery_id",
            "campaign_id",
            "delivery_id",
            unique=True,
            postgresql_where=text("delivery_id IS NOT NULL"),
        ),
        CheckConstraint("(campaign_id IS NULL) = (delivery_id IS NULL)", name="lease"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    discount_set_id: Mapped[int] = mapped_column(
        ForeignKey("discount_sets.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'staged'"))
    error: Mapped[str | None]
    # No foreign keys, as in the ledger: a campaign's codes stay what they are when the ledger's month is dropped.
    campaign_id: Mapped[int | None]
    delivery_id: Mapped[int | None]
    leased_at: Mapped[datetime | None]
