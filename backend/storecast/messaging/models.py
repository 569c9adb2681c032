"""Addresses that must not be written to, the shop's look and templates, its sending domains and channels."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, TenantRow, Timestamps
from storecast.kit.sealing import SealedColumns


class Suppression(Tenant, Base):
    """One address of one shop. It is kept as a digest, so that it outlives the erasure of the customer."""

    __tablename__ = "suppressions"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('unsubscribed', 'hard_bounce', 'soft_bounces', 'complaint', 'manual')", name="reason"
        ),
        Index("ix_suppressions_shop_id_created_at", "shop_id", "created_at", "email_digest"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    email_digest: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class MessageReturn(TenantRow, Base):
    """One thing that came back, once: a bounce or a complaint about a delivery.

    The address is a digest, as in `Suppression`, so that soft bounces add up over customers and campaigns.
    """

    __tablename__ = "message_returns"
    __table_args__ = (
        CheckConstraint("verdict IN ('hard', 'soft', 'block', 'complaint')", name="verdict"),
        # The same event told twice is one.
        Index("uq_message_returns_shop_id_event_key", "shop_id", "event_key", unique=True),
        Index("ix_message_returns_shop_id_email_digest", "shop_id", "email_digest", "occurred_at"),
        Index("ix_message_returns_shop_id_delivery_id", "shop_id", "delivery_id"),
        Index("ix_message_returns_received_at", "received_at"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("reply",)

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(BigInteger)
    event_key: Mapped[bytes]
    campaign_id: Mapped[int]
    delivery_id: Mapped[int]
    customer_id: Mapped[int]
    email_digest: Mapped[bytes]
    verdict: Mapped[str]
    # The enhanced status code (RFC 3463) and what the server said, as far as it is known.
    status: Mapped[str | None]
    reply: Mapped[str]
    # "smtp", "mail", or the kind of a provider.
    source: Mapped[str]
    # Somebody lifted the suppression: what was before counts no more.
    forgiven: Mapped[bool] = mapped_column(server_default=text("false"))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Topic(Tenant, Timestamps, Base):
    """What people may choose to hear about. Archived ones are asked for no more, and what was chosen stays."""

    __tablename__ = "topics"
    __table_args__ = (Index("uq_topics_name", "shop_id", text("lower(name)"), unique=True),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    archived: Mapped[bool] = mapped_column(server_default=text("false"))


class ContactPreference(TenantRow, Base):
    """What one customer chose: how often, not before when, and which topics not. Nobody chose anything: no row."""

    __tablename__ = "contact_preferences"
    __table_args__ = (
        CheckConstraint("frequency IN ('all', 'weekly', 'monthly')", name="frequency"),
        Index("ix_contact_preferences_shop_id", "shop_id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("frequency", "paused_until", "opted_out_topics")

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    frequency: Mapped[str] = mapped_column(server_default=text("'all'"))
    paused_until: Mapped[datetime | None]
    # Ids of `Topic`.
    opted_out_topics: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    changed_at: Mapped[datetime]


class OptInRequest(TenantRow, Base):
    """A customer who is asked to confirm their subscription: due again when, and how often a mail went out."""

    __tablename__ = "opt_in_requests"
    __table_args__ = (
        Index("ix_opt_in_requests_due", "shop_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("sent_at", "confirmed_at")

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    sends: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    due_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]


class BrandKit(Tenant, Timestamps, Base):
    """The look of one shop's messages; see `brand.Brand`."""

    __tablename__ = "brand_kits"
    __table_args__ = (CheckConstraint("font IN ('system', 'serif', 'rounded', 'mono')", name="font"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    accent: Mapped[str]
    background: Mapped[str]
    font: Mapped[str]
    logo_url: Mapped[str | None]
    address: Mapped[str | None]


class SavedTemplate(Tenant, Timestamps, Base):
    """A template that the shop keeps, or a block of one. ``version`` guards edits.

    ``html`` is what is sent; ``mjml`` is its source when it was written in MJML.
    """

    __tablename__ = "saved_templates"
    __table_args__ = (
        CheckConstraint("kind IN ('template', 'block')", name="kind"),
        Index("uq_saved_templates_name", "shop_id", "kind", text("lower(name)"), unique=True),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    preview_text: Mapped[str] = mapped_column(server_default="")
    html: Mapped[str]
    mjml: Mapped[str | None]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))


class SendingDomain(Tenant, Timestamps, Base):
    """A domain that a shop's mail comes from, and what DNS said of it last."""

    __tablename__ = "sending_domains"
    __table_args__ = (
        UniqueConstraint("shop_id", "domain"),
        CheckConstraint("state IN ('unverified', 'verified', 'failing')", name="state"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str]
    # Verified once one of its keys was found where only its owner can publish it; failing when it is gone again.
    state: Mapped[str] = mapped_column(server_default=text("'unverified'"))
    # Of each check its code, state, problem and what was found.
    checks: Mapped[list[object]] = mapped_column(server_default=text("'[]'"))
    # The policy that receivers apply (RFC 9989): "none", "quarantine", "reject"; whether DKIM must align exactly.
    dmarc_policy: Mapped[str | None]
    dkim_strict: Mapped[bool] = mapped_column(server_default=text("false"))
    checked_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]


class DkimKeyPair(Tenant, Base):
    """One generation of a domain's signing keys: an RSA and an Ed25519 key under selectors of their own, sealed."""

    __tablename__ = "dkim_keys"
    __table_args__ = (
        UniqueConstraint("domain_id", "number"),
        CheckConstraint("state IN ('pending', 'active', 'retiring')", name="state"),
        Index("ix_dkim_keys_shop_id", "shop_id"),
        # One signs; a second one waits to be published, or stays published for mail on its way.
        Index("uq_dkim_keys_active", "domain_id", unique=True, postgresql_where=text("state = 'active'")),
        Index("uq_dkim_keys_pending", "domain_id", unique=True, postgresql_where=text("state = 'pending'")),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()
    sealed: ClassVar[SealedColumns] = SealedColumns("dkim-keys", ("rsa_private", "ed25519_private"))

    id: Mapped[Id]
    domain_id: Mapped[int] = mapped_column(ForeignKey("sending_domains.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    rsa_private: Mapped[bytes]
    ed25519_private: Mapped[bytes]
    rsa_record: Mapped[str]
    ed25519_record: Mapped[str]
    # The second signature is made only while its key is found: one that is not would fail at every receiver.
    ed25519_published: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    activated_at: Mapped[datetime | None]
    retires_at: Mapped[datetime | None]

    @property
    def rsa_selector(self) -> str:
        """Where the RSA key is published: ``{selector}._domainkey``."""
        return f"sc{self.number}r"

    @property
    def ed25519_selector(self) -> str:
        """Where the Ed25519 key is published."""
        return f"sc{self.number}e"


class SendingChannel(Tenant, Timestamps, Base):
    """A server or provider that a shop's mail goes out through; of several the lowest position is tried first."""

    __tablename__ = "sending_channels"
    __table_args__ = (
        CheckConstraint("kind IN ('smtp', 'ses', 'sendgrid', 'mailgun', 'postmark')", name="kind"),
        CheckConstraint("connections BETWEEN 1 AND 64", name="connections"),
        CheckConstraint("per_second BETWEEN 1 AND 100000", name="per_second"),
        Index("ix_sending_channels_shop_id", "shop_id", "position"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()
    sealed: ClassVar[SealedColumns] = SealedColumns("sending-channels", ("secret", "returns_secret"))

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    title: Mapped[str]
    position: Mapped[int] = mapped_column(Integer)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    # Host, port, security and user name of a server; region or domain at a provider.
    config: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    # The password or key; a server that needs none has none.
    secret: Mapped[bytes | None]
    # What its webhooks are verified with: a key, a password, or the name of a topic.
    returns_secret: Mapped[bytes | None]
    connections: Mapped[int] = mapped_column(Integer)
    # Messages a second over all processes; null: as fast as it takes them.
    per_second: Mapped[int | None] = mapped_column(Integer)
    tested_at: Mapped[datetime | None]
    # Why the last test failed; null when it passed.
    error: Mapped[str | None]
