"""API shapes of segments."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from storecast.customers.schemas import CustomerRow
from storecast.segments.fields import FieldType, Subject

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]

RULES_EXAMPLE: JsonDict = {
    "op": "and",
    "rules": [
        {"field": "orders_count", "operator": "gte", "value": 2},
        {"field": "last_order_at", "operator": "not_in_last_days", "value": 90},
        {"field": "email_subscription", "operator": "is", "value": "subscribed"},
    ],
}


class Segment(BaseModel):
    """A saved rule tree with its member count as of ``counted_at``."""

    id: str
    name: str
    rules: dict[str, Any]
    member_count: int | None
    counted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class SegmentWrite(BaseModel):
    """A segment to save; with ``version``, only if nobody changed it since."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Drifting away", "rules": RULES_EXAMPLE}]}
    )

    name: Name
    rules: dict[str, Any]
    version: int | None = Field(default=None, ge=1)


class SegmentPreviewRequest(BaseModel):
    """Rules to try without saving them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rules": RULES_EXAMPLE}]})

    rules: dict[str, Any]


class SegmentPreview(BaseModel):
    """How many of all customers fit the rules, and a few of them."""

    count: int
    total: int
    sample: list[CustomerRow]
    took_ms: int
    unread: list[str] = Field(
        description="Segments of Shopify's whose members have not been read yet; saving has them read."
    )


class ExplainRequest(BaseModel):
    """A customer, and the rules to hold against them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rules": RULES_EXAMPLE, "customer_id": "cus_01jd8"}]}
    )

    rules: dict[str, Any]
    customer_id: str = Field(max_length=64)


class ConditionSeen(BaseModel):
    """Whether a condition holds for a customer, and what it looked at.

    ``seen`` is the customer's value (money in minor units), how often it happened, or whether they are a member.
    """

    pointer: str
    field: str
    holds: bool
    seen: str | int | bool | list[str] | None


class Explanation(BaseModel):
    """Whether a customer is a member, condition by condition in the order of the rules."""

    customer_id: str
    member: bool
    conditions: list[ConditionSeen]


class SegmentSize(BaseModel):
    """How many members a segment had at the last count of a day of the shop."""

    day: date
    member_count: int


class SegmentSizes(BaseModel):
    """The sizes of the last days, oldest first; days on which nothing was counted are left out."""

    items: list[SegmentSize]


class Choice(BaseModel):
    """Something that a rule may refer to."""

    id: str
    name: str


class Choices(BaseModel):
    """What a rule may refer to."""

    items: list[Choice]


class CustomerList(BaseModel):
    """An uploaded list: how many rows its file had, how many customers they named, and why the others were refused."""

    id: str
    name: str
    row_count: int
    member_count: int
    refused_count: int
    refused: dict[str, int]
    created_at: datetime


class RefusedRow(BaseModel):
    """A row of an uploaded file that was refused, by its line."""

    line: int
    reason: str


class FieldInfo(BaseModel):
    """A field that rules may ask about."""

    key: str
    type: FieldType
    operators: list[str]
    options: list[str]
    subjects: list[Subject]


class FieldGroup(BaseModel):
    """Fields that belong together."""

    key: str
    fields: list[FieldInfo]


class Fields(BaseModel):
    """The closed vocabulary of rules."""

    groups: list[FieldGroup]
