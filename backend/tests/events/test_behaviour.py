"""What customers did is rolled up as it is processed: the newest instants, in all and by product or campaign."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import storecast.campaigns.tasks  # noqa: F401  # provides the facts about deliveries
from storecast.customers.behaviour import KEPT
from storecast.customers.models import CustomerFacts
from storecast.events import behaviour, service
from storecast.events.behaviour import Moment
from storecast.events.models import CustomerInterest
from storecast.shops.models import Shop
from tests.factories.story import NOW, Story

PRODUCT = "gid://shopify/Product/7"


@pytest.fixture
def story(session: Session, shop: Shop) -> Story:
    return Story(session, shop)


def done(story: Story, customer_id: int) -> CustomerFacts:
    story.session.flush()
    return story.session.scalars(
        select(CustomerFacts)
        .where(CustomerFacts.customer_id == customer_id)
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
    assert story.session.scalars(select(CustomerFacts)).all() == []


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


def test_what_the_clicks_of_a_burst_had_pushed_out_comes_back(story: Story) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(), customer)
    hours = [timedelta(hours=number + 1) for number in range(KEPT)]
    for before in hours:
        story.message_event(delivery, "click", before, processed=False, link_number=1)
    service.process_message_events(story.session, story.shop_id, now=NOW)
    for links in ((1, 2), (3, 4)):
        for link in links:
            before = timedelta(minutes=10) - timedelta(milliseconds=100 * link)
            story.message_event(delivery, "click", before, processed=False, link_number=link)
        service.process_message_events(story.session, story.shop_id, now=NOW)
        kept = done(story, customer.id).clicked_at or []
        assert len(kept) == KEPT
    assert kept == [NOW - before for before in hours]
    assert interests(story) == {("clicked", str(delivery.campaign_id)): KEPT}


def test_what_a_browser_did_before_its_customer_was_known_follows(story: Story) -> None:
    customer = story.customer()
    client = uuid4().hex
    story.visit(client, days(3), name="product_viewed", product_gid=PRODUCT)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    assert done(story, customer.id).viewed_at is None
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


# Clicks close enough to be bursts now and then, and more of them than are kept.
SECONDS = st.integers(0, 40).map(lambda halves: timedelta(milliseconds=500 * halves))
HAPPENED = st.one_of(
    st.tuples(st.just("click"), st.integers(0, 1), SECONDS, st.integers(1, 9)),
    st.tuples(st.just("open"), st.integers(0, 1), SECONDS, st.just(0)),
    st.tuples(
        st.sampled_from(["product_viewed", "signed_in"]), st.integers(0, 1), SECONDS, st.integers(1, 2)
    ),
)

_RAW = text("""
    SELECT kind, subject, array_agg(at ORDER BY at DESC) AS ats FROM (
      SELECT CASE kind WHEN 'open' THEN 'opened' ELSE 'clicked' END AS kind, campaign_id::text AS subject,
             occurred_at AS at
        FROM message_events WHERE kind IN ('open', 'click') AND verdict = 'human'
      UNION ALL
      SELECT 'viewed', product_gid, least(occurred_at, received_at) FROM pixel_events
        JOIN identities USING (shop_id, client_id) WHERE name = 'product_viewed' AND customer_id IS NOT NULL
    ) AS done GROUP BY kind, subject
""")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.lists(HAPPENED, min_size=1, max_size=30), min_size=1, max_size=4))
def test_the_roll_up_is_what_the_events_say(
    session: Session, shop: Shop, batches: list[list[tuple[str, int, timedelta, int]]]
) -> None:
    """In whatever order they come, with bursts that are found late and browsers that are known late."""
    savepoint = session.begin_nested()
    try:
        story = Story(session, shop)
        customer = story.customer()
        deliveries = [story.delivery(story.campaign(), customer) for _ in range(2)]
        for batch in batches:
            for kind, which, before, number in batch:
                if kind in ("click", "open"):
                    link = number if kind == "click" else None
                    story.message_event(deliveries[which], kind, before, processed=False, link_number=link)
                    continue
                gid = customer.gid if kind == "signed_in" else None
                name, product = ("page_viewed", None) if gid else (kind, f"gid://shopify/Product/{number}")
                story.visit(f"browser{which}", before, name=name, product_gid=product, customer_gid=gid)
            service.process_message_events(session, story.shop_id, now=NOW)
            service.process_pixel_events(session, story.shop_id, now=NOW)
            by_subject: dict[tuple[str, str], list[datetime]] = {}
            in_all: dict[str, list[datetime]] = {"opened": [], "clicked": [], "viewed": []}
            for row in session.execute(_RAW):
                by_subject[row.kind, row.subject] = row.ats[:KEPT]
                in_all[row.kind] += row.ats
            kept = done(story, customer.id)
            for kind, instants in in_all.items():
                assert (getattr(kept, f"{kind}_at") or []) == sorted(instants, reverse=True)[:KEPT], kind
            rows = session.scalars(select(CustomerInterest).execution_options(populate_existing=True))
            assert {(row.kind, row.subject): row.recent_at for row in rows} == by_subject
    finally:
        savepoint.rollback()
