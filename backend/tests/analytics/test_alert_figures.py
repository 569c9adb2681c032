"""Figures of campaigns that alerts watch, over rows of the ledger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from storecast.analytics.alert_figures import MIN_MESSAGES
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.entrypoints.modules import register_jobs
from storecast.fleet import alert_metrics
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from tests.factories.story import Story

Read = Callable[..., float | None]


@pytest.fixture
def read(session: Session, shop: Shop) -> Read:
    register_jobs()

    def value(key: str, **scope: str) -> float | None:
        figure = alert_metrics.find(key, for_shop=True)
        assert figure is not None
        session.flush()
        return figure.read(session, ShopId(shop.id), scope)

    return value


@pytest.fixture
def story(session: Session, shop: Shop) -> Story:
    return Story(session, shop)


def campaign(story: Story, hours_ago: float, **columns: Any) -> Campaign:
    started_at = utcnow() - timedelta(hours=hours_ago)
    return story.campaign(started_at=started_at, frozen_at=started_at, **columns)


def send(story: Story, to: Campaign, count: int, **columns: Any) -> list[MessageDelivery]:
    """Deliveries of people who need no rows of their own."""
    rows = [
        MessageDelivery(
            **{
                "shop_id": story.shop_id,
                "campaign_id": to.id,
                "customer_id": number,
                "frozen_at": to.frozen_at,
                "state": "accepted",
                "accepted_at": to.started_at if columns.get("state", "accepted") == "accepted" else None,
                **columns,
            }
        )
        for number in range(1, count + 1)
    ]
    story.session.add_all(rows)
    story.session.flush()
    return rows


def bounce(story: Story, to: Campaign, count: int) -> None:
    rows = [
        MessageDelivery(
            shop_id=story.shop_id, campaign_id=to.id, customer_id=-number, frozen_at=to.frozen_at,
            state="failed", reason="hard_bounce",
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
    story.session.add_all(rows)
    story.session.flush()


def test_the_bounces_of_the_worst_campaign(read: Read, story: Story) -> None:
    assert read("campaign_bounce_percent") is None
    good, bad, small = campaign(story, 2), campaign(story, 3), campaign(story, 1)
    send(story, good, 100)
    taken = send(story, bad, 95)
    bounce(story, bad, 5)
    bounce(story, small, MIN_MESSAGES - 1)
    assert read("campaign_bounce_percent") == 5.0
    # One came back later; it is told twice and counted once.
    for _ in range(2):
        story.message_event(taken[0], "bounce", timedelta())
    assert read("campaign_bounce_percent") == 6.0
    assert read("campaign_bounce_percent", campaign=good.public_id) == 0.0
    assert read("campaign_bounce_percent", campaign=small.public_id) is None
    assert read("campaign_bounce_percent", campaign="cmp_unknown") is None


def test_campaigns_of_the_past_are_asked_for_by_name(read: Read, story: Story) -> None:
    old = campaign(story, 25)
    send(story, old, 90)
    bounce(story, old, 10)
    assert read("campaign_bounce_percent") is None
    assert read("campaign_bounce_percent", campaign=old.public_id) == 10.0
    # One that takes longer than a day is still watched.
    old.state = "sending"
    assert read("campaign_bounce_percent") == 10.0


def test_complaints_are_a_share_of_what_was_accepted(read: Read, story: Story) -> None:
    told = campaign(story, 2)
    taken = send(story, told, 200)
    bounce(story, told, 100)
    story.message_event(taken[0], "complaint", timedelta())
    story.message_event(taken[1], "open", timedelta())
    assert read("campaign_complaint_percent") == 0.5


def test_a_campaign_is_stuck_since_its_last_message_or_its_start(read: Read, story: Story) -> None:
    assert read("campaign_stuck_min") == 0
    campaign(story, 5, state="sent")
    moving = campaign(story, 3, state="sending")
    send(story, moving, 1, accepted_at=utcnow() - timedelta(minutes=10))
    assert read("campaign_stuck_min") == pytest.approx(10, abs=0.5)
    silent = campaign(story, 1, state="sending")
    assert read("campaign_stuck_min") == pytest.approx(60, abs=0.5)
    assert read("campaign_stuck_min", campaign=moving.public_id) == pytest.approx(10, abs=0.5)
    assert read("campaign_stuck_min", campaign=silent.public_id) == pytest.approx(60, abs=0.5)


def test_messages_of_a_day(read: Read, story: Story) -> None:
    first, second = campaign(story, 2), campaign(story, 30)
    send(story, first, 3)
    send(story, second, 4)
    assert read("messages_sent_24h") == 3
    assert read("messages_sent_24h", campaign=first.public_id) == 3
    assert read("messages_sent_24h", campaign=second.public_id) == 0


def test_figures_of_campaigns_lead_to_their_page() -> None:
    register_jobs()
    for figure in alert_metrics.list_all(for_shop=True):
        if "campaign" in figure.scopes:
            assert figure.link({"campaign": "cmp_1"}) == "/campaigns/cmp_1"
            assert figure.link({}).startswith("/campaigns")
            assert alert_metrics.find(figure.key, for_shop=False) is None
