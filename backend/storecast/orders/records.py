"""An order or a line as one source reported it, ready to be staged."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storecast.db.staging import Staging


class OrderRecord(NamedTuple):
    """What a bulk line or a webhook says about an order; None where the source does not say."""

    gid: str
    name: str
    customer_gid: str | None
    email: str | None
    currency: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int
    refunded_minor: int
    financial_status: str | None
    fulfillment_status: str | None
    test: bool
    cancelled_at: datetime | None
    placed_at: datetime
    discount_codes: list[str]
    cart_token: str | None
    checkout_token: str | None
    landing_site: str | None
    journey: str | None
    shopify_updated_at: datetime


class LineRecord(NamedTuple):
    """A line and the order that it belongs to."""

    order_gid: str
    gid: str
    product_gid: str | None
    variant_gid: str | None
    title: str
    quantity: int
    price_minor: int


class TransactionRecord(NamedTuple):
    """A movement of money, and the version of its order that showed it."""

    order_gid: str
    gid: str
    kind: str
    status: str
    gateway: str | None
    test: bool
    amount_minor: int
    currency: str
    processed_at: datetime | None
    order_updated_at: datetime


class RefundRecord(NamedTuple):
    """A refund, and the version of its order that showed it."""

    order_gid: str
    gid: str
    amount_minor: int
    currency: str
    refunded_at: datetime | None
    order_updated_at: datetime


class FulfillmentRecord(NamedTuple):
    """A shipment, and the version of its order that showed it."""

    order_gid: str
    gid: str
    status: str
    shipment_status: str | None
    fulfilled_at: datetime | None
    delivered_at: datetime | None
    order_updated_at: datetime


@dataclass(slots=True)
class OrderDetails:
    """What hangs on orders and comes inside them; each list is complete for the orders that it speaks of.

    Webhooks show of the transactions only the refunding ones: ``all_transactions`` says so.
    """

    transactions: list[TransactionRecord] = field(default_factory=list)
    refunds: list[RefundRecord] = field(default_factory=list)
    fulfillments: list[FulfillmentRecord] = field(default_factory=list)
    all_transactions: bool = True


class CheckoutRecord(NamedTuple):
    """What a source says about an abandoned checkout."""

    gid: str
    name: str
    customer_gid: str | None
    recovery_url: str | None
    currency: str
    subtotal_minor: int
    total_minor: int
    discount_codes: list[str]
    begun_at: datetime
    completed_at: datetime | None
    shopify_updated_at: datetime


ORDERS = Staging(
    "staged_orders",
    {
        "gid": "text",
        "name": "text",
        "customer_gid": "text",
        "email": "text",
        "currency": "text",
        "subtotal_minor": "bigint",
        "discount_minor": "bigint",
        "tax_minor": "bigint",
        "shipping_minor": "bigint",
        "total_minor": "bigint",
        "refunded_minor": "bigint",
        "financial_status": "text",
        "fulfillment_status": "text",
        "test": "boolean",
        "cancelled_at": "timestamptz",
        "placed_at": "timestamptz",
        "discount_codes": "text[]",
        "cart_token": "text",
        "checkout_token": "text",
        "landing_site": "text",
        "journey": "text",
        "shopify_updated_at": "timestamptz",
    },
    key=("gid",),
    version="shopify_updated_at",
)

LINES = Staging(
    "staged_lines",
    {
        "order_gid": "text",
        "gid": "text",
        "product_gid": "text",
        "variant_gid": "text",
        "title": "text",
        "quantity": "bigint",
        "price_minor": "bigint",
    },
    key=("gid",),
)

TRANSACTIONS = Staging(
    "staged_transactions",
    {
        "order_gid": "text",
        "gid": "text",
        "kind": "text",
        "status": "text",
        "gateway": "text",
        "test": "boolean",
        "amount_minor": "bigint",
        "currency": "text",
        "processed_at": "timestamptz",
        "order_updated_at": "timestamptz",
    },
    key=("gid",),
    version="order_updated_at",
)

REFUNDS = Staging(
    "staged_refunds",
    {
        "order_gid": "text",
        "gid": "text",
        "amount_minor": "bigint",
        "currency": "text",
        "refunded_at": "timestamptz",
        "order_updated_at": "timestamptz",
    },
    key=("gid",),
    version="order_updated_at",
)

FULFILLMENTS = Staging(
    "staged_fulfillments",
    {
        "order_gid": "text",
        "gid": "text",
        "status": "text",
        "shipment_status": "text",
        "fulfilled_at": "timestamptz",
        "delivered_at": "timestamptz",
        "order_updated_at": "timestamptz",
    },
    key=("gid",),
    version="order_updated_at",
)

CHECKOUTS = Staging(
    "staged_checkouts",
    {
        "gid": "text",
        "name": "text",
        "customer_gid": "text",
        "recovery_url": "text",
        "currency": "text",
        "subtotal_minor": "bigint",
        "total_minor": "bigint",
        "discount_codes": "text[]",
        "begun_at": "timestamptz",
        "completed_at": "timestamptz",
        "shopify_updated_at": "timestamptz",
    },
    key=("gid",),
    version="shopify_updated_at",
)
