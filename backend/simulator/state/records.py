"""The things a shop holds, as rows. Field order is column order: a row becomes a record by position.

Money is integer minor units; instants are ISO 8601 text in UTC (`2026-11-21T22:00:00Z`), which sorts as it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import orjson

LINES_PER_ORDER = 100
"""Ids of lines follow from the order's, this many apart."""


class Line(NamedTuple):
    """One line of an order or a cart. `title` and `line_id` are kept only where the catalogue cannot tell them."""

    variant_id: int | None
    quantity: int
    unit_price_minor: int
    discount_minor: int = 0
    title: str | None = None
    line_id: int | None = None


def lines_json(lines: list[Line]) -> str:
    return orjson.dumps([list(line[:4] if line[4:] == (None, None) else line) for line in lines]).decode()


def tag_list(tags: str) -> list[str]:
    return tags.split(",") if tags else []


@dataclass(slots=True)
class Shop:
    id: int
    domain: str
    name: str
    email: str
    currency: str
    timezone: str
    plan: str
    created_at: str
    next_order_number: int

    @property
    def handle(self) -> str:
        return self.domain.removesuffix(".myshopify.com")


@dataclass(slots=True)
class User:
    id: int
    shop_id: int
    first_name: str
    last_name: str
    email: str
    account_owner: int
    locale: str


@dataclass(slots=True)
class Variant:
    id: int
    shop_id: int
    product_id: int
    title: str
    sku: str | None
    price_minor: int
    inventory: int
    position: int


@dataclass
class Product:
    id: int
    shop_id: int
    handle: str
    title: str
    vendor: str
    product_type: str
    status: str
    tags: str
    description: str
    image_url: str | None
    created_at: str
    updated_at: str
    extra: str | None

    @cached_property
    def extra_fields(self) -> dict[str, Any]:
        return dict(orjson.loads(self.extra)) if self.extra else {}


@dataclass
class Customer:
    id: int
    shop_id: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    locale: str
    tags: str
    note: str | None
    email_state: str
    email_opt_in_level: str | None
    email_consent_at: str | None
    sms_state: str
    sms_consent_at: str | None
    open_tracking: str
    address1: str | None
    city: str | None
    province: str | None
    province_code: str | None
    country_code: str | None
    zip: str | None
    orders_count: int
    spent_minor: int
    last_order_id: int | None
    created_at: str
    updated_at: str
    extra: str | None

    @cached_property
    def extra_fields(self) -> dict[str, Any]:
        return dict(orjson.loads(self.extra)) if self.extra else {}

    @property
    def display_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email or ""


@dataclass
class Order:
    id: int
    shop_id: int
    number: int
    customer_id: int | None
    email: str | None
    currency: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int
    refunded_minor: int
    financial_status: str
    fulfillment_status: str
    test: int
    created_at: str
    updated_at: str
    cancelled_at: str | None
    lines: str
    discount_codes: str
    cart_token: str | None
    checkout_token: str | None
    landing_site: str | None
    referring_site: str | None
    accepts_marketing: int
    extra: str | None

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def refund_transaction_id(self) -> int:
        """Beside the sale, which has the order's own number."""
        return self.id * 10 + 1

    @cached_property
    def extra_fields(self) -> dict[str, Any]:
        return dict(orjson.loads(self.extra)) if self.extra else {}

    @cached_property
    def line_items(self) -> list[Line]:
        return [Line(*line) for line in orjson.loads(self.lines)]

    def line_id(self, index: int) -> int:
        return self.line_items[index].line_id or self.id * LINES_PER_ORDER + index


@dataclass
class Cart:
    token: str
    shop_id: int
    lines: str
    email: str | None
    customer_id: int | None
    checkout_token: str | None
    order_id: int | None
    landing_site: str | None
    referring_site: str | None
    client_id: str | None
    created_at: str
    updated_at: str

    @cached_property
    def line_items(self) -> list[Line]:
        return [Line(*line) for line in orjson.loads(self.lines)]

    @property
    def total_minor(self) -> int:
        return sum(line.quantity * line.unit_price_minor - line.discount_minor for line in self.line_items)


@dataclass(slots=True)
class Installation:
    shop_id: int
    id: int
    scopes: str
    installed_at: str
    uninstalled_at: str | None


@dataclass(slots=True)
class Token:
    access_token: str
    shop_id: int
    user_id: int | None
    scopes: str
    expires_at: float | None
    refresh_token: str | None
    refresh_expires_at: float | None
    replaced_by: str | None
    used: int
    revoked: int
    created_at: float


@dataclass(slots=True)
class Grant:
    code: str
    shop_id: int
    user_id: int
    per_user: int
    redirect_uri: str
    expires_at: float


@dataclass(slots=True)
class Pixel:
    shop_id: int
    id: int
    settings: str

    def settings_fields(self) -> dict[str, Any]:
        return dict(orjson.loads(self.settings))


@dataclass(slots=True)
class BulkOperation:
    id: int
    shop_id: int
    status: str
    error_code: str | None
    query: str
    group_objects: int
    object_count: int
    root_object_count: int
    file_size: int | None
    path: str | None
    created_at: str
    completed_at: str | None


@dataclass(slots=True)
class Delivery:
    id: int
    webhook_id: str
    event_id: str
    topic: str
    shop_domain: str
    body: bytes
    triggered_at: str
    state: str
    attempts: int
    next_at: float
    last_status: int | None
    last_error: str | None
    copies: int


@dataclass(slots=True)
class Document:
    """Something the app made on the platform: a discount, a marketing activity, a segment."""

    id: int
    shop_id: int
    kind: str
    key: str
    body: str
    created_at: str

    def fields(self) -> dict[str, Any]:
        return dict(orjson.loads(self.body))
