"""What Shopify's Marketing pages hear of campaigns: their state, and each day's figures, once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from storecast.campaigns import drafts, marketing
from storecast.campaigns.jobs import ReportActivity
from storecast.campaigns.models import Campaign, MarketingActivity, MarketingReport
from storecast.db.session import tenant_session
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.simulated_shopify import SimulatedShopify, Worker
from tests.sync.conftest import installed, shopify, worker

__all__ = ["installed", "shopify", "worker"]

SCOPES = ["read_customers", "write_customers", "read_orders", "read_products", "write_marketing_events"]
TIMEZONE = "America/New_York"
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 11, 10, tzinfo=UTC)


@pytest.fixture
def shop_id(shopify: SimulatedShopify, worker: Worker, installed: ShopId) -> ShopId:
    """A synchronised shop that lets us write marketing events."""
    worker.run_until_idle()
    grant(shopify, installed, SCOPES)
    return installed


def grant(shopify: SimulatedShopify, shop_id: ShopId, scopes: list[str]) -> None:
    shopify.control("scopes", scopes=scopes)
    with tenant_session(shop_id) as session:
        values = {"scopes": scopes, "timezone": TIMEZONE}
        session.execute(update(Shop).where(Shop.id == shop_id).values(**values))


@pytest.fixture
def campaign(shop_id: ShopId) -> Campaign:
    return add_campaign(shop_id)


def add_campaign(shop_id: ShopId) -> Campaign:
    with tenant_session(shop_id) as session:
        return drafts.create(session, shop_id, name="Sale", template_key=None, actor="user:7")


def move(campaign: Campaign, state: str, **values: Any) -> None:
    """Change the state as the service does: announced in the commit that changes it."""
    with tenant_session(ShopId(campaign.shop_id)) as session:
        row = session.get_one(Campaign, campaign.id)
        row.state = state
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        marketing.announce(session, row)


def at_shopify(shopify: SimulatedShopify, kind: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{shopify.origin}/control/documents", params={"kind": kind}, timeout=10)
    return list(answer.json())


def activity(shopify: SimulatedShopify) -> dict[str, Any]:
    (found,) = at_shopify(shopify, "MarketingActivity")
    return found


def test_a_campaign_tells_what_it_is_at_each_change(
    shopify: SimulatedShopify, worker: Worker, campaign: Campaign
) -> None:
    worker.run_until_idle()
    assert at_shopify(shopify, "MarketingActivity") == []
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)
    seen = []
    for state in ("scheduled", "draft", "scheduled", "sending", "paused", "sending", "sent"):
        move(campaign, state, scheduled_at=start)
        worker.run_until_idle()
        seen.append(activity(shopify)["status"])
    assert seen == ["SCHEDULED", "INACTIVE", "SCHEDULED", "ACTIVE", "PAUSED", "ACTIVE", "INACTIVE"]
    told = activity(shopify)
    assert (told["key"], told["title"], told["tactic"], told["marketingChannelType"]) == (
        campaign.public_id, "Sale", "NEWSLETTER", "EMAIL",
    )  # fmt: skip
    assert told["utmParameters"] == {"source": "storecast", "medium": "email", "campaign": campaign.public_id}
    assert told["marketingEvent"]["manageUrl"].endswith(f"/campaigns/{campaign.public_id}")
    assert told["reports"] == len(seen)


def test_changes_coalesce_and_what_was_told_is_not_told_again(
    shopify: SimulatedShopify, worker: Worker, campaign: Campaign
) -> None:
    for state in ("scheduled", "sending", "paused"):
        move(campaign, state)
    with tenant_session(ShopId(campaign.shop_id)) as session:
        assert outbox.pending(session, ReportActivity) == [ReportActivity(campaign.public_id)]
    worker.run_until_idle()
    move(campaign, "paused")
    worker.run_until_idle()
    assert (activity(shopify)["status"], activity(shopify)["reports"]) == ("PAUSED", 1)


def test_the_newest_state_wins_over_a_call_that_was_overtaken(
    shopify: SimulatedShopify, worker: Worker, campaign: Campaign
) -> None:
    """The campaign is paused, and that is told, while "active" is still on its way."""
    shop_id = ShopId(campaign.shop_id)
    move(campaign, "sending")
    with tenant_session(shop_id) as session:
        session.execute(text("DELETE FROM outbox"))
    begun = 0

    def overtaken() -> AbstractContextManager[Session]:
        nonlocal begun
        begun += 1
        if begun == 2:
            # After the claim, before the call.
            move(campaign, "paused")
            worker.run_until_idle()
        return tenant_session(shop_id)

    marketing.report_activity(overtaken, shop_id, campaign.public_id, repeated=False)
    assert activity(shopify)["status"] == "ACTIVE"
    worker.run_until_idle()
    assert activity(shopify)["status"] == "PAUSED"


def test_a_draft_that_shopify_knows_is_taken_back_when_it_is_deleted(
    shopify: SimulatedShopify, worker: Worker, campaign: Campaign
) -> None:
    shop_id = ShopId(campaign.shop_id)
    move(campaign, "scheduled")
    worker.run_until_idle()
    move(campaign, "draft")
    with tenant_session(shop_id) as session:
        drafts.remove(session, shop_id, campaign.public_id, actor="user:7")
    worker.run_until_idle()
    assert activity(shopify)["status"] == "DELETED_EXTERNALLY"
    with tenant_session(shop_id) as session:
        assert session.scalars(select(MarketingActivity)).all() == []


def test_without_the_scope_nothing_happens(
    shopify: SimulatedShopify, worker: Worker, campaign: Campaign
) -> None:
    shop_id = ShopId(campaign.shop_id)
    grant(shopify, shop_id, ["read_customers"])
    move(campaign, "sending")
    with tenant_session(shop_id) as session:
        assert outbox.pending(session, ReportActivity) == []
        assert list(marketing.willing_shops(session)) == []
        fill(session, campaign, TODAY - timedelta(days=1))
    assert report(shop_id) == 0
    assert at_shopify(shopify, "MarketingActivity") == []


def local(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(TIMEZONE))


def fill(session: Session, campaign: Campaign, day: date, *, opens: int = 2) -> None:
    """Four messages late on the day, one of which bounces; opens by people and one by a machine; a click; an order."""
    at = local(day, 23)
    deliveries = session.scalars(
        text("""
        INSERT INTO message_deliveries (shop_id, campaign_id, customer_id, frozen_at, email, state, accepted_at)
        SELECT :shop, :campaign, :first + n, :at, 'x@example.com', 'accepted', :at FROM generate_series(1, 4) AS n
        RETURNING id
        """),
        {
            "shop": campaign.shop_id,
            "campaign": campaign.id,
            "at": at,
            "first": campaign.id * 1000 + day.toordinal() * 10,
        },
    ).all()
    events = [("bounce", "unknown", 0), ("click", "human", 1), ("unsubscribe", "human", 1)]
    events += [("open", "human", 1)] * opens + [("open", "machine", 2)]
    for kind, verdict, number in events:
        session.execute(
            text("""
            INSERT INTO message_events (shop_id, id, occurred_at, kind, campaign_id, delivery_id, verdict, processed_at)
            VALUES (:shop, :id, :at, :kind, :campaign, :delivery, :verdict, now())
            """),
            {
                "shop": campaign.shop_id, "id": uuid7(), "at": at, "kind": kind, "campaign": campaign.id,
                "delivery": deliveries[number], "verdict": verdict,
            },
        )  # fmt: skip
    currency = session.scalar(select(Shop.currency).where(Shop.id == campaign.shop_id))
    session.execute(
        text("""
        INSERT INTO attributions (shop_id, order_id, model, campaign_id, delivery_id, kind, touch_at, ordered_at,
                                  amount_minor, currency)
        VALUES (:shop, :order, 'last_touch', :campaign, :delivery, 'click', :at, :at, 2599, :currency)
        """),
        {
            "shop": campaign.shop_id, "order": deliveries[0], "campaign": campaign.id, "delivery": deliveries[1],
            "at": at, "currency": currency,
        },
    )  # fmt: skip


def report(shop_id: ShopId, now: datetime = NOW) -> int:
    return marketing.report_engagements(lambda: tenant_session(shop_id), shop_id, now=now)


@pytest.fixture
def add_day(campaign: Campaign) -> Callable[..., None]:
    def add(day: date, **options: Any) -> None:
        with tenant_session(ShopId(campaign.shop_id)) as session:
            fill(session, campaign, day, **options)

    return add


def test_a_day_is_told_once_by_the_shops_calendar(
    shopify: SimulatedShopify, shop_id: ShopId, campaign: Campaign, add_day: Callable[..., None]
) -> None:
    move(campaign, "sent")
    yesterday = TODAY - timedelta(days=1)
    add_day(yesterday)
    add_day(TODAY)

    assert report(shop_id) == 1

    (told,) = at_shopify(shopify, "MarketingEngagement")
    assert told.pop("key") == f"{campaign.public_id}:2026-11-19"
    assert told.pop("marketingActivity") is None
    assert told.pop("sales")["amount"] == "25.99"
    assert {name: value for name, value in told.items() if value is not None} == {
        "occurredOn": "2026-11-19",
        "utcOffset": "-05:00",
        "isCumulative": False,
        "sendsCount": 4,
        "impressionsCount": 3,
        "viewsCount": 2,
        "uniqueViewsCount": 1,
        "clicksCount": 1,
        "uniqueClicksCount": 1,
        "failsCount": 1,
        "complaintsCount": 0,
        "unsubscribesCount": 1,
        "orders": "1",
    }
    assert activity(shopify)["key"] == campaign.public_id
    assert report(shop_id) == 0
    assert report(shop_id, NOW + timedelta(days=1)) == 1


def test_the_last_days_are_told_again_when_they_changed_and_older_ones_are_not(
    shopify: SimulatedShopify, shop_id: ShopId, campaign: Campaign, add_day: Callable[..., None]
) -> None:
    move(campaign, "sent")
    recent, older, oldest = (TODAY - timedelta(days=days) for days in (4, 5, 31))
    for day in (recent, older, oldest):
        add_day(day)
    assert report(shop_id) == 2
    with tenant_session(shop_id) as session:
        session.execute(text("UPDATE attributions SET amount_minor = 100"))
    assert report(shop_id) == 1
    sales = {
        each["occurredOn"]: each["sales"]["amount"] for each in at_shopify(shopify, "MarketingEngagement")
    }
    assert sales == {recent.isoformat(): "1.00", older.isoformat(): "25.99"}


def test_a_report_whose_record_was_lost_is_made_again_harmlessly(
    shopify: SimulatedShopify, shop_id: ShopId, campaign: Campaign, add_day: Callable[..., None]
) -> None:
    move(campaign, "sent")
    add_day(TODAY - timedelta(days=1))
    assert report(shop_id) == 1
    before = at_shopify(shopify, "MarketingEngagement")
    with tenant_session(shop_id) as session:
        session.execute(text("DELETE FROM marketing_reports"))
    assert report(shop_id) == 1
    assert at_shopify(shopify, "MarketingEngagement") == before


def test_a_refusal_is_kept_and_told_again_only_with_other_figures(
    shopify: SimulatedShopify,
    worker: Worker,
    shop_id: ShopId,
    campaign: Campaign,
    add_day: Callable[..., None],
) -> None:
    move(campaign, "sent")
    worker.run_until_idle()
    (known,) = at_shopify(shopify, "MarketingActivity")
    shopify.control(
        "documents", kind="MarketingActivity", key=campaign.public_id,
        body={**known, "refuses": "INVALID_MARKETING_ENGAGEMENT_ARGUMENTS"},
    )  # fmt: skip
    add_day(TODAY - timedelta(days=1))
    assert report(shop_id) == 1
    with tenant_session(shop_id) as session:
        assert "refused" in str(session.scalars(select(MarketingReport.error)).one())
    assert report(shop_id) == 0
    assert at_shopify(shopify, "MarketingEngagement") == []


@pytest.mark.parametrize(
    ("day", "timezone", "offset"),
    [
        (date(2026, 7, 1), "America/New_York", "-04:00"),
        (date(2026, 11, 1), "America/New_York", "-05:00"),
        (date(2026, 1, 1), "Asia/Kolkata", "+05:30"),
        (date(2026, 1, 1), "UTC", "+00:00"),
    ],
)
def test_the_offset_is_that_of_the_day(day: date, timezone: str, offset: str) -> None:
    assert marketing.utc_offset(day, timezone) == offset
