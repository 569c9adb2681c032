"""API shapes of the home page, the analytics page and campaign reports."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from storecast.campaigns.schemas import State
from storecast.customers.schemas import CustomerRow
from storecast.kit.money import Money
from storecast.sync.schemas import SyncRun


class CampaignRow(BaseModel):
    """A campaign in a list. Opens and clicks are people, machines left out."""

    id: str
    name: str
    state: State
    subject: str
    segment_name: str | None
    scheduled_at: datetime | None
    finished_at: datetime | None
    audience_size: int | None
    sent: int
    opens: int
    clicks: int
    revenue: Money
    revenue_per_recipient_minor: int | None


class Earned(BaseModel):
    """What campaigns earned in the last days, against the days before."""

    days: int
    attributed: Money
    previous: Money
    store_total: Money
    messages_sent: int


class Totals(BaseModel):
    """The store at a glance. Revenue is what was paid for all orders that count, less refunds."""

    customers: int
    products: int
    orders: int
    revenue: Money
    subscribed: int


class Need(BaseModel):
    """Something that waits for the merchant."""

    code: str
    severity: Literal["critical", "warning", "info"]
    facts: dict[str, Any]


class ChecklistItem(BaseModel):
    """A step of the first run."""

    key: Literal["install", "sync", "sender", "pixel", "segment", "campaign"]
    done: bool


class Growth(BaseModel):
    """How many customers the store had at the end of a day."""

    date: date
    customers: int


class Home(BaseModel):
    """The home page."""

    earned: Earned
    totals: Totals
    needs: list[Need]
    checklist: list[ChecklistItem]
    sync: SyncRun | None
    recent_campaigns: list[CampaignRow]
    growth: list[Growth]


class RevenueDay(BaseModel):
    """A day of the shop's calendar."""

    date: date
    total_minor: int
    attributed_minor: int
    orders: int


class SessionsStep(BaseModel):
    """How many sessions got as far as a step, having done those before it in order."""

    step: Literal[
        "page_viewed", "product_viewed", "product_added_to_cart", "checkout_started", "checkout_completed"
    ]
    sessions: int


class CampaignRevenue(BaseModel):
    """What one campaign earned in the period."""

    id: str
    name: str
    revenue: Money
    orders: int


class Model(BaseModel):
    """The attribution model behind the figures."""

    name: Literal["last_touch"]
    click_days: int
    open_days: int


class Overview(BaseModel):
    """The analytics page, in days of the shop's time zone and in its currency."""

    currency: str
    timezone: str
    revenue: list[RevenueDay]
    total: Money
    attributed: Money
    share: float
    previous_total: Money
    previous_attributed: Money
    orders: int
    aov: Money
    funnel: list[SessionsStep]
    by_campaign: list[CampaignRevenue]
    model: Model


class Counts(BaseModel):
    """The audience by what became of each message."""

    audience: int
    pending: int
    accepted: int
    failed: int
    unknown: int
    excluded: int


class FunnelStep(BaseModel):
    """How many people got as far as a step."""

    step: Literal["sent", "opened", "clicked", "ordered"]
    people: int


class HumanMachine(BaseModel):
    """Events by who caused them; what nobody can tell counts with the machines."""

    human: int
    machine: int


class RevenuePoint(BaseModel):
    """Attributed revenue of one hour."""

    at: datetime
    amount_minor: int


class LinkRow(BaseModel):
    """A link and its clicks by people."""

    number: int
    url: str
    clicks: int
    people: int


class ReasonCount(BaseModel):
    """How many were left out for one reason."""

    reason: str
    count: int


class WaitingCount(BaseModel):
    """How many messages are put off for one reason, and when the first is due; null while nobody can say."""

    reason: str
    count: int
    next_at: datetime | None


class ErrorCount(BaseModel):
    """How often the mail server gave one answer."""

    reply: str
    count: int


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
    opens: HumanMachine
    clicks: HumanMachine
    orders: int
    revenue: Money
    revenue_over_time: list[RevenuePoint]
    links: list[LinkRow]
    waiting: list[WaitingCount]
    codes: CodesReport | None = None
    exclusions: list[ReasonCount]
    errors: list[ErrorCount]
    started_at: datetime | None
    finished_at: datetime | None


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
    """One person of the audience, with the whole story."""

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
