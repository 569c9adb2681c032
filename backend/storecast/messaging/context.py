"""What a template may read: plain data about the customer, the shop and the campaign.

A value that is missing is absent, not None or empty, so that ``default`` takes its place. Numbers that conditions
compare are always there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from storecast.kit.money import from_minor
from storecast.messaging import brand
from storecast.messaging.brand import PLAIN, Brand
from storecast.messaging.render_plan import TOKEN
from storecast.messaging.sandbox import Names

MAX_VALUE_CHARS = 1_000
"""Longer than any name; a value of a customer cannot blow a message up."""


class Recipient(NamedTuple):
    """One person to write to, as the ledger and the customer tables know them."""

    delivery_id: int
    customer_id: int
    email: str
    first_name: str | None
    last_name: str | None
    city: str | None
    country: str | None
    open_tracking: bool
    orders_count: int
    total_spent_minor: int
    last_order_at: datetime | None
    own: Mapping[str, Any] | None = None
    """What was looked up for this person alone, by its path in `PERSONAL`."""


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """The shop as templates see it."""

    name: str
    domain: str
    email: str | None
    currency: str
    url: str | None = None
    brand: Brand = PLAIN

    def as_context(self) -> dict[str, Any]:
        """The ``shop`` entry of a context."""
        values = {
            "name": self.name or self.domain,
            "url": self.url or f"https://{self.domain}",
            "domain": self.domain,
            "email": self.email,
            "currency": self.currency,
        }
        return {name: value for name, value in values.items() if value}


_READERS: dict[str, Callable[[Recipient, str], Any]] = {
    "first_name": lambda recipient, _currency: recipient.first_name,
    "last_name": lambda recipient, _currency: recipient.last_name,
    "name": lambda recipient, _currency: " ".join(filter(None, (recipient.first_name, recipient.last_name))),
    "email": lambda recipient, _currency: recipient.email,
    "city": lambda recipient, _currency: recipient.city,
    "country": lambda recipient, _currency: recipient.country,
    "orders_count": lambda recipient, _currency: recipient.orders_count,
    "total_spent": lambda recipient, currency: float(from_minor(recipient.total_spent_minor, currency)),
    "last_order_at": lambda recipient, _currency: (
        recipient.last_order_at.date().isoformat() if recipient.last_order_at else None
    ),
}

CUSTOMER_FIELDS = frozenset(_READERS)
OPTIONAL_FIELDS = frozenset({"first_name", "last_name", "name", "city", "country", "last_order_at"})
"""Fields that some customers lack: a template that prints one without ``default`` prints nothing for them."""

PRODUCT_LISTS = frozenset({"recently_viewed", "bought_together"})
"""Lists of products that are each customer's own."""

ORDER_FIELDS = frozenset({"name", "placed_at", "total", "lines"})
CHECKOUT_FIELDS = frozenset({"url", "started_at", "total"})
PERSONAL = ("customer.recently_viewed", "customer.bought_together", "order", "checkout")
"""What has to be looked up for each recipient, and only is when a template reads it."""

CODES = frozenset({"discount_code", "discount_url"})
"""The code of one message, and the address that applies it."""

NAMES: Names = {
    "customer": CUSTOMER_FIELDS | PRODUCT_LISTS,
    "shop": frozenset({"name", "url", "domain", "email", "currency"}),
    "campaign": frozenset({"name", "subject"}),
    "brand": brand.FIELDS,
    "products": frozenset({"picked", "best_sellers", "newest"}),
    "order": ORDER_FIELDS,
    "checkout": CHECKOUT_FIELDS,
    "unsubscribe_url": None,
    "preferences_url": None,
    "discount_code": None,
    "discount_url": None,
}
"""Every name that a template may use, for checks at save and for completion in the editor."""


class ContextBuilder:
    """Builds the recipient's part of a context, holding only the fields that a template reads."""

    def __init__(self, paths: Collection[str], *, currency: str, edge_url: str) -> None:
        self._readers = [(name, _READERS[name]) for name in sorted(CUSTOMER_FIELDS) if _reads(paths, name)]
        self._currency = currency
        self._edge_url = edge_url

    def build(self, recipient: Recipient, token: str) -> dict[str, Any]:
        """The names of a context that depend on the recipient."""
        customer: dict[str, Any] = {}
        for name, read in self._readers:
            value = read(recipient, self._currency)
            if value is not None and value != "":
                customer[name] = value[:MAX_VALUE_CHARS] if isinstance(value, str) else value
        context: dict[str, Any] = {
            "customer": customer,
            "unsubscribe_url": f"{self._edge_url}/u/{token}",
            "preferences_url": f"{self._edge_url}/p/{token}",
            TOKEN: token,
        }
        for path, value in (recipient.own or {}).items():
            name, _, field = path.partition(".")
            if field:
                context[name][field] = value
            else:
                context[name] = value
        return context


def open_pixel(edge_url: str) -> tuple[str, str]:
    """The open pixel's tag: what stands before the recipient's token and what behind it."""
    return f'<img src="{edge_url}/o/', '.gif" width="1" height="1" alt="" style="display:block">'


def _reads(paths: Collection[str], field: str) -> bool:
    return "customer" in paths or any(path.split(".")[:2] == ["customer", field] for path in paths)


def personal(paths: Collection[str]) -> frozenset[str]:
    """Which of `PERSONAL` a template reads."""
    return frozenset(
        wanted
        for wanted in PERSONAL
        for path in paths
        if f"{path}.".startswith(f"{wanted}.") or path == "customer"
    )


def fixed_context(
    shop: ShopFacts, *, campaign: Mapping[str, Any], products: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What is the same for all recipients of a campaign; ``products`` are lists of products by name."""
    return {
        "shop": shop.as_context(),
        "brand": shop.brand.as_context(),
        "products": dict(products or {}),
        "campaign": {name: value for name, value in campaign.items() if value},
    }
