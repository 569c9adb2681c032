"""API shapes of queues and of the limits on queues, kinds of jobs and shops."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LimitKind = Literal["queue", "job", "shop"]

MAX_REASON = 500
"""A sentence or two for whoever reads the audit log; not a place to keep documents."""

Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]


class PauseRequest(BaseModel):
    """Why it is paused; goes to the audit log."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "the mail provider asks for it"}]}
    )

    reason: Reason


class ResumeRequest(BaseModel):
    """Why it goes on; may be left out, since going on is the rule."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "all clear"}]})

    reason: Annotated[str, Field(max_length=MAX_REASON)] | None = None


class LimitRequest(BaseModel):
    """The limits as they shall be; null lifts one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "in_flight": 200,
                    "shop_in_flight": 20,
                    "rate": 600,
                    "rate_period_s": 60,
                    "reason": "a careful start",
                }
            ]
        },
    )

    # Upper bounds keep a slip of the keyboard out of the relay's arithmetic; no installation comes near them.
    in_flight: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    shop_in_flight: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    rate: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    rate_period_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    reason: Annotated[str, Field(max_length=MAX_REASON)] | None = None


class Limit(BaseModel):
    """What holds for a queue, a kind of job or a shop."""

    kind: LimitKind
    key: str
    paused_at: datetime | None
    paused_by: str | None
    in_flight: int | None
    shop_in_flight: int | None
    rate: int | None
    rate_period_s: int
    weight: int
