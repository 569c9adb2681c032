"""Which message an order is credited to."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.analytics import attribution, report, service
from storecast.analytics.models import Attribution
from storecast.analytics.tasks import attribute_after_touches, attribute_order
from storecast.campaigns.models import Campaign, DiscountCode, DiscountSet, MessageDelivery
from storecast.db.session import tenant_session
from storecast.events.jobs import TouchesRecorded
from storecast.events.models import PixelEvent
from storecast.kit.types import ShopId
from storecast.orders.jobs import OrderRecorded
from storecast.orders.models import Order
from storecast.shops.models import Shop
from tests.factories.context import Context
from tests.factories.story import NOW, Story


@pytest.fixture
def story(session: Session, shop: Shop) -> Story:
    return Story(session, shop)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def credit_of(story: Story, order: Order) -> Attribution | None:
    service.attribute(story.session, story.shop_id, [order.id])
    story.session.flush()
    return story.session.scalar(
        select(Attribution).where(Attribution.order_id == order.id).execution_options(populate_existing=True)
    )


def test_a_click_before_the_order_earns_it(story: Story) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(), customer)
    story.message_event(delivery, "click", hours(5))
    order = story.order(customer, hours(1), total_minor=4200)
    credit = credit_of(story, order)
    assert credit is not None
    assert (credit.campaign_id, credit.delivery_id, credit.customer_id) == (
        delivery.campaign_id, delivery.id, customer.id,
    )  # fmt: skip
    assert (credit.kind, credit.touch_at, credit.ordered_at) == ("click", NOW - hours(5), NOW - hours(1))
    assert (credit.amount_minor, credit.currency, credit.model) == (4200, "USD", "last_touch")


def coded(story: Story, delivery: MessageDelivery, code: str, before: timedelta) -> None:
    number = story.session.query(DiscountSet).count() + 1
    discount = DiscountSet(
        shop_id=story.shop_id, public_id=f"dsc_{number}", title="Ten off", percent_hundredths=1000, currency="USD",
        starts_at=NOW, once_per_customer=True, total=1, state="done",
    )  # fmt: skip
    story.session.add(discount)
    story.session.flush()
    story.session.add(
        DiscountCode(
            shop_id=story.shop_id,
            discount_set_id=discount.id,
            line=0,
            code=code,
            state="live",
            campaign_id=delivery.campaign_id,
            delivery_id=delivery.id,
            leased_at=NOW - before,
        )
    )
    story.session.flush()


def test_a_redeemed_code_outranks_every_click_and_knows_no_window(story: Story) -> None:
    customer = story.customer()
    clicked = story.delivery(story.campaign(), customer)
    held = story.delivery(story.campaign(), story.customer())
    story.message_event(clicked, "click", hours(2))
    coded(story, held, "HI-2345", days(90))
    # Shopify keeps the code as the buyer wrote it.
    order = story.order(customer, hours(1), discount_codes=["hi-2345", "OTHER"], total_minor=900)
    credit = credit_of(story, order)
    assert credit is not None
    assert (credit.kind, credit.delivery_id, credit.campaign_id) == ("code", held.id, held.campaign_id)
    assert (credit.touch_at, credit.amount_minor) == (NOW - days(90), 900)
    found = report.read(
        story.session, story.shop_id, story.session.get_one(Campaign, held.campaign_id).public_id
    )
    assert found.codes is None


def test_a_code_leased_after_the_order_or_to_another_shop_proves_nothing(
    story: Story, other_shop: Shop
) -> None:
    held = story.delivery(story.campaign(), story.customer())
    coded(story, held, "HI-2345", hours(1))
    assert credit_of(story, story.order(None, hours(2), discount_codes=["HI-2345"])) is None
    assert credit_of(story, story.order(None, hours(0), discount_codes=["HI-2346"])) is None


def test_the_report_counts_codes_that_went_out_and_came_back(story: Story) -> None:
    campaign = story.campaign()
    deliveries = [story.delivery(campaign, story.customer()) for _ in range(3)]
    for number, delivery in enumerate(deliveries):
        coded(story, delivery, f"HI-{number}", days(1))
    campaign.discount_set_id = story.session.query(DiscountSet).order_by(DiscountSet.id).first().id  # type: ignore[union-attr]
    orders = [
        story.order(None, hours(1), discount_codes=["HI-0"], total_minor=500),
        story.order(None, hours(1), discount_codes=["HI-2"], total_minor=700),
        story.order(None, hours(1), discount_codes=["HI-2"], total_minor=9000, test=True),
    ]
    service.attribute(story.session, story.shop_id, [order.id for order in orders])
    codes = report.read(story.session, story.shop_id, campaign.public_id).codes
    assert codes is not None
    assert (codes.title, codes.sent, codes.redeemed, codes.revenue.amount_minor) == ("Ten off", 3, 2, 1200)


@pytest.mark.parametrize(
    ("kind", "before_order", "credited"),
    [
        ("click", days(5), True),
        ("click", days(5) + timedelta(seconds=1), False),
        ("open", days(1), True),
        ("open", days(1) + timedelta(seconds=1), False),
        ("click", timedelta(0), True),
        # Shopify cuts an order's instant to the second: a click of the same second came before it.
        ("click", timedelta(seconds=-0.999), True),
        ("click", timedelta(seconds=-1), False),
        ("unsubscribe", hours(1), False),
    ],
)
def test_a_touch_counts_inside_its_window(
    story: Story, kind: str, before_order: timedelta, credited: bool
) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(), customer)
    story.message_event(delivery, kind, hours(10) + before_order)
    assert (credit_of(story, story.order(customer, hours(10))) is not None) == credited


def test_the_windows_are_the_shops(story: Story, shop: Shop) -> None:
    customer = story.customer()
    story.message_event(story.delivery(story.campaign(), customer), "open", days(3))
    order = story.order(customer, hours(1))
    assert credit_of(story, order) is None
    row = story.session.get(Shop, shop.id)
    assert row is not None
    row.open_window_days = 3
    story.session.flush()
    assert credit_of(story, order) is not None


@pytest.mark.parametrize("verdict", ["machine", "unknown"])
def test_machines_earn_nothing(story: Story, verdict: str) -> None:
    customer = story.customer()
    delivery = story.delivery(story.campaign(), customer)
    story.message_event(delivery, "click", hours(5), verdict=verdict)
    story.message_event(delivery, "open", hours(4), verdict=verdict)
    assert credit_of(story, story.order(customer, hours(1))) is None


def test_the_last_touch_wins_and_a_click_beats_an_open_of_the_same_instant(story: Story) -> None:
    customer = story.customer()
    first, second, third = (story.delivery(story.campaign(), customer) for _ in range(3))
    story.message_event(first, "click", hours(20))
    story.message_event(second, "open", hours(10))
    order = story.order(customer, hours(1))
    credit = credit_of(story, order)
    assert credit is not None
    assert (credit.delivery_id, credit.kind) == (second.id, "open")
    story.message_event(third, "click", hours(10))
    credit = credit_of(story, order)
    assert credit is not None
    assert (credit.delivery_id, credit.kind) == (third.id, "click")


def test_the_orders_own_browser_is_stronger_evidence_than_its_customer(story: Story) -> None:
    customer = story.customer()
    by_browser, by_customer = (story.delivery(story.campaign(), customer) for _ in range(2))
    story.visit("browser", hours(30), delivery=by_browser)
    story.message_event(by_customer, "click", hours(2))
    order = story.order(customer, hours(1))
    credit = credit_of(story, order)
    assert credit is not None
    assert credit.delivery_id == by_customer.id
    # The checkout says which browser the order came from.
    story.visit("browser", hours(1), name="checkout_completed", order_gid=order.gid)
    credit = credit_of(story, order)
    assert credit is not None
    assert (credit.delivery_id, credit.kind, credit.touch_at) == (by_browser.id, "click", NOW - hours(30))


@pytest.mark.parametrize("link", ["order_gid", "checkout_token", "client_id"])
def test_an_order_is_tied_to_its_browser_by_any_of_three(story: Story, link: str) -> None:
    delivery = story.delivery(story.campaign(), story.customer())
    story.visit("browser", hours(5), delivery=delivery)
    guest = story.order(
        None, hours(1), checkout_token="chk", client_id="browser" if link == "client_id" else None
    )
    if link == "order_gid":
        story.visit("browser", hours(1), name="checkout_completed", order_gid=guest.gid)
    if link == "checkout_token":
        story.visit("browser", hours(1), name="checkout_completed", checkout_token="chk")
    credit = credit_of(story, guest)
    assert credit is not None
    assert credit.delivery_id == delivery.id


def test_a_fast_clock_of_the_visitor_loses_no_credit(story: Story) -> None:
    delivery = story.delivery(story.campaign(), story.customer())
    # Four minutes ahead: the visit seems to come after the order that it led to.
    arrived = NOW - hours(1) - timedelta(minutes=2)
    story.visit("browser", hours(1) - timedelta(minutes=2), delivery=delivery, received_at=arrived)
    order = story.order(None, hours(1), client_id="browser")
    credit = credit_of(story, order)
    assert credit is not None
    assert credit.touch_at == arrived


@pytest.mark.parametrize(
    "columns", [{"test": True}, {"cancelled_at": NOW}], ids=["test order", "cancelled order"]
)
def test_an_order_that_does_not_count_loses_its_credit(story: Story, columns: dict[str, Any]) -> None:
    customer = story.customer()
    story.message_event(story.delivery(story.campaign(), customer), "click", hours(5))
    order = story.order(customer, hours(1))
    assert credit_of(story, order) is not None
    for name, value in columns.items():
        setattr(order, name, value)
    story.session.flush()
    assert credit_of(story, order) is None


def test_a_refund_lowers_the_credit_and_never_below_nothing(story: Story) -> None:
    customer = story.customer()
    story.message_event(story.delivery(story.campaign(), customer), "click", hours(5))
    order = story.order(customer, hours(1), total_minor=1000)
    for refunded, left in ((400, 600), (1000, 0), (1200, 0)):
        order.refunded_minor = refunded
        story.session.flush()
        credit = credit_of(story, order)
        assert credit is not None
        assert credit.amount_minor == left


def test_a_late_touch_finds_the_orders_that_it_could_change(story: Story) -> None:
    customer, other = story.customer(), story.customer()
    recent = story.order(customer, hours(1))
    guest = story.order(None, hours(1), checkout_token="chk")
    story.order(customer, days(40))
    story.order(other, hours(1))
    story.visit("browser", hours(1), name="checkout_completed", checkout_token="chk")

    def affected(**people: Any) -> list[int]:
        return attribution.find_affected_orders(
            story.session,
            story.shop_id,
            **{"customer_ids": [], "client_ids": [], "since": NOW - days(14), **people},
        )

    assert affected(customer_ids=[customer.id]) == [recent.id]
    assert affected(client_ids=["browser"]) == [guest.id]
    assert affected() == []


@time_machine.travel(NOW, tick=False)
def test_the_jobs_credit_an_order_now_and_again_when_the_click_comes_late(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    context = Context(shop_id)
    with tenant_session(shop_id) as session:
        told = Story(session, shop)
        customer = told.customer()
        delivery = told.delivery(told.campaign(), customer)
        order = told.order(customer, hours(1))
    attribute_order(OrderRecorded(order.id), context)
    with tenant_session(shop_id) as session:
        assert session.scalars(select(Attribution)).all() == []
        Story(session, shop).message_event(delivery, "click", hours(2))
    for _ in range(2):
        attribute_after_touches(TouchesRecorded(customer_ids=[customer.id]), context)
    with tenant_session(shop_id) as session:
        assert [row.order_id for row in session.scalars(select(Attribution))] == [order.id]


TOUCHES = st.lists(
    st.tuples(
        st.sampled_from(["click", "open", "visit"]),
        st.integers(0, 3),
        st.integers(0, 1),
        st.integers(-24 * 2, 24 * 8),
        st.sampled_from(["human", "machine"]),
    ),
    max_size=12,
)
ORDERS = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, 48), st.integers(0, 10_000), st.integers(0, 12_000), st.booleans()
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(touches=TOUCHES, placed=ORDERS)
def test_credits_never_exceed_what_was_paid_and_running_again_changes_nothing(
    session: Session, shop: Shop, touches: list[Any], placed: list[Any]
) -> None:
    savepoint = session.begin_nested()
    try:
        told = Story(session, shop)
        people = [told.customer(), told.customer()]
        audience = [
            [told.delivery(campaign, who) for who in people]
            for campaign in (told.campaign() for _ in range(4))
        ]
        for kind, number, person, before, verdict in touches:
            delivery = audience[number][person]
            if kind == "visit":
                told.visit(f"browser{person}", hours(before), delivery=delivery)
            else:
                told.message_event(delivery, kind, hours(before), verdict=verdict)
        orders = [
            told.order(
                people[person],
                hours(before),
                total_minor=total,
                refunded_minor=refunded,
                test=test,
                client_id=f"browser{person}",
            )
            for person, before, total, refunded, test in placed
        ]
        ids = [order.id for order in orders]

        def run() -> list[tuple[Any, ...]]:
            service.attribute(session, ShopId(shop.id), ids)
            columns = Attribution.__table__.c
            return [tuple(row) for row in session.execute(select(*columns).order_by(columns.order_id))]

        first = run()
        assert run() == first
        by_order = {row[list(Attribution.__table__.c.keys()).index("order_id")]: row for row in first}
        assert len(by_order) == len(first)
        session.expire_all()
        for order in orders:
            credit = session.get(Attribution, (order.id, "last_touch"))
            if credit is None:
                continue
            assert not order.test
            assert credit.amount_minor == max(0, order.total_minor - order.refunded_minor)
            assert credit.amount_minor <= order.total_minor
            window = days(5) if credit.kind == "click" else days(1)
            assert order.placed_at - window <= credit.touch_at <= order.placed_at
    finally:
        savepoint.rollback()


def test_a_visit_without_a_verified_token_is_no_touch(story: Story) -> None:
    story.visit("browser", hours(5), click_token="forged")
    assert credit_of(story, story.order(None, hours(1), client_id="browser")) is None
    assert story.session.scalars(select(PixelEvent.delivery_id)).all() == [None]
