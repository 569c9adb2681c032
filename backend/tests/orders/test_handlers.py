"""Order webhooks: whatever order they come in, the newest report stands and the customer's facts follow."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storecast.customers.handlers import take_profile
from storecast.customers.models import Customer, CustomerFacts
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.orders.handlers import drop_customer, drop_order, take_order
from storecast.orders.jobs import OrderRecorded
from storecast.orders.models import Order, OrderFulfillment, OrderLine, OrderRefund, OrderTransaction
from storecast.shops.models import Shop
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox

CUSTOMER = {
    "id": 77,
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Byron",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-05-01T00:00:00Z",
    "default_address": {"city": "London", "country_code": "GB"},
}


def line(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": "LP",
        "quantity": 2,
        "price": "10.00",
        "product_id": 9,
        "variant_id": 3,
    } | changes


def order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1001,
        "admin_graphql_api_id": "gid://shopify/Order/1001",
        "name": "#1001",
        "email": "ada@example.com",
        "currency": "USD",
        "subtotal_price": "20.00",
        "total_discounts": "1.00",
        "total_tax": "2.00",
        "total_shipping_price_set": {"shop_money": {"amount": "4.99", "currency_code": "USD"}},
        "total_price": "25.99",
        "financial_status": "paid",
        "fulfillment_status": None,
        "test": False,
        "created_at": "2026-06-01T10:00:00-04:00",
        "processed_at": "2026-06-01T10:00:00-04:00",
        "updated_at": "2026-06-01T10:00:01-04:00",
        "discount_codes": [{"code": "HELLO"}],
        "cart_token": "cart",
        "checkout_token": "checkout",
        "landing_site": "/?sc_click=abc",
        "customer": CUSTOMER,
        "line_items": [line(1), line(2)],
        "refunds": [],
    } | changes


def deliver(payload: dict[str, Any], topic: str = "orders/create") -> Delivery:
    return Delivery(topic, "w1", None, None, payload)


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def test_a_new_order_arrives_with_lines_customer_facts_and_a_job(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, deliver(order()))

    stored = session.scalars(select(Order)).one()
    assert (stored.total_minor, stored.shipping_minor, stored.tax_minor, stored.discount_minor) == (
        2599,
        499,
        200,
        100,
    )
    assert (stored.financial_status, stored.fulfillment_status) == ("paid", "unfulfilled")
    assert stored.placed_at == datetime(2026, 6, 1, 14, tzinfo=UTC)
    assert (stored.discount_codes, stored.landing_site, stored.checkout_token) == (
        ["HELLO"],
        "/?sc_click=abc",
        "checkout",
    )
    customer = session.scalars(select(Customer)).one()
    assert (customer.id, customer.first_name, customer.email_state) == (
        stored.customer_id,
        "Ada",
        "not_subscribed",
    )
    assert [
        (item.order_id, item.quantity, item.price_minor) for item in session.scalars(select(OrderLine))
    ] == [(stored.id, 2, 1000)] * 2
    facts = session.scalars(select(CustomerFacts)).one()
    assert (facts.orders_count, facts.total_spent_minor, facts.rfm_frequency) == (1, 2599, 1)
    assert facts.last_order_at == stored.placed_at
    assert outbox.pending(session, OrderRecorded) == [OrderRecorded(stored.id)]


def test_a_repeated_delivery_changes_nothing_and_stages_nothing(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, deliver(order()))
    before = session.execute(select(Order.id, Order.updated_at)).all()
    take_order(session, shop_id, deliver(order()))
    assert session.execute(select(Order.id, Order.updated_at)).all() == before
    assert len(outbox.pending(session, OrderRecorded)) == 1


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_in_whatever_order_reports_arrive_the_newest_stands(
    session: Session, shop_id: ShopId, arrival: tuple[int, ...]
) -> None:
    reports = [
        order(updated_at="2026-06-01T10:00:01Z", financial_status="pending"),
        order(updated_at="2026-06-02T10:00:00Z", financial_status="paid", line_items=[line(1)]),
        order(
            updated_at="2026-06-03T10:00:00Z",
            financial_status="partially_refunded",
            line_items=[line(1, quantity=1), line(3)],
            refunds=[
                {"transactions": [{"kind": "refund", "status": "success", "amount": "5.99"}]},
                {"transactions": [{"kind": "refund", "status": "failure", "amount": "9.00"}]},
            ],
        ),
    ]
    for position in arrival:
        take_order(session, shop_id, deliver(reports[position], "orders/updated"))

    session.expire_all()
    stored = session.scalars(select(Order)).one()
    assert (stored.financial_status, stored.refunded_minor) == ("partially_refunded", 599)
    lines = session.scalars(select(OrderLine).order_by(OrderLine.gid)).all()
    assert [(item.gid.rsplit("/", 1)[1], item.quantity) for item in lines] == [("1", 1), ("3", 2)]
    assert session.scalar(select(CustomerFacts.total_spent_minor)) == 2000


def test_a_cancelled_order_no_longer_counts(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, deliver(order()))
    cancelled = order(cancelled_at="2026-06-02T00:00:00Z", updated_at="2026-06-02T00:00:00Z")
    take_order(session, shop_id, deliver(cancelled, "orders/cancelled"))
    session.expire_all()
    facts = session.scalars(select(CustomerFacts)).one()
    assert (facts.orders_count, facts.total_spent_minor, facts.last_order_at, facts.rfm_recency) == (
        0,
        0,
        None,
        None,
    )


def test_an_order_that_moves_to_another_customer_changes_both(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, deliver(order()))
    other = {"id": 78, "email": "bob@example.com"}
    take_order(
        session, shop_id, deliver(order(customer=other, updated_at="2026-06-02T00:00:00Z"), "orders/updated")
    )
    session.expire_all()
    counts = select(Customer.gid, CustomerFacts.orders_count).join(CustomerFacts).order_by(Customer.gid)
    assert session.execute(counts).all() == [
        ("gid://shopify/Customer/77", 0),
        ("gid://shopify/Customer/78", 1),
    ]


def test_the_customer_inside_an_order_never_overwrites_a_profile(session: Session, shop_id: ShopId) -> None:
    take_profile(session, shop_id, deliver(CUSTOMER | {"first_name": "Augusta"}, "customers/update"))
    take_order(session, shop_id, deliver(order()))
    assert session.scalar(select(Customer.first_name)) == "Augusta"


def test_a_profile_completes_a_customer_that_an_order_brought(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, deliver(order(customer={"id": 77})))
    take_profile(session, shop_id, deliver(CUSTOMER, "customers/create"))
    session.expire_all()
    assert session.scalar(select(Customer.first_name)) == "Ada"
    assert session.scalar(select(CustomerFacts.orders_count)) == 1


def test_a_guest_order_has_no_customer(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, deliver(order(customer=None)))
    assert session.scalar(select(Order.customer_id)) is None
    assert session.scalar(select(func.count()).select_from(Customer)) == 0


def test_a_deleted_customer_leaves_their_orders(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, deliver(order()))
    drop_customer(session, shop_id, deliver({"id": 77}, "customers/delete"))
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(CustomerFacts)) == 0
    assert session.scalars(select(Order)).one().customer_id is None


def test_a_deleted_order_takes_its_lines_and_its_share_of_the_facts(
    session: Session, shop_id: ShopId
) -> None:
    take_order(session, shop_id, deliver(order()))
    drop_order(session, shop_id, deliver({"id": 1001}, "orders/delete"))
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(OrderLine)) == 0
    assert session.scalar(select(CustomerFacts.orders_count)) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None, "admin_graphql_api_id": None},
        {"updated_at": None},
        {"currency": None},
        {"total_price": "much"},
        {"line_items": [{"title": "no id"}]},
    ],
)
def test_a_payload_that_is_no_order_is_refused(
    session: Session, shop_id: ShopId, changes: dict[str, Any]
) -> None:
    with pytest.raises(Permanent):
        take_order(session, shop_id, deliver(order(**changes)))
    assert session.scalar(select(func.count()).select_from(Order)) == 0


def test_amounts_follow_the_currency(session: Session, shop_id: ShopId) -> None:
    take_order(
        session,
        shop_id,
        deliver(order(currency="JPY", total_price="2599", line_items=[line(1, price="900")])),
    )
    assert session.scalar(select(Order.total_minor)) == 2599
    assert session.scalar(select(OrderLine.price_minor)) == 900


def test_a_buyer_is_scored_among_the_others(session: Session, shop_id: ShopId) -> None:
    """Five buyers, one a fifth; a sixth who buys last takes the recency of the one before."""
    for number in range(1, 6):
        buyer = {"id": number, "email": f"c{number}@example.com"}
        instant = f"2026-06-0{number}T00:00:00Z"
        take_order(
            session,
            shop_id,
            deliver(
                order(
                    id=number, admin_graphql_api_id=None, customer=buyer, processed_at=instant, line_items=[]
                )
            ),
        )
    from storecast.orders import service

    service.rescore(session, shop_id)
    newest = order(
        id=6,
        admin_graphql_api_id=None,
        customer={"id": 6},
        processed_at="2026-07-01T00:00:00Z",
        line_items=[],
    )
    take_order(session, shop_id, deliver(newest))

    session.expire_all()
    scores = session.execute(
        select(CustomerFacts.rfm_recency)
        .join(Customer, Customer.id == CustomerFacts.customer_id)
        .order_by(Customer.gid)
    ).scalars()
    assert list(scores) == [1, 2, 3, 4, 5, 5]


def test_refunds_and_shipments_come_with_the_order_and_a_later_report_replaces_them(
    session: Session, shop: Shop
) -> None:
    shop_id = ShopId(shop.id)
    refund = {
        "id": 5,
        "processed_at": "2026-06-02T10:00:00Z",
        "transactions": [
            {"id": 51, "kind": "refund", "status": "success", "amount": "3.00", "gateway": "bogus"},
            {"id": 52, "kind": "refund", "status": "failure", "amount": "9.00"},
            {"kind": "refund", "amount": "1.00"},
        ],
    }
    shipment = {
        "id": 6,
        "status": "success",
        "shipment_status": "delivered",
        "created_at": "2026-06-02T10:00:00Z",
        "updated_at": "2026-06-03T10:00:00Z",
    }
    take_order(session, shop_id, deliver(order(refunds=[refund], fulfillments=[shipment])))

    paid_back = session.scalars(select(OrderRefund)).one()
    assert (paid_back.gid, paid_back.amount_minor, paid_back.currency) == (
        "gid://shopify/Refund/5",
        300,
        "USD",
    )
    rows = session.execute(
        select(OrderTransaction.gid, OrderTransaction.status).order_by(OrderTransaction.gid)
    )
    assert [(gid.rpartition("/")[2], status) for gid, status in rows] == [
        ("51", "success"),
        ("52", "failure"),
    ]
    shipped = session.scalars(select(OrderFulfillment)).one()
    assert shipped.delivered_at == datetime(2026, 6, 3, 10, tzinfo=UTC)

    stale = order(refunds=[], fulfillments=[], updated_at="2026-06-01T10:00:00-04:00", name="#stale")
    take_order(session, shop_id, deliver(stale, "orders/updated"))
    assert session.scalars(select(OrderFulfillment.gid)).all() == ["gid://shopify/Fulfillment/6"]

    newer = order(refunds=[], fulfillments=[], updated_at="2026-06-05T10:00:00Z")
    take_order(session, shop_id, deliver(newer, "orders/updated"))
    assert session.scalars(select(OrderFulfillment.gid)).all() == []
    assert session.scalars(select(OrderRefund.gid)).all() == []
    # The webhook does not list the transactions of an order: those that are known stay.
    assert len(session.scalars(select(OrderTransaction.gid)).all()) == 2

    drop_order(session, shop_id, deliver({"id": 1001}, "orders/delete"))
    assert session.scalars(select(OrderTransaction.gid)).all() == []
