"""What Shopify's Marketing pages are told: each campaign as an activity, and what it did on each day.

Shopify knows a campaign by its public id, and a day of it by the shop's date, and replaces what it had: a report that
is made twice, after a crash or by two workers, changes nothing. What was told is kept as a digest, so that nothing is
reported again unchanged, and what Shopify refused is not tried again until there is something else to say. While the
shop has not granted the scope nothing is staged, sent or complained about.

Figures are of one day, not sums up to it (Shopify phases cumulative ones out). Sends are messages that a mail server
took that day; impressions are those of them that never bounced; views are opens by people as `events` judges them, so
machine opens (privacy proxies, scanners) are left out; fails are bounces reported that day, not refusals at hand-over,
which were never sent. Orders and sales are the credits of `analytics`, by the day of the order, in the shop's currency.
Sources: https://shopify.dev/docs/api/admin-graphql/latest/mutations/marketingActivityUpsertExternal and
…/marketingEngagementCreate.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import structlog
from sqlalchemy.orm import Session

from storecast.campaigns import marketing_repository as repository
from storecast.campaigns.jobs import ReportActivity
from storecast.campaigns.models import Campaign
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.money import from_minor
from storecast.kit.types import ShopId
from storecast.messaging.compose import utm_of
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied, OperationRefused, UserErrors
from storecast.shops import features, tokens
from storecast.shops import service as shops
from storecast.shops.features import Feature
from storecast.shops.models import Shop
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

REPEATED_DAYS = 3
"""Days before yesterday that are told again when their figures changed: opens, bounces and credits come late."""

CAUGHT_UP_DAYS = 30
"""How far back a day that was never told is still told: after an outage, or when the scope comes later."""

STATUSES = {
    "draft": "INACTIVE",
    "scheduled": "SCHEDULED",
    "sending": "ACTIVE",
    "paused": "PAUSED",
    "sent": "INACTIVE",
    "cancelled": "INACTIVE",
    "failed": "INACTIVE",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a campaign did on one day."""

    sends: int = 0
    delivered: int = 0
    opens: int = 0
    people_opened: int = 0
    clicks: int = 0
    people_clicked: int = 0
    bounces: int = 0
    complaints: int = 0
    unsubscribes: int = 0
    orders: int = 0
    sales_minor: int = 0


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of a shop's calendar, both ends included."""

    first: date
    last: date
    timezone: str

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first, time(), ZoneInfo(self.timezone))

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), ZoneInfo(self.timezone))


DailyFigures = Callable[[Session, ShopId, str, Days], dict[tuple[int, date], Figures]]
"""From a shop, its currency and days to the figures by campaign and day; days without any are left out."""

_figures: list[DailyFigures] = []


def provide_figures(figures: DailyFigures) -> None:
    """Make known who counts."""
    if figures not in _figures:
        _figures.append(figures)


def allowed(shop: Shop) -> bool:
    """Whether the shop has granted the scope; one whose scopes are not known yet has not."""
    return not features.missing(Feature.MARKETING, shop.scopes)


def announce(session: Session, campaign: Campaign) -> None:
    """Have Shopify told of the campaign's state, in the transaction that changes it.

    A draft is nobody's business, unless Shopify knows it from when it was scheduled.
    """
    shop_id = ShopId(campaign.shop_id)
    if not allowed(shops.get(session, shop_id)):
        return
    if campaign.state == "draft" and not repository.is_known(session, shop_id, campaign.public_id):
        return
    outbox.add(session, shop_id, ReportActivity(campaign.public_id))


def report_activity(unit_of_work: UnitOfWork, shop_id: ShopId, remote_id: str, *, repeated: bool) -> None:
    """Tell Shopify what the campaign is, unless it was told; ``repeated`` says that an earlier try may have told it.

    Two workers may overtake each other on the way to Shopify: who finds after the call that the campaign has moved on
    has it told once more, so the newest state is the last that Shopify hears.
    """
    with unit_of_work() as session:
        if not allowed(shops.get(session, shop_id)):
            return
        wanted = _wanted(session, shop_id, remote_id)
        told = repository.lock_activity(session, shop_id, remote_id)
        if wanted is None or (told is not None and told.digest == _digest(wanted) and not repeated):
            return
        # Before the call: what may have reached Shopify is known to us, so that it can be taken back.
        repository.claim_activity(session, shop_id, remote_id, wanted["title"])
    client = tokens.admin_client(unit_of_work, shop_id)
    try:
        digest, error = _tell(client, "marketing_activity_upsert", {"input": wanted}, wanted)
    except AccessDenied:
        log.info("marketing_not_allowed", shop_id=shop_id)
        return
    with unit_of_work() as session:
        repository.record_activity(session, shop_id, remote_id, digest, error, utcnow())
        now_wanted = _wanted(session, shop_id, remote_id)
        if now_wanted is not None and _digest(now_wanted) != _digest(wanted):
            outbox.add(session, shop_id, ReportActivity(remote_id))
        elif wanted["status"] == "DELETED_EXTERNALLY" and error is None:
            repository.forget_activity(session, shop_id, remote_id)
    if error is not None:
        log.warning("marketing_activity_refused", shop_id=shop_id, campaign=remote_id, error=error)


def _wanted(session: Session, shop_id: ShopId, remote_id: str) -> dict[str, Any] | None:
    """The activity as Shopify should have it, every field each time: those left out are erased there."""
    campaign = repository.find_campaign(session, shop_id, remote_id)
    if campaign is None:
        told = repository.find_activity(session, shop_id, remote_id)
        return None if told is None else _activity(session, shop_id, remote_id, told.title)
    if campaign.state == "draft" and not repository.is_known(session, shop_id, remote_id):
        return None
    given = _activity(session, shop_id, remote_id, campaign.name, STATUSES[campaign.state])
    if campaign.priority == "transactional":
        given["tactic"] = "TRANSACTIONAL"
    for name, at in (
        ("scheduledStart", campaign.scheduled_at),
        ("start", campaign.started_at),
        ("end", campaign.finished_at),
    ):
        if at is not None:
            given[name] = at.astimezone(UTC).isoformat()
    return given


def _activity(
    session: Session, shop_id: ShopId, remote_id: str, title: str, status: str = "DELETED_EXTERNALLY"
) -> dict[str, Any]:
    shopify = get_settings().shopify
    origin = shopify.origin(shops.get(session, shop_id).domain)
    return {
        "remoteId": remote_id,
        "title": title,
        "remoteUrl": f"{origin}/admin/apps/{shopify.api_key}/campaigns/{remote_id}",
        "status": status,
        "tactic": "NEWSLETTER",
        "marketingChannelType": "EMAIL",
        "utm": {name.removeprefix("utm_"): value for name, value in utm_of(remote_id).items()},
    }


def report_engagements(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    *,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Tell Shopify of the days that it does not know or knows otherwise; returns how many were told."""
    with unit_of_work() as session:
        shop = shops.get(session, shop_id)
        if not allowed(shop):
            return 0
        days = _days(shop.timezone, now)
        due = _due(session, shop, days)
    if not due:
        return 0
    for remote_id in dict.fromkeys(remote_id for _campaign, remote_id, _input in due):
        report_activity(unit_of_work, shop_id, remote_id, repeated=False)
    client = tokens.admin_client(unit_of_work, shop_id)
    for number, (campaign_id, remote_id, engagement) in enumerate(due):
        progress(number, len(due))
        try:
            variables = {"remoteId": remote_id, "engagement": engagement}
            digest, error = _tell(client, "marketing_engagement_create", variables, engagement)
        except AccessDenied:
            log.info("marketing_not_allowed", shop_id=shop_id)
            return number
        with unit_of_work() as session:
            day = date.fromisoformat(engagement["occurredOn"])
            repository.record_day(session, shop_id, campaign_id, day, digest, error, utcnow())
            if error is not None:
                # Should the activity be gone at Shopify, the next report makes it anew.
                repository.doubt_activity(session, shop_id, remote_id)
        if error is not None:
            log.warning("marketing_engagement_refused", shop_id=shop_id, campaign=remote_id, error=error)
    progress(len(due), len(due))
    return len(due)


def _days(timezone: str, now: datetime) -> Days:
    """The days that are over."""
    yesterday = now.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)
    return Days(yesterday - timedelta(days=CAUGHT_UP_DAYS - 1), yesterday, timezone)


def _due(session: Session, shop: Shop, days: Days) -> list[tuple[int, str, dict[str, Any]]]:
    """What is to be told, oldest day first: campaign, its public id, the engagement."""
    shop_id = ShopId(shop.id)
    (count,) = _figures
    figures = count(session, shop_id, shop.currency, days)
    told = repository.told_days(session, shop_id, days.first)
    repeated_from = days.last - timedelta(days=REPEATED_DAYS)
    names = repository.public_ids(session, shop_id, {campaign_id for campaign_id, _day in (*figures, *told)})
    return [
        (campaign_id, names[campaign_id], engagement)
        for campaign_id, day in sorted({*figures, *told}, key=lambda key: (key[1], key[0]))
        if (campaign_id, day) not in told or day >= repeated_from
        if campaign_id in names
        for engagement in [_engagement(figures.get((campaign_id, day), Figures()), day, shop)]
        if told.get((campaign_id, day)) != _digest(engagement)
    ]


def _engagement(figures: Figures, day: date, shop: Shop) -> dict[str, Any]:
    return {
        "occurredOn": day.isoformat(),
        "utcOffset": utc_offset(day, shop.timezone),
        "sendsCount": figures.sends,
        "impressionsCount": figures.delivered,
        "viewsCount": figures.opens,
        "uniqueViewsCount": figures.people_opened,
        "clicksCount": figures.clicks,
        "uniqueClicksCount": figures.people_clicked,
        "failsCount": figures.bounces,
        "complaintsCount": figures.complaints,
        "unsubscribesCount": figures.unsubscribes,
        "orders": str(figures.orders),
        "sales": {
            "amount": str(from_minor(figures.sales_minor, shop.currency)),
            "currencyCode": shop.currency,
        },
    }


def utc_offset(day: date, timezone: str) -> str:
    """``+HH:MM`` of most of the day: at noon, which a change of the clock at night does not touch."""
    return datetime.combine(day, time(12), ZoneInfo(timezone)).isoformat()[-6:]


def _tell(
    client: AdminClient, operation: str, variables: dict[str, Any], given: dict[str, Any]
) -> tuple[str, str | None]:
    """The digest to keep and why Shopify refused it, if it did; raises what another try can mend, and AccessDenied.

    Refused input is as good as told, there is no use in repeating it; what Shopify did not execute may pass later.
    """
    try:
        client.mutate(operation, variables)
    except UserErrors as refused:
        return _digest(given), str(refused)[:500]
    except OperationRefused as refused:
        return "", str(refused)[:500]
    return _digest(given), None


def _digest(given: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()


def willing_shops(session: Session) -> Iterator[ShopId]:
    """Every installed shop that has granted the scope; needs a session that sees all shops."""
    ids: Sequence[ShopId] = shops.installed_ids(session)
    return (shop_id for shop_id in ids if allowed(shops.get(session, shop_id)))
