"""API shapes of customers."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from storecast.customers import metafield_values
from storecast.kit.money import Money

EmailSubscription = Literal["subscribed", "not_subscribed", "unsubscribed", "pending", "invalid"]
SmsSubscription = Literal["subscribed", "not_subscribed", "unsubscribed", "pending", "redacted"]


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
    Consents are as of their instants. ``shopify_id`` is the number at the end of the customer's address in the admin.
    """

    shopify_id: int
    phone: str | None
    province: str | None
    first_order_at: datetime | None
    lifetime_orders_count: int | None = None
    lifetime_spent: Money | None = None
    average_order: Money
    rfm_recency: int | None
    rfm_frequency: int | None
    rfm_monetary: int | None
    locale: str | None
    tags: list[str]
    email_opt_in_level: str | None
    email_consent_at: datetime | None
    sms_subscription: SmsSubscription | None
    sms_opt_in_level: str | None
    sms_consent_at: datetime | None
    created_at: datetime | None
    timeline: list[TimelineEntry]


Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^,\x00-\x1f]+$")
]
"""Shopify separates tags by commas and keeps 40 characters of each."""


Chosen = Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=250)]
"""Customers by id: no more than Shopify takes in one list."""

MetafieldType = Literal[
    "boolean",
    "color",
    "date",
    "date_time",
    "id",
    "json",
    "list.single_line_text_field",
    "multi_line_text_field",
    "number_decimal",
    "number_integer",
    "single_line_text_field",
    "url",
]
"""Of Shopify's types those that need no other object: no reference, file, measurement or money."""


class Metafield(BaseModel):
    """A value that is kept with a customer at Shopify, as text whatever its type."""

    model_config = ConfigDict(extra="forbid")

    namespace: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{3,255}$")]
    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{2,64}$")]
    type: MetafieldType
    value: Annotated[str, StringConstraints(min_length=1, max_length=65_535, pattern=r"^[^\x00]+$")]

    @model_validator(mode="after")
    def _value_is_of_its_type(self) -> Self:
        mistake = metafield_values.find_mistake(self.type, self.value)
        if mistake is not None:
            raise ValueError(mistake)
        return self


class MetafieldChange(BaseModel):
    """Metafields to set for the customers of a segment, or of a list."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "segment_id": "seg_2f9c",
                    "metafields": [
                        {
                            "namespace": "storecast",
                            "key": "favourite_genre",
                            "type": "single_line_text_field",
                            "value": "Jazz",
                        }
                    ],
                }
            ]
        },
    )

    segment_id: Annotated[str, Field(max_length=64)] | None = None
    customer_ids: Chosen | None = None
    metafields: Annotated[list[Metafield], Field(min_length=1, max_length=25)]

    @model_validator(mode="after")
    def _says_who_and_each_field_once(self) -> Self:
        if (self.segment_id is None) == (self.customer_ids is None):
            raise ValueError("give either segment_id or customer_ids")
        if len({(each.namespace, each.key) for each in self.metafields}) < len(self.metafields):
            raise ValueError("a metafield is set twice")
        return self


class TagChange(BaseModel):
    """Tags to add to and remove from the customers of a segment, or of a list."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"segment_id": "seg_2f9c", "add": ["vip"], "remove": ["prospect"]}]},
    )

    segment_id: Annotated[str, Field(max_length=64)] | None = None
    customer_ids: Chosen | None = None
    add: Annotated[list[Tag], Field(max_length=50)] = []
    remove: Annotated[list[Tag], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _says_who_and_what(self) -> Self:
        if (self.segment_id is None) == (self.customer_ids is None):
            raise ValueError("give either segment_id or customer_ids")
        if not self.add and not self.remove:
            raise ValueError("give tags to add or to remove")
        if {tag.lower() for tag in self.add} & {tag.lower() for tag in self.remove}:
            raise ValueError("a tag cannot be added and removed at once")
        return self


class Refusal(BaseModel):
    """A customer whom Shopify did not change, and why."""

    customer_id: str
    error: str


class Write(BaseModel):
    """A change that is written to customers at Shopify, and how far it is."""

    id: str
    kind: Literal["tags_add", "tags_remove", "metafields"]
    tags: list[str]
    state: Literal["queued", "running", "done", "failed"]
    total: int
    done: int
    refused: int
    refusals: list[Refusal]
    error: str | None
    finished_at: datetime | None


class Writes(BaseModel):
    """What was asked for, one write for the tags to add and one for those to remove."""

    writes: list[Write]
