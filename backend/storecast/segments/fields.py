"""The catalogue of what a segment may ask: every field with its type, operators and options.

It is the closed vocabulary of rule trees: validation, SQL, the API and the rule builder all read it here.
"""

from dataclasses import dataclass
from typing import Literal

FieldType = Literal["number", "money", "date", "enum", "text", "boolean", "tags"]

OPERATORS: dict[FieldType, tuple[str, ...]] = {
    "number": ("eq", "neq", "gt", "gte", "lt", "lte", "between"),
    "money": ("eq", "neq", "gt", "gte", "lt", "lte", "between"),
    "date": ("before", "after", "in_last_days", "not_in_last_days", "is_set", "not_set"),
    "enum": ("is", "is_not", "in"),
    "text": ("is", "is_not", "contains", "starts_with", "is_set", "not_set"),
    "boolean": ("is",),
    "tags": ("has", "has_not"),
}

EMAIL_STATES = ("subscribed", "not_subscribed", "unsubscribed", "pending", "invalid")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing known of a customer; ``column`` is its name in `customers.selectables.audience`."""

    key: str
    group: str
    type: FieldType
    column: str
    options: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[str, ...]:
        return OPERATORS[self.type]


_ALL = (
    Field("orders_count", "orders", "number", "orders_count"),
    Field("total_spent", "orders", "money", "total_spent_minor"),
    Field("average_order", "orders", "money", "average_order_minor"),
    Field("first_order_at", "orders", "date", "first_order_at"),
    Field("last_order_at", "orders", "date", "last_order_at"),
    Field("email_subscription", "engagement", "enum", "email_state", EMAIL_STATES),
    Field("last_sent_at", "engagement", "date", "last_sent_at"),
    Field("last_opened_at", "engagement", "date", "last_opened_at"),
    Field("last_clicked_at", "engagement", "date", "last_clicked_at"),
    Field("email", "profile", "text", "email"),
    Field("first_name", "profile", "text", "first_name"),
    Field("last_name", "profile", "text", "last_name"),
    Field("country", "profile", "text", "country"),
    Field("city", "profile", "text", "city"),
    Field("locale", "profile", "text", "locale"),
    Field("tags", "profile", "tags", "tags"),
    Field("created_at", "profile", "date", "shopify_created_at"),
    Field("rfm_recency", "rfm", "number", "rfm_recency"),
    Field("rfm_frequency", "rfm", "number", "rfm_frequency"),
    Field("rfm_monetary", "rfm", "number", "rfm_monetary"),
)

FIELDS: dict[str, Field] = {field.key: field for field in _ALL}


def grouped() -> list[tuple[str, list[Field]]]:
    """The fields by group, in the order in which a rule builder shows them."""
    groups: dict[str, list[Field]] = {}
    for field in _ALL:
        groups.setdefault(field.group, []).append(field)
    return list(groups.items())
