"""API shapes of segments."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from storecast.customers.schemas import CustomerRow
from storecast.segments.fields import FieldType

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


class FieldInfo(BaseModel):
    """A field that rules may ask about."""

    key: str
    type: FieldType
    operators: list[str]
    options: list[str]


class FieldGroup(BaseModel):
    """Fields that belong together."""

    key: str
    fields: list[FieldInfo]


class Fields(BaseModel):
    """The closed vocabulary of rules."""

    groups: list[FieldGroup]
