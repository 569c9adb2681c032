"""Orders with all that hangs on them, and abandoned checkouts, as Shopify knows them, amounts in the shop's currency.

Neither ``orders.customer_id`` nor ``order_lines.order_id`` is a foreign key: a bulk result may carry a child before
its parent. Both are null until the other row is there, and the global id beside each keeps the link.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, TenantRow, Timestamps


class Order(TenantRow, Timestamps, Base):
    """An order; ``placed_at`` is when the customer bought, ``shopify_updated_at`` guards against stale copies."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_orders_shop_id_customer_id", "shop_id", "customer_id", "placed_at"),
        # What segments count of a span of time is read off the index alone.
        Index(
            "ix_orders_shop_id_placed_at_counted",
            "shop_id",
            "placed_at",
            postgresql_include=["customer_id", "cancelled_at", "test"],
        ),
        Index(
            "ix_orders_shop_id_checkout_token",
            "shop_id",
            "checkout_token",
            postgresql_where=text("checkout_token IS NOT NULL"),
        ),
        Index(
            "ix_orders_unlinked",
            "shop_id",
            "customer_gid",
            postgresql_where=text("customer_id IS NULL AND customer_gid IS NOT NULL"),
        ),
    )
    personal_data: ClassVar[tuple[str, ...]] = (
        "name",
        "customer_gid",
        "email",
        "cart_token",
        "checkout_token",
        "client_id",
        "landing_site",
        "journey",
    )

    id: Mapped[Id]
    gid: Mapped[str]
    name: Mapped[str]
    customer_id: Mapped[int | None]
    customer_gid: Mapped[str | None]
    email: Mapped[str | None]
    currency: Mapped[str]
    subtotal_minor: Mapped[int]
    discount_minor: Mapped[int]
    tax_minor: Mapped[int]
    shipping_minor: Mapped[int]
    total_minor: Mapped[int]
    refunded_minor: Mapped[int]
    financial_status: Mapped[str | None]
    fulfillment_status: Mapped[str | None]
    test: Mapped[bool]
    cancelled_at: Mapped[datetime | None]
    placed_at: Mapped[datetime]
    discount_codes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    cart_token: Mapped[str | None]
    checkout_token: Mapped[str | None]
    client_id: Mapped[str | None]
    landing_site: Mapped[str | None]
    journey: Mapped[dict[str, object] | None]
    shopify_updated_at: Mapped[datetime]


class OrderLine(TenantRow, Base):
    """A line of an order."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_order_lines_shop_id_order_id", "shop_id", "order_id"),
        Index("ix_order_lines_shop_id_product_gid", "shop_id", "product_gid", "order_id"),
        Index("ix_order_lines_unlinked", "shop_id", "order_gid", postgresql_where=text("order_id IS NULL")),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("title",)

    id: Mapped[Id]
    order_id: Mapped[int | None]
    order_gid: Mapped[str]
    gid: Mapped[str]
    product_gid: Mapped[str | None]
    variant_gid: Mapped[str | None]
    title: Mapped[str]
    quantity: Mapped[int]
    price_minor: Mapped[int]


class OrderTransaction(TenantRow, Base):
    """A movement of money of an order: authorisation, capture, sale, refund or void."""

    __tablename__ = "order_transactions"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_order_transactions_shop_id_order_gid", "shop_id", "order_gid"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    order_gid: Mapped[str]
    gid: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    gateway: Mapped[str | None]
    test: Mapped[bool]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    processed_at: Mapped[datetime | None]


class OrderRefund(TenantRow, Base):
    """What was given back on an order, and when."""

    __tablename__ = "order_refunds"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_order_refunds_shop_id_order_gid", "shop_id", "order_gid"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    order_gid: Mapped[str]
    gid: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    refunded_at: Mapped[datetime | None]


class OrderFulfillment(TenantRow, Base):
    """A shipment of an order. Carrier and tracking number are not kept: nothing needs them."""

    __tablename__ = "order_fulfillments"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_order_fulfillments_shop_id_order_gid", "shop_id", "order_gid"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    order_gid: Mapped[str]
    gid: Mapped[str]
    status: Mapped[str]
    shipment_status: Mapped[str | None]
    fulfilled_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class AbandonedCheckout(Tenant, Timestamps, Base):
    """A checkout that was begun and not paid; ``completed_at`` when it was after all."""

    __tablename__ = "abandoned_checkouts"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_abandoned_checkouts_shop_id_customer_gid", "shop_id", "customer_gid"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("gid", "name", "customer_gid", "recovery_url")

    id: Mapped[Id]
    gid: Mapped[str]
    name: Mapped[str]
    customer_gid: Mapped[str | None]
    recovery_url: Mapped[str | None]
    currency: Mapped[str]
    subtotal_minor: Mapped[int]
    total_minor: Mapped[int]
    discount_codes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    begun_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    shopify_updated_at: Mapped[datetime]
