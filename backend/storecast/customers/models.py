"""Customers and segments as Shopify knows them, and one row of facts for each customer.

Every customer has a `customer_facts` row from the statement that inserts the customer on, so that a join of the two
loses nobody. It holds all that segments ask often, copies of the profile included: a million customers are counted by
one scan of narrow rows and no join. Triggers keep the copies: no writer of `customers` can forget them.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    FetchedValue,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, TenantRow, Timestamps

EMAIL_STATES = ("subscribed", "not_subscribed", "unsubscribed", "pending", "invalid")
SMS_STATES = ("subscribed", "not_subscribed", "unsubscribed", "pending", "redacted")

_INSTANTS = ARRAY(DateTime(timezone=True))


class Customer(TenantRow, Timestamps, Base):
    """A customer of a shop.

    The columns of each channel's consent follow its newest consent, the tags the newest report of all of them
    (``tags_at``) and the newer changes of single ones (``tag_changes``, see `tags`), the others the newest profile.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_customers_shop_id_email", "shop_id", text("lower(email)")),
        Index("ix_customers_shop_id_id", "shop_id", "id"),
        Index(
            "ix_customers_words",
            text("customer_words(shop_id, first_name, last_name, email)"),
            postgresql_using="gin",
        ),
        CheckConstraint(f"email_state IN {EMAIL_STATES}", name="email_state"),
    )
    personal_data: ClassVar[tuple[str, ...]] = (
        "gid",
        "email",
        "phone",
        "first_name",
        "last_name",
        "locale",
        "country",
        "province",
        "city",
        "tags",
        "tag_changes",
    )

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    gid: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    locale: Mapped[str | None]
    country: Mapped[str | None]
    province: Mapped[str | None]
    city: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    tags_at: Mapped[datetime | None]
    tag_changes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    email_state: Mapped[str] = mapped_column(server_default=text("'not_subscribed'"))
    email_opt_in_level: Mapped[str | None]
    email_consent_at: Mapped[datetime | None]
    sms_state: Mapped[str | None]
    sms_opt_in_level: Mapped[str | None]
    sms_consent_at: Mapped[datetime | None]
    open_tracking: Mapped[bool] = mapped_column(server_default=text("true"))
    shopify_created_at: Mapped[datetime | None]
    shopify_updated_at: Mapped[datetime]


class CustomerFacts(TenantRow, Base):
    """What segments ask about a customer.

    Figures of orders are recomputed from these (`facts`), what the customer did is folded in as its events are
    processed (`behaviour`). ``ordered_at`` and its like are the newest `behaviour.KEPT` instants, the newest first,
    null for never, so that "at least 3 times since then" is one comparison, ``opened_at[3] >= then``, however many
    there were.
    Consent, tags, places and the instant of joining are copies of the customer's, places in lower case.
    """

    __tablename__ = "customer_facts"
    __table_args__ = (
        Index("ix_customer_facts_shop_id_customer_id", "shop_id", "customer_id"),
        # Of scores only: a segment that asks for an amount must not be tempted to jump about in most of the table.
        Index(
            "ix_customer_facts_shop_id_last_order_at",
            "shop_id",
            "last_order_at",
            postgresql_where=text("rfm_recency is not null"),
        ),
        Index(
            "ix_customer_facts_shop_id_total_spent_minor",
            "shop_id",
            "total_spent_minor",
            postgresql_where=text("rfm_monetary is not null"),
        ),
        CheckConstraint("rfm_recency BETWEEN 1 AND 5", name="rfm_recency"),
        CheckConstraint("rfm_frequency BETWEEN 1 AND 5", name="rfm_frequency"),
        CheckConstraint("rfm_monetary BETWEEN 1 AND 5", name="rfm_monetary"),
    )
    personal_data: ClassVar[tuple[str, ...]] = (
        "orders_count",
        "total_spent_minor",
        "average_order_minor",
        "first_order_at",
        "last_order_at",
        "rfm_recency",
        "rfm_frequency",
        "rfm_monetary",
        "last_sent_at",
        "last_opened_at",
        "last_clicked_at",
        "lifetime_orders_count",
        "lifetime_spent_minor",
        "lifetime_counted_at",
        "tags",
        "country_folded",
        "province_folded",
        "city_folded",
        "locale_folded",
        "ordered_at",
        "opened_at",
        "clicked_at",
        "viewed_at",
        "added_to_cart_at",
        "started_checkout_at",
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    orders_count: Mapped[int] = mapped_column(server_default=text("0"))
    total_spent_minor: Mapped[int] = mapped_column(server_default=text("0"))
    average_order_minor: Mapped[int] = mapped_column(server_default=text("0"))
    email_state: Mapped[str] = mapped_column(server_default=FetchedValue())
    shopify_created_at: Mapped[datetime | None]
    first_order_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]
    last_opened_at: Mapped[datetime | None]
    last_clicked_at: Mapped[datetime | None]
    rfm_recency: Mapped[int | None] = mapped_column(SmallInteger)
    rfm_frequency: Mapped[int | None] = mapped_column(SmallInteger)
    rfm_monetary: Mapped[int | None] = mapped_column(SmallInteger)
    country_folded: Mapped[str | None]
    opened_at: Mapped[list[datetime] | None] = mapped_column(_INSTANTS)
    viewed_at: Mapped[list[datetime] | None] = mapped_column(_INSTANTS)
    clicked_at: Mapped[list[datetime] | None] = mapped_column(_INSTANTS)
    ordered_at: Mapped[list[datetime] | None] = mapped_column(_INSTANTS)
    added_to_cart_at: Mapped[list[datetime] | None] = mapped_column(_INSTANTS)
    started_checkout_at: Mapped[list[datetime] | None] = mapped_column(_INSTANTS)
    tags: Mapped[list[str]] = mapped_column(server_default=FetchedValue())
    email_consent_at: Mapped[datetime | None]
    sms_state: Mapped[str | None]
    sms_consent_at: Mapped[datetime | None]
    province_folded: Mapped[str | None]
    city_folded: Mapped[str | None]
    locale_folded: Mapped[str | None]
    # As Shopify counts them: orders older than an app may read are among them.
    lifetime_orders_count: Mapped[int | None]
    lifetime_spent_minor: Mapped[int | None]
    lifetime_counted_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ShopifySegment(Tenant, Timestamps, Base):
    """A segment that the merchant keeps in Shopify: its name, its query in ShopifyQL, when its members were read."""

    __tablename__ = "shopify_segments"
    __table_args__ = (UniqueConstraint("shop_id", "gid"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    gid: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]
    shopify_updated_at: Mapped[datetime]
    members_at: Mapped[datetime | None]
    member_count: Mapped[int | None]


class ShopifySegmentMember(TenantRow, Base):
    """A customer who was in a segment of Shopify's when its members were last read."""

    __tablename__ = "shopify_segment_members"
    __table_args__ = (Index("ix_shopify_segment_members_customer_id", "customer_id"),)
    personal_data: ClassVar[tuple[str, ...]] = ("segment_id",)

    segment_id: Mapped[int] = mapped_column(
        ForeignKey("shopify_segments.id", ondelete="CASCADE"), primary_key=True
    )
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)


class CustomerWrite(Tenant, Timestamps, Base):
    """One change that is written to many customers at Shopify: tags to add, tags to remove, or metafields.

    ``bulk_gid`` is set when Shopify runs it as one bulk mutation; ``done`` and ``refused`` count its targets.
    """

    __tablename__ = "customer_writes"
    __table_args__ = (
        CheckConstraint("kind IN ('tags_add', 'tags_remove', 'metafields')", name="kind"),
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
        Index("ix_customer_writes_shop_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    total: Mapped[int]
    bulk_gid: Mapped[str | None]
    bulk_runs: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    error: Mapped[str | None]
    requested_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]


class CustomerWriteTarget(Tenant, Base):
    """One customer of a write, and what Shopify said about them; ``line`` is theirs in the uploaded file."""

    __tablename__ = "customer_write_targets"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'refused')", name="state"),
        Index("ix_customer_write_targets_customer_id", "customer_id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("metafields", "error")

    write_id: Mapped[int] = mapped_column(
        ForeignKey("customer_writes.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    metafields: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    error: Mapped[str | None]


class ContactImport(Tenant, Timestamps, Base):
    """A file of contacts: what it is written in, what its columns mean, and how far it is on its way to Shopify.

    ``phase`` is what the bulk mutation ``bulk_gid`` does for the rows that have a ``bulk_line``.
    """

    __tablename__ = "contact_imports"
    __table_args__ = (
        UniqueConstraint("public_id", name="uq_contact_imports_public_id"),
        CheckConstraint(
            "state IN ('empty', 'uploaded', 'reading', 'writing', 'done', 'cancelled', 'failed')",
            name="state",
        ),
        Index("ix_contact_imports_shop_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str]
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'empty'"))
    encoding: Mapped[str | None]
    separator: Mapped[str | None]
    size_bytes: Mapped[int | None]
    line_count: Mapped[int | None]
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"))
    phase: Mapped[str | None]
    bulk_gid: Mapped[str | None]
    requested_at: Mapped[datetime | None]
    error: Mapped[str | None]
    created_by: Mapped[str]
    finished_at: Mapped[datetime | None]


class ContactImportPiece(TenantRow, Base):
    """A piece of an uploaded file as UTF-8, whole lines; gone when the file has been read, or after a day."""

    __tablename__ = "contact_import_pieces"
    personal_data: ClassVar[tuple[str, ...]] = ()

    import_id: Mapped[int] = mapped_column(
        ForeignKey("contact_imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[str]


class ContactImportRow(TenantRow, Base):
    """A row of a file: a contact on the way to Shopify, or why it is refused, and then nothing of what it said.

    ``todo`` is what Shopify is still to be told. Of the rows that are done those stay that changed a consent: they are
    the proof of it.
    """

    __tablename__ = "contact_import_rows"
    __table_args__ = (
        Index("ix_contact_import_rows_email", "shop_id", "email"),
        Index(
            "ix_contact_import_rows_bulk_line",
            "import_id",
            "bulk_line",
            postgresql_where=text("bulk_line IS NOT NULL"),
        ),
    )
    personal_data: ClassVar[tuple[str, ...]] = (
        "email",
        "first_name",
        "last_name",
        "phone",
        "country",
        "tags",
        "consent_source",
        "gid",
        "error",
    )

    import_id: Mapped[int] = mapped_column(
        ForeignKey("contact_imports.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone: Mapped[str | None]
    country: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    consent_state: Mapped[str | None]
    consent_at: Mapped[datetime | None]
    consent_source: Mapped[str | None]
    gid: Mapped[str | None]
    # Planned as created, updated, unchanged or merged; refused with its reason.
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    error: Mapped[str | None]
    todo: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    bulk_line: Mapped[int | None]


class StoreCreditEntry(Tenant, Timestamps, Base):
    """One credit to a customer's account at Shopify: what was asked for, and what is known to have become of it."""

    __tablename__ = "store_credit_entries"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'sent', 'done', 'refused', 'unknown')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        # One transaction settles one entry: two equal credits are never both settled by the first.
        UniqueConstraint("shop_id", "transaction_gid"),
        Index("ix_store_credit_entries_customer_id", "customer_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("reason", "error")

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    notify: Mapped[bool] = mapped_column(server_default=text("false"))
    state: Mapped[str] = mapped_column(server_default=text("'planned'"))
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    sent_at: Mapped[datetime | None]
    transaction_gid: Mapped[str | None]
    error: Mapped[str | None]
    created_by: Mapped[str]
    settled_at: Mapped[datetime | None]
