"""Judging and stitching on a real database."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import storecast.campaigns.tasks  # noqa: F401  # provides the facts about deliveries
from storecast.customers.models import CustomerFacts
from storecast.db.session import tenant_session
from storecast.edge import app as edge_app
from storecast.edge import pixel, tracking
from storecast.events import service
from storecast.events.jobs import ProcessEvents, TouchesRecorded, UnsubscribeRequested
from storecast.events.models import Identity, MessageEvent, PixelEvent
from storecast.events.selectables import FUNNEL_STEPS
from storecast.events.tasks import process_events
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.factories.context import Context
from tests.factories.story import NOW, Story


@pytest.fixture
def story(session: Session, shop: Shop) -> Story:
    return Story(session, shop)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def facts_of(story: Story, customer_id: int) -> CustomerFacts:
    return story.session.scalars(
        select(CustomerFacts)
        .where(CustomerFacts.customer_id == customer_id)
        .execution_options(populate_existing=True)
    ).one()


def events_of(story: Story) -> list[MessageEvent]:
    return list(
        story.session.scalars(
            select(MessageEvent).order_by(MessageEvent.occurred_at).execution_options(populate_existing=True)
        )
    )


def test_events_are_judged_and_reach_the_facts(story: Story) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(), customer)
    story.message_event(delivery, "open", minutes(50), processed=False)
    story.message_event(delivery, "click", minutes(40), processed=False, link_number=1)
    story.message_event(delivery, "open", minutes(30), processed=False, user_agent="Mozilla/5.0")
    story.message_event(delivery, "click", minutes(20), processed=False, link_number=1, user_agent=None)
    story.message_event(delivery, "open", minutes(10), processed=False, verdict="machine")

    assert service.process_message_events(story.session, story.shop_id, now=NOW) == 5
    assert [event.verdict for event in events_of(story)] == [
        "human",
        "human",
        "machine",
        "unknown",
        "machine",
    ]
    assert {event.customer_id for event in events_of(story)} == {customer.id}
    assert {event.processed_at for event in events_of(story)} == {NOW}
    known = facts_of(story, customer.id)
    assert known.last_opened_at == NOW - minutes(50)
    assert known.last_clicked_at == NOW - minutes(40)
    assert outbox.pending(story.session, TouchesRecorded) == [TouchesRecorded(customer_ids=[customer.id])]
    assert service.process_message_events(story.session, story.shop_id, now=NOW) == 0


def test_a_click_right_after_acceptance_is_a_scanners(story: Story) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(), customer, accepted_at=NOW - minutes(5))
    story.message_event(delivery, "click", minutes(5), processed=False, link_number=1)
    service.process_message_events(story.session, story.shop_id, now=NOW)
    assert [event.verdict for event in events_of(story)] == ["machine"]
    assert facts_of(story, customer.id).last_clicked_at is None
    assert outbox.pending(story.session, TouchesRecorded) == []


def test_a_burst_is_found_even_when_it_began_in_the_batch_before(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 3)
    delivery = story.delivery(story.campaign(), story.customer())
    for link in range(1, 6):
        before = minutes(10) - timedelta(milliseconds=100 * link)
        story.message_event(delivery, "click", before, processed=False, link_number=link)
    story.message_event(delivery, "click", minutes(1), processed=False, link_number=1)
    while service.process_message_events(story.session, story.shop_id, now=NOW):
        pass
    assert [event.verdict for event in events_of(story)] == ["machine"] * 5 + ["human"]


def test_an_unsubscribe_leaves_as_one_job(story: Story) -> None:
    delivery = story.delivery(story.campaign(), story.customer())
    story.message_event(delivery, "unsubscribe", minutes(2), processed=False)
    story.message_event(delivery, "unsubscribe", minutes(1), processed=False)
    service.process_message_events(story.session, story.shop_id, now=NOW)
    (job,) = outbox.pending(story.session, UnsubscribeRequested)
    assert (job.campaign_id, job.delivery_id) == (delivery.campaign_id, delivery.id)
    assert outbox.pending(story.session, TouchesRecorded) == []


def test_an_event_of_a_delivery_that_is_not_there_is_marked_and_harms_nothing(story: Story) -> None:
    delivery = story.delivery(story.campaign(), story.customer())
    story.message_event(delivery, "click", minutes(2), processed=False, delivery_id=delivery.id + 999)
    assert service.process_message_events(story.session, story.shop_id, now=NOW) == 1
    (event,) = events_of(story)
    assert (event.customer_id, event.processed_at) == (None, NOW)


def identity(story: Story, client_id: str) -> Identity:
    return story.session.scalars(
        select(Identity).where(Identity.client_id == client_id).execution_options(populate_existing=True)
    ).one()


def test_a_visit_is_stitched_to_the_recipient_of_the_click(story: Story) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(), customer)
    story.visit("browser", minutes(9))
    story.visit("browser", minutes(8), delivery=delivery)
    story.visit("browser", minutes(7))
    assert service.process_pixel_events(story.session, story.shop_id, now=NOW) == 3
    known = identity(story, "browser")
    assert (known.customer_id, known.delivery_id, known.campaign_id) == (
        customer.id, delivery.id, delivery.campaign_id,
    )  # fmt: skip
    assert (known.clicked_at, known.seen_at) == (NOW - minutes(8), NOW - minutes(7))
    assert outbox.pending(story.session, TouchesRecorded) == [TouchesRecorded(client_ids=["browser"])]
    left = story.session.scalars(select(PixelEvent).where(PixelEvent.processed_at.is_(None))).all()
    assert left == []


def test_who_signed_in_outranks_who_was_written_to_whatever_comes_first(story: Story) -> None:
    written_to, signed_in = story.customer(), story.customer()
    delivery = story.delivery(story.campaign(), written_to)
    story.visit("one", minutes(9), customer_gid=signed_in.gid)
    story.visit("two", minutes(9), delivery=delivery)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    assert identity(story, "two").customer_id == written_to.id
    story.visit("one", minutes(5), delivery=delivery)
    story.visit("two", minutes(5), customer_gid=signed_in.gid)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    assert identity(story, "one").customer_id == signed_in.id
    assert identity(story, "two").customer_id == signed_in.id
    assert identity(story, "one").delivery_id == delivery.id
    assert identity(story, "two").delivery_id == delivery.id


def test_an_older_click_that_arrives_late_does_not_replace_a_newer_one(story: Story) -> None:
    customer = story.customer()
    new, old = (story.delivery(story.campaign(), customer) for _ in range(2))
    story.visit("browser", minutes(2), delivery=new)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    story.visit("browser", minutes(60), delivery=old)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    known = identity(story, "browser")
    assert (known.delivery_id, known.clicked_at, known.seen_at) == (
        new.id,
        NOW - minutes(2),
        NOW - minutes(2),
    )


def test_a_completed_checkout_calls_for_a_new_look_at_its_order(story: Story) -> None:
    story.visit("browser", minutes(1), name="checkout_completed", order_gid="gid://shopify/Order/1")
    story.visit("other", minutes(1), name="cart_viewed")
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    assert outbox.pending(story.session, TouchesRecorded) == [TouchesRecorded(client_ids=["browser"])]


def test_touches_leave_in_jobs_of_bounded_size(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TOUCHES_PER_JOB", 2)
    delivery = story.delivery(story.campaign(), story.customer())
    for number in range(5):
        story.visit(f"b{number}", minutes(1), delivery=delivery)
    service.process_pixel_events(story.session, story.shop_id, now=NOW)
    jobs = outbox.pending(story.session, TouchesRecorded)
    assert sorted(len(job.client_ids) for job in jobs) == [1, 2, 2]


def test_the_job_drains_both_tables_and_a_second_run_finds_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        told = Story(session, shop)
        delivery = told.delivery(told.campaign(), told.customer())
        for number in range(5):
            told.message_event(delivery, "open", minutes(number + 1), processed=False)
            told.visit(f"b{number}", minutes(number + 1))
    for _ in range(2):
        process_events(ProcessEvents(), Context(shop_id))
    with tenant_session(shop_id) as session:
        assert session.scalars(select(MessageEvent).where(MessageEvent.processed_at.is_(None))).all() == []
        assert session.scalars(select(PixelEvent).where(PixelEvent.processed_at.is_(None))).all() == []
        assert len(session.scalars(select(Identity)).all()) == 5


def test_rows_that_another_run_holds_are_left_to_it(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        told = Story(session, shop)
        told.visit("browser", minutes(1))
    with tenant_session(shop_id) as first, tenant_session(shop_id) as second:
        assert service.process_pixel_events(first, shop_id, now=NOW) == 1
        assert service.process_pixel_events(second, shop_id, now=NOW) == 0


def test_the_settings_page_shows_the_pixels_last_sign_of_life(story: Story) -> None:
    assert service.pixel_panel(story.session, story.shop_id) == {
        "last_event_at": None,
        "version": None,
    }


def test_the_edge_stages_the_very_job_that_drains() -> None:
    job = ProcessEvents()
    assert f"'{job.name}', '{job.queue}'" in edge_app.PROCESS_EVENTS
    assert f"'{job.unique_key()}'" in edge_app.PROCESS_EVENTS


def test_every_step_of_the_funnel_is_an_event_that_the_edge_takes() -> None:
    assert set(FUNNEL_STEPS) <= pixel.EVENT_NAMES


def test_the_columns_of_the_edge_are_columns_of_the_tables() -> None:
    assert {name for name, _kind in pixel.COLUMNS} <= set(PixelEvent.__table__.columns.keys())
    assert {name for name, _kind in tracking.COLUMNS} <= set(MessageEvent.__table__.columns.keys())
