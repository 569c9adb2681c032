"""API shapes of the contact policy."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["21:00"])]


class FrequencyCap(BaseModel):
    """At most so many marketing messages to one person in so many days."""

    messages: Annotated[int, Field(ge=1, le=100)]
    days: Annotated[int, Field(ge=1, le=31)]


class QuietHours(BaseModel):
    """No marketing between these times on the recipient's clock; over midnight when it ends before it begins."""

    begins: Clock
    ends: Clock


class WarmUp(BaseModel):
    """Daily limits that grow by a share each day, in the shop's calendar."""

    starts_on: Annotated[date, Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))]
    first_day: Annotated[int, Field(ge=1, le=1_000_000)]
    growth_percent: Annotated[int, Field(ge=5, le=300)]


class ContactPolicyInput(BaseModel):
    """The whole policy: what is left out is switched off."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "frequency_cap": {"messages": 2, "days": 7},
                    "quiet_hours": {"begins": "21:00", "ends": "08:00"},
                    "holdout_percent": 5,
                    "holdout_season": "quarter",
                    "hourly_limit": 20000,
                    "domain_hourly_limit": 10000,
                    "warm_up": {"starts_on": "2026-12-01", "first_day": 500, "growth_percent": 50},
                }
            ]
        }
    )

    frequency_cap: FrequencyCap | None = None
    quiet_hours: QuietHours | None = None
    holdout_percent: Annotated[int, Field(ge=0, le=50)] = 0
    holdout_season: Literal["quarter", "year"] = "quarter"
    hourly_limit: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    domain_hourly_limit: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    warm_up: WarmUp | None = None


class ContactPolicy(BaseModel):
    """When and how often the shop writes to a person, and how much it sends."""

    frequency_cap: FrequencyCap | None
    quiet_hours: QuietHours | None
    holdout_percent: int
    holdout_season: Literal["quarter", "year"]
    hourly_limit: int | None
    domain_hourly_limit: int | None = Field(description="Messages an hour from each sender domain.")
    warm_up: WarmUp | None
    timezone: str
