"""API shapes of deliveries."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DeliveryState = Literal["waiting", "retrying", "applied", "stale", "unhandled", "dead"]
"""What became of a delivery: ``stale`` lost against something newer, or its object was gone; nobody takes the topic
of an ``unhandled`` one; a ``dead`` one has used up its attempts."""

ReplayableState = Literal["dead", "unhandled", "stale", "applied"]

REPLAY_IDS_MAX = 1000
REPLAY_CAP_MAX = 10_000

RowId = Annotated[int, Field(ge=1, lt=2**63)]


class DeliveryRow(BaseModel):
    """A delivery in a list. ``arrival_ms`` is from the change in the store to its arrival, ``handling_ms`` from there
    to the end of its handling; both null where an instant is missing, and after a replay."""

    id: int
    webhook_id: str
    topic: str
    state: DeliveryState
    object_gid: str | None
    triggered_at: datetime | None
    received_at: datetime
    done_at: datetime | None
    replayed_at: datetime | None
    attempts: int
    error: str | None
    arrival_ms: int | None
    handling_ms: int | None


class DeliveryDetail(DeliveryRow):
    """A delivery with its payload, in which nothing says who somebody is: names, addresses and secrets are masked."""

    event_id: str | None
    api_version: str | None
    bytes: int
    payload: dict[str, Any] | None


class TopicFigures(BaseModel):
    """A topic's deliveries in a span of time; ``handled`` is false where nobody takes the topic."""

    topic: str
    handled: bool
    received: int
    last_received_at: datetime | None
    waiting: int
    dead: int
    stale: int
    arrival_p50_ms: int | None
    arrival_p95_ms: int | None
    handling_p50_ms: int | None
    handling_p95_ms: int | None


class MissedDay(BaseModel):
    """What polling found on a day (UTC): objects that had changed, and of these the ones no delivery had told of."""

    day: date
    family: str
    polled: int
    missed: int


class TopicReport(BaseModel):
    """The topics, those with trouble first, and the deliveries that never came."""

    since: datetime
    topics: list[TopicFigures]
    missed: list[MissedDay]


class DeliveryReplay(BaseModel):
    """Which deliveries are handled again: by id, or by topic and time. Without ``state``, those that failed or that
    nobody took. At least one of ``ids``, ``topic``, ``from`` and ``to`` narrows them down."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [{"topic": "orders/updated", "from": "2026-11-21T00:00:00Z", "dry_run": True}]
        },
    )

    ids: Annotated[list[RowId], Field(min_length=1, max_length=REPLAY_IDS_MAX)] | None = None
    topic: Annotated[str, Field(min_length=1, max_length=129)] | None = None
    since: Annotated[datetime | None, Field(alias="from")] = None
    until: Annotated[datetime | None, Field(alias="to")] = None
    state: ReplayableState | None = None
    cap: Annotated[int, Field(ge=1, le=REPLAY_CAP_MAX)] = 1000
    dry_run: bool = False

    @model_validator(mode="after")
    def _narrowed(self) -> "DeliveryReplay":
        if self.ids is None and self.topic is None and self.since is None and self.until is None:
            raise ValueError("name ids, a topic or a time")
        for instant in (self.since, self.until):
            if instant is not None and instant.tzinfo is None:
                raise ValueError("an instant needs a time zone")
        return self


class ReplayAnswer(BaseModel):
    """How many deliveries the request fits, and how many of them are handled again (none in a dry run)."""

    matched: int
    replayed: int
    dry_run: bool
