"""Figures of the home page, the analytics page and campaign reports, through the API."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import null
from sqlalchemy.orm import Session

from storecast.analytics import repository, service
from storecast.analytics.calendar import last_days
from storecast.campaigns.models import CampaignVariant
from storecast.db.session import platform_session, tenant_session
from storecast.fleet import service as fleet
from storecast.kit.types import ShopId
from storecast.shops.models import Shop, ShopToken
from tests.conftest import id_token
from tests.factories.story import NOW, Story


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


@pytest.fixture
def story(session: Session, shop: Shop) -> Story:
    return Story(session, shop)


def test_a_period_is_whole_days_of_the_shop_even_when_clocks_change() -> None:
    after_the_change = datetime(2026, 11, 2, 4, 30, tzinfo=UTC)  # 1 November, 23:30 in New York
    period = last_days(2, now=after_the_change, timezone="America/New_York")
    assert [day.isoformat() for day in period.each_day()] == ["2026-10-31", "2026-11-01"]
    assert period.starts_at == datetime(2026, 10, 31, 4, tzinfo=UTC)
    assert period.ends_at == datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert period.before().ends_at == period.starts_at


@given(st.integers(1, 366), st.integers(0, 10 * 365 * 24))
def test_periods_touch_without_gap_or_overlap(count: int, hour: int) -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC) + hours(hour)
    period = last_days(count, now=now, timezone="America/New_York")
    assert period.before().ends_at == period.starts_at
    assert len(list(period.each_day())) == count
    assert period.starts_at <= now < period.ends_at


def test_the_overview_counts_by_the_shops_days_and_in_its_currency(story: Story) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(name="Autumn"), customer)
    story.message_event(delivery, "click", hours(3))
    ids = [
        # 17:00 in New York now: 20 hours earlier is yesterday, 16 hours earlier is one o'clock today.
        story.order(customer, hours(1), total_minor=3000).id,
        story.order(None, hours(16), total_minor=500).id,
        story.order(None, hours(20), total_minor=700, refunded_minor=200).id,
        story.order(None, days(31), total_minor=900).id,
        story.order(None, hours(2), total_minor=10_000, currency="EUR").id,
        story.order(None, hours(2), total_minor=10_000, test=True).id,
        story.order(None, hours(2), total_minor=10_000, cancelled_at=NOW).id,
    ]
    service.attribute(story.session, story.shop_id, ids)
    overview = service.overview(story.session, story.shop_id, days=30, now=NOW)
    assert (overview.currency, overview.timezone) == ("USD", "America/New_York")
    assert len(overview.revenue) == 30
    by_day = {str(day.date): (day.total_minor, day.attributed_minor, day.orders) for day in overview.revenue}
    assert by_day.pop("2026-11-21") == (3500, 3000, 2)
    assert by_day.pop("2026-11-20") == (500, 0, 1)
    assert set(by_day.values()) == {(0, 0, 0)}
    assert overview.total.amount_minor == 4000
    assert overview.attributed.amount_minor == 3000
    assert overview.share == 0.75
    assert (overview.orders, overview.aov.amount_minor) == (3, 1333)
    assert overview.previous_total.amount_minor == 900
    assert overview.previous_attributed.amount_minor == 0
    assert [(row.name, row.revenue.amount_minor, row.orders) for row in overview.by_campaign] == [
        ("Autumn", 3000, 1)
    ]
    assert (overview.model.click_days, overview.model.open_days) == (5, 1)


def test_a_shop_without_a_past_has_an_overview_of_zeroes(story: Story) -> None:
    overview = service.overview(story.session, story.shop_id, days=7, now=NOW)
    assert (overview.total.amount_minor, overview.share, overview.orders, overview.aov.amount_minor) == (
        0,
        0,
        0,
        0,
    )
    assert [step.sessions for step in overview.funnel] == [0] * 5
    assert overview.by_campaign == []


STEPS = ["page_viewed", "product_viewed", "product_added_to_cart", "checkout_started", "checkout_completed"]


def funnel(story: Story) -> list[int]:
    period = last_days(2, now=NOW, timezone="UTC")
    return repository.sessions_by_step(story.session, story.shop_id, period)


def test_the_funnel_is_closed_and_ordered(story: Story) -> None:
    for minute, name in enumerate(STEPS):
        story.visit("all the way", hours(3) - timedelta(minutes=minute), name=name)
    for minute, name in enumerate(reversed(STEPS)):
        story.visit("backwards", hours(3) - timedelta(minutes=minute), name=name)
    story.visit("only looked", hours(2), name="page_viewed")
    story.visit("skipped the page", hours(2), name="product_viewed")
    assert funnel(story) == [3, 1, 1, 1, 1]


def test_half_an_hour_of_silence_ends_a_session(story: Story) -> None:
    story.visit("browser", hours(5), name="page_viewed")
    story.visit("browser", hours(4.5), name="product_viewed")
    story.visit("browser", hours(3), name="page_viewed")
    story.visit("browser", hours(3) - timedelta(minutes=30, seconds=1), name="product_viewed")
    assert funnel(story) == [2, 1, 0, 0, 0]


def walk(events: list[tuple[str, int]]) -> list[int]:
    """Sessions that reach each step, by going through one browser's events in order."""
    counts = [0] * len(STEPS)
    ordered = sorted(events, key=lambda event: event[1])
    sessions: list[list[tuple[str, int]]] = []
    for event in ordered:
        if not sessions or event[1] - sessions[-1][-1][1] > 30:
            sessions.append([])
        sessions[-1].append(event)
    for visit in sessions:
        earliest = 0
        for step, name in enumerate(STEPS):
            instants = [minute for event, minute in visit if event == name and minute >= earliest]
            if not instants:
                break
            earliest = min(instants)
            counts[step] += 1
    return counts


@pytest.mark.parametrize("seed", range(6))
def test_sql_and_a_walk_through_the_events_count_the_same_sessions(story: Story, seed: int) -> None:
    generator = random.Random(seed)
    expected = [0] * len(STEPS)
    for browser in range(8):
        events = [(generator.choice(STEPS), generator.randrange(0, 150)) for _ in range(10)]
        for name, minute in events:
            story.visit(f"browser{browser}", hours(20) - timedelta(minutes=minute), name=name)
        expected = [one + other for one, other in zip(expected, walk(events), strict=True)]
    assert funnel(story) == expected


@pytest.fixture
def signed_in_now(shop: Shop) -> Iterator[dict[str, str]]:
    """A merchant's headers while the clock shows `NOW`."""
    with time_machine.travel(NOW):
        yield {"Authorization": f"Bearer {id_token(shop.domain)}"}


@pytest.fixture
def told(shop: Shop) -> dict[str, Any]:
    """A campaign to three people: one bought after a click, one opened, one is a machine's inbox."""
    with tenant_session(ShopId(shop.id)) as session:
        story = Story(session, shop)
        campaign = story.campaign(links=2, name="Autumn", audience_size=4)
        buyer, reader, machine, left_out = (story.customer() for _ in range(4))
        to_buyer, to_reader, to_machine = (story.delivery(campaign, who) for who in (buyer, reader, machine))
        story.delivery(campaign, left_out, state="excluded", reason="suppressed", accepted_at=None)
        story.message_event(to_buyer, "open", hours(5))
        story.message_event(to_buyer, "click", hours(4), link_number=2)
        story.message_event(to_buyer, "click", hours(3), link_number=2)
        story.message_event(to_reader, "open", hours(4))
        story.message_event(to_machine, "open", hours(4), verdict="machine")
        story.message_event(to_machine, "click", hours(4), verdict="machine", link_number=1)
        order = story.order(buyer, hours(1), total_minor=4200)
        service.attribute(session, story.shop_id, [order.id])
        return {"campaign": campaign.public_id, "buyer": buyer.public_id, "order": order.name}


def test_a_report_tells_people_from_machines_and_counts_revenue_once(
    client: TestClient, signed_in_now: dict[str, str], told: dict[str, Any]
) -> None:
    answer = client.get(f"/api/v1/campaigns/{told['campaign']}/report", headers=signed_in_now)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["counts"] == {
        "audience": 4, "pending": 0, "accepted": 3, "failed": 0, "unknown": 0, "excluded": 1,
    }  # fmt: skip
    assert report["funnel"] == [
        {"step": "sent", "people": 3},
        {"step": "delivered", "people": 3},
        {"step": "opened", "people": 2},
        {"step": "clicked", "people": 1},
        {"step": "ordered", "people": 1},
    ]
    assert report["opens"] == {"human": 2, "machine": 1, "unknown": 0, "machine_only": 1}
    assert report["clicks"] == {"human": 2, "machine": 1, "unknown": 0, "machine_only": 1}
    assert (report["orders"], report["revenue"]) == (1, {"amount_minor": 4200, "currency": "USD"})
    assert report["revenue_over_time"] == [{"at": "2026-11-21T21:00:00Z", "amount_minor": 4200}]
    links = [
        (link["number"], link["clicks"], link["people"], link["machine_clicks"]) for link in report["links"]
    ]
    assert links == [(1, 0, 0, 1), (2, 2, 1, 0)]
    assert report["exclusions"] == [{"reason": "suppressed", "count": 1}]

    row = client.get("/api/v1/campaigns", headers=signed_in_now).json()["items"][0]
    assert (row["sent"], row["opens"], row["clicks"]) == (3, 2, 1)
    assert row["revenue"] == {"amount_minor": 4200, "currency": "USD"}
    assert row["revenue_per_recipient_minor"] == 1400
    assert client.get("/api/v1/campaigns?state=draft", headers=signed_in_now).json()["items"] == []


def test_a_click_without_an_open_is_an_open_in_list_and_report_alike(
    client: TestClient, shop: Shop, signed_in_now: dict[str, str]
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        story = Story(session, shop)
        campaign = story.campaign()
        story.message_event(story.delivery(campaign, story.customer()), "click", hours(3), link_number=1)

    report = client.get(f"/api/v1/campaigns/{campaign.public_id}/report", headers=signed_in_now).json()
    row = client.get("/api/v1/campaigns", headers=signed_in_now).json()["items"][0]

    people = {step["step"]: step["people"] for step in report["funnel"]}
    assert (people["opened"], people["clicked"]) == (row["opens"], row["clicks"]) == (1, 1)
    assert report["opens"] == {"human": 0, "machine": 0, "unknown": 0, "machine_only": 0}


def test_recipients_come_with_their_whole_story(
    client: TestClient, signed_in_now: dict[str, str], told: dict[str, Any]
) -> None:
    address = f"/api/v1/campaigns/{told['campaign']}/recipients"
    items = client.get(address, headers=signed_in_now).json()["items"]
    assert len(items) == 4
    (buyer,) = [item for item in items if item["customer"]["id"] == told["buyer"]]
    assert [event["kind"] for event in buyer["events"]] == ["open", "click", "click"]
    assert buyer["events"][1]["url"] == "https://acme.example/2"
    assert buyer["order"] == {"name": told["order"], "revenue": {"amount_minor": 4200, "currency": "USD"}}
    excluded = client.get(address, params={"state": "excluded"}, headers=signed_in_now).json()["items"]
    assert [item["reason"] for item in excluded] == ["suppressed"]

    timeline = client.get(f"/api/v1/customers/{told['buyer']}", headers=signed_in_now).json()["timeline"]
    assert {entry["kind"] for entry in timeline} >= {"open", "click", "order"}


def test_a_campaign_that_is_not_there_has_no_report(client: TestClient, signed_in: dict[str, str]) -> None:
    for path in ("report", "recipients"):
        answer = client.get(f"/api/v1/campaigns/cmp_nope/{path}", headers=signed_in)
        assert (answer.status_code, answer.json()["code"]) == (404, "campaign_unknown")


@pytest.mark.parametrize("days_asked", ["0", "367", "many"])
def test_a_period_that_makes_no_sense_is_refused(
    client: TestClient, signed_in: dict[str, str], days_asked: str
) -> None:
    answer = client.get("/api/v1/analytics/overview", params={"days": days_asked}, headers=signed_in)
    assert answer.status_code == 422


def test_home_of_a_new_shop_says_what_to_do(client: TestClient, signed_in: dict[str, str]) -> None:
    home = client.get("/api/v1/home", headers=signed_in).json()
    assert {step["key"]: step["done"] for step in home["checklist"]} == {
        "install": True, "sync": False, "sender": False, "pixel": False, "segment": False, "campaign": False,
    }  # fmt: skip
    needs = {need["code"]: need["severity"] for need in home["needs"]}
    assert needs == {"scopes_missing": "warning", "sender_missing": "warning", "pixel_inactive": "info"}
    assert home["earned"]["attributed"] == {"amount_minor": 0, "currency": "USD"}
    assert home["totals"]["revenue"] == {"amount_minor": 0, "currency": "USD"}
    assert len(home["growth"]) == 30
    assert home["sync"] is None
    assert home["recent_campaigns"] == []


def test_a_lost_token_is_the_first_thing_that_home_says(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    with platform_session() as session:
        row = session.get(ShopToken, shop.id)
        assert row is not None
        row.state = "reauthorize"
    needs = client.get("/api/v1/home", headers=signed_in).json()["needs"]
    assert needs[0] == {"code": "token_invalid", "severity": "critical", "facts": {"state": "reauthorize"}}


def test_home_shows_what_campaigns_earned_and_what_waits(
    client: TestClient, signed_in_now: dict[str, str], told: dict[str, Any], shop: Shop
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        story = Story(session, shop)
        story.campaign(state="paused", name="Held")
        story.order(None, days(45), total_minor=100)
        story.customer(shopify_created_at=NOW - days(2))
    worker = fleet.Beat(name="w1", kind="worker", host="h", pid=1, started_at=NOW - days(1))
    with platform_session() as session:
        fleet.beat(session, worker, now=NOW - days(1))
    home = client.get("/api/v1/home", headers=signed_in_now).json()
    assert home["earned"] == {
        "days": 30,
        "attributed": {"amount_minor": 4200, "currency": "USD"},
        "previous": {"amount_minor": 0, "currency": "USD"},
        "store_total": {"amount_minor": 4200, "currency": "USD"},
        "messages_sent": 3,
    }
    assert home["totals"]["customers"] == 5
    assert home["totals"]["orders"] == 2
    assert home["totals"]["revenue"]["amount_minor"] == 4300
    assert home["totals"]["subscribed"] == 5
    codes = [need["code"] for need in home["needs"]]
    assert {"campaign_paused", "workers_lost"} <= set(codes)
    assert [row["name"] for row in home["recent_campaigns"]] == ["Held", "Autumn"]
    assert [point["customers"] for point in home["growth"]][-4:] == [4, 5, 5, 5]
    assert {step["key"]: step["done"] for step in home["checklist"]}["campaign"] is True


def test_a_report_tells_the_versions_apart_by_what_people_did(
    story: Story, client: TestClient, signed_in: dict[str, str]
) -> None:
    campaign = story.campaign(subject="Own", from_name="Acme")
    for number, columns in ((1, {"subject": "Second"}), (5, {"locale": "de", "from_name": "Das Acme"})):
        story.session.add(
            CampaignVariant(shop_id=story.shop_id, campaign_id=campaign.id, number=number, **columns)
        )
    for variant, kinds in (
        (0, ("open", "click")),
        (0, ()),
        (1, ("bounce",)),
        (1, ("machine",)),
        (5, ("click", "unsubscribe")),
    ):
        delivery = story.delivery(campaign, customer := story.customer(), variant=variant)
        for kind in kinds:
            machine = kind == "machine"
            story.message_event(
                delivery, "open" if machine else kind, hours(3), verdict="machine" if machine else "human"
            )
        if "click" in kinds:
            orders = [story.order(customer, hours(n), total_minor=1_000).id for n in (1, 2)]
            service.attribute(story.session, story.shop_id, orders)
    story.delivery(campaign, story.customer(), variant=1, state="failed", accepted_at=None)
    story.delivery(campaign, story.customer(), variant=null(), state="pending", accepted_at=None)
    story.delivery(campaign, story.customer(), variant=0, state="excluded", accepted_at=None)
    plain = story.campaign()
    story.session.commit()

    path = f"/api/v1/campaigns/{campaign.public_id}/report"
    names = (
        "number", "locale", "subject", "from_name", "recipients", "sent", "delivered", "opened", "clicked",
        "only_machine_opened", "ordered", "orders", "unsubscribed", "bounced", "complained",
    )  # fmt: skip
    rows = client.get(f"{path}/versions", headers=signed_in).json()
    assert [tuple(row[name] for name in names) for row in rows] == [
        (0, None, "Own", "Acme", 2, 2, 2, 1, 1, 0, 1, 2, 0, 0, 0),
        (1, None, "Second", "Acme", 3, 2, 1, 0, 0, 1, 0, 0, 0, 1, 0),
        (5, "de", "Own", "Das Acme", 1, 1, 1, 1, 1, 0, 1, 2, 1, 0, 0),
    ]
    assert [row["revenue"]["amount_minor"] for row in rows] == [2_000, 0, 2_000]
    lines = client.get(f"{path}/export", headers=signed_in).text.splitlines()
    assert {"version,A,clicked,1", "version,B,bounced,1", "version,de,revenue,20.0"} <= set(lines)
    assert client.get(f"/api/v1/campaigns/{plain.public_id}/report/versions", headers=signed_in).json() == []
