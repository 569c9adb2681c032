"""An order or a line as one source reported it, ready to be staged."""

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
)
