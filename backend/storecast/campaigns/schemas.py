"""API shapes of campaigns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from storecast.customers.schemas import CustomerRow
from storecast.messaging.sandbox import MAX_SOURCE_BYTES

State = Literal["draft", "scheduled", "sending", "paused", "sent", "cancelled", "failed"]
ShortText = Annotated[str, Field(max_length=250)]
Address = Annotated[str, Field(max_length=320)]
ProductGid = Annotated[str, Field(pattern=r"^gid://shopify/Product/\d{1,20}$")]

ShopPath = Annotated[str, Field(max_length=500, pattern=r"^/([^/\x00-\x20\x7f\\][^\x00-\x20\x7f\\]*)?$")]
"""A page of the shop: what begins with two slashes would be another host."""


class NewCampaign(BaseModel):
    """A campaign to start, from a template of the gallery or from nothing."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Come back", "template_key": "winback"}]}
    )

    name: Annotated[str, Field(min_length=1, max_length=120)]
    template_key: str | None = None


class Pacing(BaseModel):
    """How the sending is spread over time; see the fields for what each mode needs.

    ``local_time``: at the schedule's time by each recipient's own clock; whose time has ``passed`` gets it at once or
    tomorrow. ``batches``: that many parts, so many minutes apart. ``hourly``: evenly, so many an hour.
    ``give_up_days``: how long the shop's policy may put a message off.
    """

    model_config = ConfigDict(extra="forbid")

    mode: Literal["at_once", "local_time", "batches", "hourly"] = "at_once"
    passed: Literal["at_once", "tomorrow"] = "at_once"
    batches: Annotated[int, Field(ge=2, le=200)] | None = None
    every_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    per_hour: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    give_up_days: Annotated[int, Field(ge=1, le=30)] = 7


class CampaignChanges(BaseModel):
    """An edit: ``version`` is that of the campaign it was made on; fields left out stay."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"version": 3, "subject": "It has been a while, {{ customer.first_name }}"}]
        },
    )

    version: int
    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    segment_id: str | None = None
    subject: Annotated[str, Field(max_length=1_000)] | None = None
    preview_text: Annotated[str, Field(max_length=1_000)] | None = None
    from_name: ShortText | None = None
    from_email: Address | None = None
    reply_to: Address | None = None
    html: Annotated[str, Field(max_length=MAX_SOURCE_BYTES)] | None = None
    mjml: Annotated[str, Field(max_length=MAX_SOURCE_BYTES)] | None = None
    product_gids: Annotated[list[ProductGid], Field(max_length=8)] | None = None
    topic_id: str | None = None
    discount_id: str | None = None
    discount_path: ShopPath | None = None
    template_key: str | None = None
    holdout_percent: Annotated[int, Field(ge=0, le=50)] | None = None
    excluded_segment_ids: Annotated[list[str], Field(max_length=10)] | None = None
    pacing: Pacing | None = None


Priority = Literal["transactional", "flow", "campaign"]


class PriorityInput(BaseModel):
    """What kind of message a draft is; ``version`` is that of the campaign it was decided on.

    ``transactional`` is for messages on somebody's own order or account that promote nothing: consent, quiet hours and
    frequency caps do not hold them, and they carry no unsubscribe headers. Dead and shut-out addresses get none.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": 3, "priority": "transactional"}]}
    )

    version: int
    priority: Literal["campaign", "transactional"]


FollowUpKind = Literal["rest", "non_openers", "failed"]


class Origin(BaseModel):
    """Another campaign that the audience is left of; its id is null when it is gone."""

    kind: FollowUpKind
    campaign_id: str | None


class FollowUp(BaseModel):
    """Whom to write to once more: who got nothing although they should have (``rest``), who got the message and
    neither opened nor clicked it (``non_openers``), or to whom it could not be delivered (``failed``).
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "non_openers"}]})

    kind: FollowUpKind


class Campaign(BaseModel):
    """A campaign as its editor sees it."""

    id: str
    name: str
    state: State
    segment_id: str | None
    subject: str
    preview_text: str
    from_name: str
    from_email: str
    reply_to: str
    html: str
    mjml: str | None
    product_gids: list[str]
    topic_id: str | None
    discount_id: str | None
    discount_path: str
    template_key: str | None
    scheduled_at: datetime | None
    holdout_percent: int
    excluded_segment_ids: list[str]
    origin: Origin | None
    priority: Priority
    pacing: Pacing
    tested: bool
    winner: int | None
    version: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    audience_size: int | None
    pause_reason: str | None


VersionNumber = Annotated[int, Field(ge=0, le=24)]
Locale = Annotated[str, Field(max_length=35)]


class PreviewRequest(BaseModel):
    """Whom to preview as; left out, somebody from the audience. Content that is not saved yet replaces the saved.

    The customer gets the version of their language; ``version`` asks for one by its number (0 is the campaign itself),
    ``locale`` for the one that somebody with this locale gets. Unsaved content is that of ``version``.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"customer_id": "cus_01jd8wz6k3r9v5n2m7q4t1x0ya"}]}
    )

    customer_id: str | None = None
    version: VersionNumber | None = None
    locale: Locale | None = None
    subject: Annotated[str, Field(max_length=1_000)] | None = None
    preview_text: Annotated[str, Field(max_length=1_000)] | None = None
    html: Annotated[str, Field(max_length=MAX_SOURCE_BYTES)] | None = None
    mjml: Annotated[str, Field(max_length=MAX_SOURCE_BYTES)] | None = None


class Preview(BaseModel):
    """A message as one customer would get it; ``missing`` names what it prints and the customer lacks.

    ``version`` is the number of the version that it is, ``locale`` its language when it is for the readers of one.
    """

    version: int
    locale: str | None
    from_name: str
    subject: str
    preview_text: str
    html: str
    text: str
    size_bytes: int
    customer: CustomerRow | None
    missing: list[str]


class SampleRecipient(BaseModel):
    """Somebody to try a message on, and why just them."""

    why: Literal["usual", "no_name", "no_orders", "other_language"]
    customer: CustomerRow


class Exclusion(BaseModel):
    """How many are left out for one reason."""

    reason: str
    count: int


class Audience(BaseModel):
    """Who is in the segment, and who of them would get the message."""

    members: int
    recipients: int
    exclusions: list[Exclusion]


Level = Literal["ok", "ask", "stop"]


class Check(BaseModel):
    """One line of the send gate: ``stop`` keeps the button off, ``ask`` wants a look."""

    code: str
    level: Level
    facts: dict[str, Any] = {}


class Gate(BaseModel):
    """Whether the campaign may be sent, and what there is to know before."""

    ready: bool
    checks: list[Check]


class TestRequest(BaseModel):
    """Where to send a test mail, and which version of the message; without one that of somebody of the audience."""

    __test__ = False
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "me@example.com"}]})

    email: Address
    version: VersionNumber | None = None


class TestResult(BaseModel):
    """What the mail server said to the test mail."""

    __test__ = False

    accepted: bool
    reply: str


class SendRequest(BaseModel):
    """Send now, or at an instant to come; ``confirm_recipients`` is the number that the person was shown."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"scheduled_at": "2026-12-01T09:00:00Z", "confirm_recipients": 6009}]
        },
    )

    scheduled_at: AwareDatetime | None = None
    confirm_recipients: int | None = None


class DeliveryCounts(BaseModel):
    """How many of an audience are in which state."""

    audience: int
    pending: int
    accepted: int
    failed: int
    unknown: int
    excluded: int


class LinkRow(BaseModel):
    """A numbered link of a campaign; ``personal`` ones lead everybody elsewhere, and are told as they are written."""

    number: int
    url: str
    personal: bool


class Waiting(BaseModel):
    """How many messages wait for one reason, and when the first of them is due; null while nobody can say."""

    reason: str
    count: int
    next_at: datetime | None


class SentCodes(BaseModel):
    """The discount whose codes a campaign carries, and in how many messages one went out."""

    discount_id: str
    title: str
    sent: int


class DeliveryReport(BaseModel):
    """What the ledger says of a campaign: the part of the report that needs no event and no order."""

    id: int
    public_id: str
    state: State
    name: str
    subject: str
    counts: DeliveryCounts
    rate_per_s: float | None
    eta_s: float | None
    waiting: list[Waiting]
    exclusions: list[Exclusion]
    links: list[LinkRow]
    codes: SentCodes | None = None
    frozen_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    pause_reason: str | None


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """A campaign in a list, as far as campaigns know: opens, clicks and revenue are added above."""

    internal_id: int
    id: str
    name: str
    state: State
    subject: str
    segment_name: str | None
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    audience_size: int | None
    sent: int


class RecipientFacts(BaseModel):
    """One person of a frozen audience. ``until`` ends a claim, or is the next attempt of one who waits."""

    delivery_id: int
    customer_id: int
    email: str | None
    state: str
    reason: str | None
    attempts: int
    frozen_at: datetime
    until: datetime | None
    accepted_at: datetime | None
    message_id: str | None
    code: int | None
    reply: str | None
    variant: int | None
    due_at: datetime | None
