"""API shapes of alerts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

ChannelKind = Literal["email", "slack", "webhook"]
Op = Literal["above", "below"]
RuleState = Literal["ok", "pending", "firing", "unknown"]

DAY_S = 86_400
_LINE = r"^[^\x00-\x1f\x7f]+$"
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_LINE)]
Threshold = Annotated[float, Field(allow_inf_nan=False)]
ForSeconds = Annotated[int, Field(ge=0, le=DAY_S)]
HoldOffSeconds = Annotated[int, Field(ge=0, le=7 * DAY_S)]
Scope = dict[str, Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_LINE)]]


class Suggested(BaseModel):
    """A threshold to begin with."""

    op: Op
    threshold: float
    for_s: int


class AlertMetric(BaseModel):
    """A figure that a rule may watch, and the names that narrow it."""

    key: str
    unit: str
    scopes: list[str]
    audience: Literal["operators", "shops", "both"]
    suggested: Suggested


class AlertChannel(BaseModel):
    """Where alerts go; the target is masked."""

    id: int
    kind: ChannelKind
    title: str
    target: str
    created_at: datetime
    secret: str | None = None
    """Of a webhook, in the answer to its creation and never again."""


class ChannelRequest(BaseModel):
    """A new channel."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"kind": "email", "title": "On call", "target": "oncall@example.com"}]
        },
    )

    kind: ChannelKind
    title: Title
    target: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000, pattern=_LINE)
    ]


class ChannelTest(BaseModel):
    """How a test message went."""

    ok: bool
    error: str | None


class AlertRule(BaseModel):
    """A rule, where it stands, and the page that shows what is behind its figure."""

    id: int
    title: str
    metric: str
    unit: str
    scope: dict[str, str]
    op: Op
    threshold: float
    for_s: int
    hold_off_s: int
    channel_ids: list[int]
    enabled: bool
    muted_until: datetime | None
    state: RuleState
    state_since: datetime
    last_value: float | None
    last_checked_at: datetime | None
    last_fired_at: datetime | None
    link: str


class RuleRequest(BaseModel):
    """A new rule."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Mail comes back",
                    "metric": "campaign_bounce_percent",
                    "scope": {},
                    "op": "above",
                    "threshold": 3,
                    "for_s": 0,
                    "hold_off_s": 3600,
                    "channel_ids": [1],
                    "enabled": True,
                }
            ]
        },
    )

    title: Title
    metric: str
    scope: Scope = Field(default_factory=dict)
    op: Op
    threshold: Threshold
    for_s: ForSeconds = 0
    hold_off_s: HoldOffSeconds = 3600
    channel_ids: Annotated[list[int], Field(max_length=10)] = Field(default_factory=list)
    enabled: bool = True


class RulePatch(BaseModel):
    """What changes of a rule; the rest stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"threshold": 5, "enabled": False}]}
    )

    title: Title | None = None
    metric: str | None = None
    scope: Scope | None = None
    op: Op | None = None
    threshold: Threshold | None = None
    for_s: ForSeconds | None = None
    hold_off_s: HoldOffSeconds | None = None
    channel_ids: Annotated[list[int], Field(max_length=10)] | None = None
    enabled: bool | None = None


class MuteRequest(BaseModel):
    """Until when nobody is told; None ends the silence."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"until": "2026-11-23T08:00:00Z"}]}
    )

    until: AwareDatetime | None


class AlertDelivery(BaseModel):
    """What became of the message to one channel."""

    channel_id: int
    state: Literal["waiting", "sent", "failed"]
    error: str | None


class AlertEvent(BaseModel):
    """A rule that fired or calmed down. ``silent`` says why nobody was told."""

    id: int
    rule_id: int
    title: str
    kind: Literal["fired", "resolved"]
    value: float
    at: datetime
    silent: Literal["muted", "held_off"] | None
    deliveries: list[AlertDelivery]
