"""The catalogue of what a segment may ask: every field with its type, operators and options.

It is the closed vocabulary of rule trees: validation, SQL, the API and the rule builder all read it here.
"""

from dataclasses import dataclass
from typing import Literal

FieldType = Literal[
    "number", "money", "date", "enum", "text", "tags", "behaviour", "segment", "shopify_segment", "list"
]
Subject = Literal["product", "collection", "campaign"]

OPERATORS: dict[FieldType, tuple[str, ...]] = {
    "number": ("eq", "neq", "gt", "gte", "lt", "lte", "between"),
    "money": ("eq", "neq", "gt", "gte", "lt", "lte", "between"),
    "date": (
        "before", "after", "in_last_days", "not_in_last_days", "more_than_days_ago", "is_set", "not_set",
    ),
    "enum": ("is", "is_not", "in"),
    "text": ("is", "is_not", "contains", "starts_with", "is_set", "not_set"),
    "tags": ("has", "has_not"),
    "behaviour": ("did", "did_not"),
    "segment": ("member", "not_member"),
    "shopify_segment": ("member", "not_member"),
    "list": ("member", "not_member"),
}  # fmt: skip

EMAIL_STATES = ("subscribed", "not_subscribed", "unsubscribed", "pending", "invalid")
SMS_STATES = ("subscribed", "not_subscribed", "unsubscribed", "pending", "redacted")

MAX_TIMES = 20
"""The most times that a rule may ask for: so many instants are kept of what each customer did."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing known of a customer.

    ``column`` is its name in `customers.selectables.audience`, empty where it is found elsewhere. ``subjects`` are what
    a behaviour may be narrowed to.
    """

    key: str
    group: str
    type: FieldType
    column: str = ""
    options: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ()

    @property
    def operators(self) -> tuple[str, ...]:
        return OPERATORS[self.type]


_ALL = (
    Field("orders_count", "orders", "number", "orders_count"),
    Field("total_spent", "orders", "money", "total_spent_minor"),
    Field("average_order", "orders", "money", "average_order_minor"),
    Field("first_order_at", "orders", "date", "first_order_at"),
    Field("last_order_at", "orders", "date", "last_order_at"),
    Field("ordered", "behaviour", "behaviour", subjects=("product", "collection")),
    Field("opened", "behaviour", "behaviour", subjects=("campaign",)),
    Field("clicked", "behaviour", "behaviour", subjects=("campaign",)),
    Field("viewed", "behaviour", "behaviour", subjects=("product", "collection")),
    Field("added_to_cart", "behaviour", "behaviour", subjects=("product", "collection")),
    Field("started_checkout", "behaviour", "behaviour"),
    Field("segment", "membership", "segment"),
    Field("shopify_segment", "membership", "shopify_segment"),
    Field("list", "membership", "list"),
    Field("email_subscription", "consent", "enum", "email_state", EMAIL_STATES),
    Field("email_consent_at", "consent", "date", "email_consent_at"),
    Field("sms_subscription", "consent", "enum", "sms_state", SMS_STATES),
    Field("sms_consent_at", "consent", "date", "sms_consent_at"),
    Field("last_sent_at", "engagement", "date", "last_sent_at"),
    Field("last_opened_at", "engagement", "date", "last_opened_at"),
    Field("last_clicked_at", "engagement", "date", "last_clicked_at"),
    Field("email", "profile", "text", "email"),
    Field("first_name", "profile", "text", "first_name"),
    Field("last_name", "profile", "text", "last_name"),
    Field("country", "profile", "text", "country"),
    Field("province", "profile", "text", "province"),
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
