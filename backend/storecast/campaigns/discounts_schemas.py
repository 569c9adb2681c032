"""API shapes of discounts."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from storecast.kit.money import Money

MAX_CODES = 100_000
"""Each 250 of them are a call and some looks at Shopify; more than this keeps a worker busy for an hour."""


class NewDiscount(BaseModel):
    """A discount off the whole order, by percent or by an amount in the shop's currency, and how many codes it has."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Ten percent for regulars",
                    "percent": 10,
                    "codes": 500,
                    "prefix": "HELLO-",
                    "ends_at": "2027-01-31T23:00:00Z",
                }
            ]
        },
    )

    title: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$"),
    ]
    percent: Annotated[Decimal, Field(gt=0, le=100, decimal_places=2)] | None = None
    amount_minor: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = None
    codes: Annotated[int, Field(ge=1, le=MAX_CODES)]
    prefix: Annotated[str, StringConstraints(to_upper=True, max_length=20, pattern=r"^[A-Za-z0-9-]*$")] = ""
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    once_per_customer: bool = True

    @model_validator(mode="after")
    def _has_one_value_and_ends_after_it_starts(self) -> Self:
        if (self.percent is None) == (self.amount_minor is None):
            raise ValueError("give either percent or amount_minor")
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class MoreCodes(BaseModel):
    """How many codes a discount is to have beside those that it has."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"codes": 500}]})

    codes: Annotated[int, Field(ge=1, le=MAX_CODES)]


class CodeRefusal(BaseModel):
    """A code that Shopify did not take, and why."""

    code: str
    error: str


class Discount(BaseModel):
    """A discount at Shopify, and how many of its codes are there; ``refusals`` are the first 100.

    ``leased`` counts the codes in messages; ``redeemed`` those that orders came with, of the orders Storecast has.
    """

    id: str
    title: str
    percent: float | None
    amount: Money | None
    starts_at: datetime
    ends_at: datetime | None
    once_per_customer: bool
    prefix: str
    state: Literal["queued", "running", "done", "failed"]
    codes: int
    live: int
    leased: int
    redeemed: int
    refused: int
    refusals: list[CodeRefusal]
    error: str | None
    created_at: datetime
    finished_at: datetime | None
