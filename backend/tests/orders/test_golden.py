"""An order, its buyer and their consent, from bodies as Shopify writes them."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storecast.customers.handlers import drop_tags, take_consent, take_profile, take_sms_consent, take_tags
from storecast.customers.models import Customer, CustomerFacts
from storecast.kit.types import ShopId
from storecast.orders.handlers import drop_customer, drop_order, take_order
from storecast.orders.models import Order, OrderLine
from storecast.shops.models import Shop
from tests.golden_webhooks import delivery


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def order(session: Session) -> Order:
    return session.scalars(select(Order).execution_options(populate_existing=True)).one()


def customer(session: Session) -> Customer:
    return session.scalars(select(Customer).execution_options(populate_existing=True)).one()


def facts(session: Session) -> tuple[int, ...]:
    found = select(CustomerFacts.orders_count, CustomerFacts.total_spent_minor)
    return tuple(session.execute(found).one())


def test_an_order_is_read_whole(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, delivery("orders/create"))

    stored = order(session)
    assert (stored.gid, stored.name, stored.email, stored.currency) == (
        "gid://shopify/Order/820982911946154508",
        "#1234",
        "ada@example.com",
        "USD",
    )
    amounts = (stored.subtotal_minor, stored.discount_minor, stored.tax_minor, stored.shipping_minor)
    assert (*amounts, stored.total_minor, stored.refunded_minor) == (4941, 549, 394, 499, 5834, 0)
    assert (stored.financial_status, stored.fulfillment_status, stored.test) == ("paid", "unfulfilled", False)
    assert (stored.placed_at, stored.cancelled_at) == (datetime(2026, 11, 20, 17, 59, 58, tzinfo=UTC), None)
    assert (stored.cart_token, stored.checkout_token, stored.discount_codes) == (
        "c1-7f3a",
        "bd5a8aa1",
        ["AUTUMN10"],
    )
    assert stored.landing_site == "/?utm_source=storecast&sc_click=Zm9v"
    lines = session.scalars(select(OrderLine).order_by(OrderLine.gid)).all()
    assert [(line.title, line.quantity, line.price_minor, line.variant_gid) for line in lines] == [
        ("Kind of Blue", 1, 2990, "gid://shopify/ProductVariant/642667041472713922"),
        ("Kind of Blue", 2, 1250, "gid://shopify/ProductVariant/757650484644203962"),
    ]
    buyer = customer(session)
    assert (buyer.id, buyer.first_name, buyer.city, buyer.country) == (
        stored.customer_id,
        "Ada",
        "London",
        "GB",
    )
    assert facts(session) == (1, 5834)


@pytest.mark.parametrize(
    "arrival", list(permutations(["orders/create", "orders/updated", "orders/cancelled"]))
)
def test_in_whatever_order_its_story_arrives_it_ends_the_same(
    session: Session, shop_id: ShopId, arrival: tuple[str, ...]
) -> None:
    for topic in arrival:
        for _ in range(2):
            take_order(session, shop_id, delivery(topic))

    stored = order(session)
    assert (stored.financial_status, stored.cancelled_at) == (
        "refunded",
        datetime(2026, 11, 22, 15, tzinfo=UTC),
    )
    assert session.scalar(select(func.count()).select_from(OrderLine)) == 2
    assert facts(session) == (0, 0)


def test_a_refund_counts_against_what_was_spent(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, delivery("orders/create"))
    take_order(session, shop_id, delivery("orders/updated"))

    assert (order(session).refunded_minor, order(session).fulfillment_status) == (1250, "fulfilled")
    assert facts(session) == (1, 5834 - 1250)


def test_a_deleted_order_is_gone(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, delivery("orders/create"))
    for _ in range(2):
        drop_order(session, shop_id, delivery("orders/delete"))
    assert session.scalar(select(func.count()).select_from(Order)) == 0
    assert facts(session) == (0, 0)


@pytest.mark.parametrize("arrival", list(permutations(["customers/create", "customers/update"])))
def test_the_newest_profile_stands(session: Session, shop_id: ShopId, arrival: tuple[str, ...]) -> None:
    for topic in arrival:
        take_profile(session, shop_id, delivery(topic))

    stored = customer(session)
    assert (stored.first_name, stored.email) == ("Augusta", "augusta@example.com")
    assert (stored.phone, stored.province) == ("+442079460000", "England")


def test_consent_and_tags_come_by_topics_of_their_own(session: Session, shop_id: ShopId) -> None:
    take_profile(session, shop_id, delivery("customers/create"))
    take_consent(session, shop_id, delivery("customers_email_marketing_consent/update"))
    take_sms_consent(session, shop_id, delivery("customers_marketing_consent/update"))
    take_tags(session, shop_id, delivery("customer.tags_added"))
    drop_tags(session, shop_id, delivery("customer.tags_removed"))
    session.flush()

    stored = customer(session)
    assert (stored.email_state, stored.email_opt_in_level) == ("subscribed", "confirmed_opt_in")
    assert stored.email_consent_at == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert (stored.sms_state, stored.tags) == ("subscribed", ["vip"])


def test_a_deleted_customer_leaves_the_order_behind(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, delivery("orders/create"))
    for _ in range(2):
        drop_customer(session, shop_id, delivery("customers/delete"))
    assert session.scalar(select(func.count()).select_from(Customer)) == 0
    assert order(session).customer_id is None
