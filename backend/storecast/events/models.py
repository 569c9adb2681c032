"""Tables of what was observed: pixel events, message events, and who stands behind a browser's client id.

Rows are appended by the edge and judged once by ProcessEvents; `processed_at is null` is the work list. What segments
ask of them is rolled up by customer in the same transaction, see `behaviour`.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Tenant, TenantRow

_INSTANTS = ARRAY(DateTime(timezone=True))


class PixelEvent(Tenant, Base):
    """One storefront event. The id is minted in the browser, so a retried batch changes nothing."""

    __tablename__ = "pixel_events"
    __table_args__ = (
        Index(
            "ix_pixel_events_unprocessed",
            "shop_id",
            "occurred_at",
            postgresql_where=text("processed_at is null"),
        ),
        Index("ix_pixel_events_shop_id_client_id", "shop_id", "client_id", "occurred_at"),
        Index("ix_pixel_events_shop_id_name", "shop_id", "name", "occurred_at"),
        Index(
            "ix_pixel_events_shop_id_order_gid",
            "shop_id",
            "order_gid",
            postgresql_where=text("order_gid is not null"),
        ),
        Index(
            "ix_pixel_events_shop_id_checkout_token",
            "shop_id",
            "checkout_token",
            postgresql_where=text("checkout_token is not null"),
        ),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )
    personal_data: ClassVar[tuple[str, ...]] = (
        "client_id",
        "url",
        "referrer",
        "click_token",
        "customer_gid",
        "cart_token",
        "checkout_token",
        "search",
    )

    shop_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str]
    client_id: Mapped[str]
    seq: Mapped[int | None] = mapped_column(Integer)
    url: Mapped[str | None]
    referrer: Mapped[str | None]
    click_token: Mapped[str | None]
    # Of the extension that sent it; null for those that did not say.
    pixel_version: Mapped[str | None]
    # Read from the click token by the edge after its signature was verified; null for a forged or absent token.
    campaign_id: Mapped[int | None]
    delivery_id: Mapped[int | None]
    customer_gid: Mapped[str | None]
    product_gid: Mapped[str | None]
    variant_gid: Mapped[str | None]
    quantity: Mapped[int | None] = mapped_column(Integer)
    cart_token: Mapped[str | None]
    checkout_token: Mapped[str | None]
    order_gid: Mapped[str | None]
    value_minor: Mapped[int | None]
    currency: Mapped[str | None]
    search: Mapped[str | None]
    consent: Mapped[dict[str, object] | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    processed_at: Mapped[datetime | None]


class MessageEvent(Tenant, Base):
    """An open, click, unsubscribe, bounce or complaint of one delivery, with the verdict on who caused it."""

    __tablename__ = "message_events"
    __table_args__ = (
        CheckConstraint("kind in ('open', 'click', 'unsubscribe', 'bounce', 'complaint')", name="kind"),
        CheckConstraint("verdict in ('human', 'machine', 'unknown')", name="verdict"),
        Index(
            "ix_message_events_unprocessed",
            "shop_id",
            "occurred_at",
            postgresql_where=text("processed_at is null"),
        ),
        # Holds all that reports ask of a campaign's events, in the order in which they count people.
        Index(
            "ix_message_events_shop_id_campaign_id_delivery_id",
            "shop_id",
            "campaign_id",
            "delivery_id",
            postgresql_include=["occurred_at", "kind", "verdict", "link_number"],
        ),
        Index("ix_message_events_shop_id_delivery_id", "shop_id", "delivery_id", "occurred_at"),
        Index("ix_message_events_shop_id_customer_id", "shop_id", "customer_id", "occurred_at"),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )
    personal_data: ClassVar[tuple[str, ...]] = ("user_agent",)

    shop_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str]
    campaign_id: Mapped[int]
    delivery_id: Mapped[int]
    customer_id: Mapped[int | None]
    link_number: Mapped[int | None] = mapped_column(Integer)
    verdict: Mapped[str] = mapped_column(server_default=text("'unknown'"))
    user_agent: Mapped[str | None]
    processed_at: Mapped[datetime | None]


class Identity(Tenant, Base):
    """Who a browser's client id is known to be, and the last message that brought it here."""

    __tablename__ = "identities"
    __table_args__ = (Index("ix_identities_shop_id_customer_id", "shop_id", "customer_id"),)
    personal_data: ClassVar[tuple[str, ...]] = ("client_id",)

    shop_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    client_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None]
    delivery_id: Mapped[int | None]
    campaign_id: Mapped[int | None]
    clicked_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]


class CustomerInterest(TenantRow, Base):
    """When a customer last did something with one product or campaign: the newest instants, the newest first.

    ``subject`` is a product's gid or a campaign's internal id.
    """

    __tablename__ = "customer_interests"
    __table_args__ = (Index("ix_customer_interests_customer_id", "customer_id"),)
    personal_data: ClassVar[tuple[str, ...]] = ("subject", "recent_at")

    shop_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    recent_at: Mapped[list[datetime]] = mapped_column(_INSTANTS)
