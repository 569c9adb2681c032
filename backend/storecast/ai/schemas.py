"""API shapes of suggested segments."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from storecast.kit.money import Money
from storecast.segments.schemas import Name


class MicroSegmentFacts(BaseModel):
    """What the group's buyers have in common, as of ``found_at``."""

    orders_per_customer: float
    spend_per_customer: Money
    median_days_since_order: int | None


class MicroSegment(BaseModel):
    """A group of buyers who are alike, with the rules that describe exactly them.

    ``label`` and ``number`` together name it among the shop's; ``segment_id`` is the segment that it was saved as.
    """

    id: str
    label: str
    number: int
    rules: dict[str, Any]
    customers: int
    facts: MicroSegmentFacts
    segment_id: str | None


class MicroSegments(BaseModel):
    """The groups that were found last; with none of them, ``reason`` says why."""

    items: list[MicroSegment]
    found_at: datetime | None
    reason: Literal["too_few_buyers", "not_yet"] | None


class MicroSegmentAdopt(BaseModel):
    """The name of the segment to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Our champions"}]})

    name: Name
