"""What customers did is rolled up as it is processed: the newest instants, in all and by product or campaign."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import storecast.campaigns.tasks  # noqa: F401  # provides the facts about deliveries
from storecast.events import behaviour, service
from storecast.events.behaviour import KEPT, Moment
from storecast.events.models import CustomerBehaviour, CustomerInterest
from storecast.shops.models import Shop
from tests.factories.story import NOW, Story

PRODUCT = "gid://shopify/Product/7"


@pytest.fixture
def story(session: Session, shop: Shop) -> Story:
    return Story(session, shop)


def done(story: Story, customer_id: int) -> CustomerBehaviour:
    story.session.flush()
    return story.session.scalars(
        select(CustomerBehaviour)
        .where(CustomerBehaviour.customer_id == customer_id)
        .execution_options(populate_existing=True)
    ).one()


def interests(story: Story) -> dict[tuple[str, str], int]:
    """How many instants are kept by kind and subject."""
    story.session.flush()
    rows = story.session.scalars(select(CustomerInterest).execution_options(populate_existing=True)).all()
    return {(row.kind, row.subject): len(row.recent_at) for row in rows}


def days(count: int) -> timedelta:
    return timedelta(days=count)


def test_the_newest_are_kept_in_order_whatever_order_they_come_in(story: Story) -> None:
    customer = story.customer()
    instants = [NOW - days(number) for number in range(KEPT + 5)]
    for at in (*instants[::2], *instants[1::2]):
        behaviour.record(story.session, story.shop_id, [Moment(customer.id, "viewed", at, PRODUCT)])
    kept = done(story, customer.id)
    assert kept.viewed_at == instants[:KEPT]
    assert (kept.opened_at, kept.added_to_cart_at) == (None, None)
    assert interests(story) == {("viewed", PRODUCT): KEPT}


def test_somebody_who_is_gone_is_not_given_a_row(story: Story) -> None:
    behaviour.record(story.session, story.shop_id, [Moment(2**40, "opened", NOW, "1")])
    assert story.session.scalars(select(CustomerBehaviour)).all() == []


def test_opens_and_clicks_of_people_count_and_those_of_machines_do_not(story: Story) -> None:
    customer = story.customer()
    campaign = story.campaign()
    delivery = story.delivery(campaign, customer)
    story.message_event(delivery, "open", days(1), processed=False)
    story.message_event(delivery, "open", days(1), processed=False, verdict="machine")
    story.message_event(delivery, "click", timedelta(hours=20), processed=False, link_number=1)
    service.process_message_events(story.session, story.shop_id, now=NOW)
    kept = done(story, customer.id)
    assert kept.opened_at == [NOW - days(1)]
    assert kept.clicked_at == [NOW - timedelta(hours=20)]
    assert interests(story) == {("opened", str(campaign.id)): 1, ("clicked", str(campaign.id)): 1}


def test_clicks_that_turn_out_to_be_a_burst_are_taken_out_again(story: Story) -> None:
    customer = story.customer()
    campaign = story.campaign()
    delivery = story.delivery(campaign, customer)

    def click(*links: int) -> None:
        for link in links:
            before = timedelta(minutes=10) - timedelta(milliseconds=100 * link)
            story.message_event(delivery, "click", before, processed=False, link_number=link)
        service.process_message_events(story.session, story.shop_id, now=NOW)

    click(1, 2)
    assert len(done(story, customer.id).clicked_at or []) == 2
    assert interests(story) == {("clicked", str(campaign.id)): 2}
    click(3, 4)
    assert done(story, customer.id).clicked_at is None
    assert interests(story) == {}


def test_what_a_browser_did_before_its_customer_was_known_follows(story: Story) -> None:
    customer = story.customer()
    client = uuid4().hex
    story.visit(client, days(3), name="product_viewed", product_gid=PRODUCT)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    assert story.session.scalars(select(CustomerBehaviour)).all() == []
    for before, name in ((2, "product_added_to_cart"), (1, "checkout_started")):
        product = PRODUCT if before == 2 else None
        story.visit(client, days(before), name=name, product_gid=product, customer_gid=customer.gid)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    story.visit(client, timedelta(hours=1), name="product_viewed", product_gid=PRODUCT)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    kept = done(story, customer.id)
    assert kept.viewed_at == [NOW - timedelta(hours=1), NOW - days(3)]
    assert (kept.added_to_cart_at, kept.started_checkout_at) == ([NOW - days(2)], [NOW - days(1)])
    assert interests(story) == {("viewed", PRODUCT): 2, ("added_to_cart", PRODUCT): 1}
