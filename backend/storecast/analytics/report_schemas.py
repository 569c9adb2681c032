"""API shapes of campaign reports. People are counted once each; what machines did is told apart."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from storecast.campaigns.schemas import State
from storecast.customers.schemas import CustomerRow
from storecast.kit.money import Money


class Counts(BaseModel):
    """The audience by what became of each message."""

    audience: int
    pending: int
    accepted: int
    failed: int
    unknown: int
    excluded: int


class FunnelStep(BaseModel):
    """How many people got as far as a step. Delivered is what was sent and did not come back."""

    step: Literal["sent", "delivered", "opened", "clicked", "ordered"]
    people: int


class ByVerdict(BaseModel):
    """Events by who caused them; ``machine_only`` is the recipients of whom nothing else is known."""

    human: int
    machine: int
    unknown: int
    machine_only: int


class RevenuePoint(BaseModel):
    """Attributed revenue of one hour."""

    at: datetime
    amount_minor: int


class LinkRow(BaseModel):
    """A link with the clicks of people, how many they were, and the clicks of machines.

    ``personal``: the address depends on the recipient, and ``url`` is how it is written in the message.
    """

    number: int
    url: str
    personal: bool
    clicks: int
    people: int
    machine_clicks: int


class ReasonCount(BaseModel):
    """How many were left out for one reason."""

    reason: str
    count: int


class WaitingCount(BaseModel):
    """How many messages are put off for one reason, and when the first is due; null while nobody can say."""

    reason: str
    count: int
    next_at: datetime | None


class CodesReport(BaseModel):
    """The discount codes of a campaign: how many went out, came back with an order, and what that brought."""

    discount_id: str
    title: str
    sent: int
    redeemed: int
    revenue: Money


class Report(BaseModel):
    """What became of a campaign."""

    state: State
    counts: Counts
    rate_per_s: float | None
    eta_s: float | None
    funnel: list[FunnelStep]
    opens: ByVerdict
    clicks: ByVerdict
    bounced: int
    complained: int
    unsubscribed: int
    orders: int
    revenue: Money
    revenue_over_time: list[RevenuePoint]
    links: list[LinkRow]
    exclusions: list[ReasonCount]
    waiting: list[WaitingCount]
    codes: CodesReport | None = None
    started_at: datetime | None
    finished_at: datetime | None


class VersionRow(BaseModel):
    """What became of one version of the message; one with a ``locale`` is for the readers of a language.

    Opens and clicks are people; ``only_machine_opened`` are those of whom nothing but a machine is known.
    """

    number: int
    locale: str | None
    subject: str
    from_name: str
    recipients: int
    sent: int
    delivered: int
    opened: int
    clicked: int
    only_machine_opened: int
    ordered: int
    orders: int
    unsubscribed: int
    bounced: int
    complained: int
    revenue: Money


class DomainRow(BaseModel):
    """What the servers of one domain of recipients did; ``domain`` is null for all the others together.

    ``deferred`` were put off at least once; ``refused`` for good; ``bounced`` came back after they were accepted.
    """

    domain: str | None
    recipients: int
    accepted: int
    deferred: int
    refused: int
    bounced: int
    opened: int
    clicked: int
    complained: int


class ErrorRow(BaseModel):
    """One answer of mail servers, without what tells recipients apart."""

    state: Literal["failed", "unknown", "pending"]
    reason: str | None
    code: int | None
    enhanced: str | None
    text: str
    count: int


class Deliverability(BaseModel):
    """How the mail of a campaign got on, by receiving domain and by what servers said."""

    domains: list[DomainRow]
    errors: list[ErrorRow]


class HeatMessage(BaseModel):
    """The message as somebody of the audience got it; link n leads to ``#link-n``, every other one nowhere."""

    subject: str
    html: str


class ComparedCampaign(BaseModel):
    """One column of a comparison."""

    id: str
    name: str
    state: State
    subject: str
    started_at: datetime | None
    audience: int
    sent: int
    delivered: int
    opened: int
    clicked: int
    ordered: int
    bounced: int
    complained: int
    unsubscribed: int
    opens: ByVerdict
    clicks: ByVerdict
    orders: int
    revenue: Money


class Comparison(BaseModel):
    """Campaigns side by side, in the order in which they were asked for."""

    campaigns: list[ComparedCampaign]


class RecipientEvent(BaseModel):
    """Something that a recipient, or a machine in their place, did."""

    kind: str
    at: datetime
    verdict: str | None
    url: str | None


class RecipientOrder(BaseModel):
    """The order that the message is credited with."""

    name: str
    revenue: Money


class Recipient(BaseModel):
    """One person of the audience, with what they did."""

    customer: CustomerRow
    state: str
    reason: str | None
    attempts: int
    accepted_at: datetime | None
    reply: str | None
    variant: int | None
    due_at: datetime | None
    events: list[RecipientEvent]
    order: RecipientOrder | None


StoryKind = Literal[
    "frozen",
    "excluded",
    "waiting",
    "deferred",
    "claimed",
    "accepted",
    "failed",
    "unknown",
    "open",
    "click",
    "unsubscribe",
    "bounce",
    "complaint",
    "order",
]


class StoryStep(BaseModel):
    """One thing that happened to a message. Of instants that nobody wrote down ``at`` is null.

    ``until`` is when it goes on: the next attempt, or the end of a claim. ``touch_at`` is the click or open that an
    order is credited to.
    """

    kind: StoryKind
    at: datetime | None
    reason: str | None = None
    attempts: int | None = None
    until: datetime | None = None
    reply: str | None = None
    message_id: str | None = None
    verdict: str | None = None
    url: str | None = None
    order: RecipientOrder | None = None
    credited_by: str | None = None
    touch_at: datetime | None = None


class Story(BaseModel):
    """The whole story of one recipient, in order."""

    customer: CustomerRow
    email: str | None
    segment_name: str | None
    subject: str
    steps: list[StoryStep]
