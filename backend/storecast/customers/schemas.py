"""API shapes of customers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from storecast.kit.money import Money

EmailSubscription = Literal["subscribed", "not_subscribed", "unsubscribed", "pending", "invalid"]


class CustomerRow(BaseModel):
    """A customer in a list."""

    id: str
    name: str
    email: str | None
    email_subscription: EmailSubscription
    orders_count: int
    total_spent: Money
    last_order_at: datetime | None
    city: str | None
    country: str | None


class TimelineEntry(BaseModel):
    """Something that happened with a customer; ``facts`` depends on ``kind``."""

    at: datetime
    kind: str
    facts: dict[str, Any] = {}


class CustomerDetail(CustomerRow):
    """A customer and what happened with them, newest first.

    The ``lifetime`` figures are Shopify's own, over all time; the others are of the orders that Storecast has.
    """

    first_order_at: datetime | None
    lifetime_orders_count: int | None = None
    lifetime_spent: Money | None = None
    average_order: Money
    rfm_recency: int | None
    rfm_frequency: int | None
    rfm_monetary: int | None
    locale: str | None
    tags: list[str]
    email_consent_at: datetime | None
    created_at: datetime | None
    timeline: list[TimelineEntry]
