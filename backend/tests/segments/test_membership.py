"""Compiled SQL and a plain evaluator agree on who is a member, over random customers and random trees."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerFacts, ShopifySegment, ShopifySegmentMember
from storecast.events import behaviour
from storecast.events.behaviour import Moment
from storecast.kit.types import ShopId
from storecast.orders.models import Order, OrderLine
from storecast.products.models import CollectionProduct
from storecast.segments.compiler import Calendar, Known, select_members
from storecast.segments.fields import EMAIL_STATES, FIELDS, SMS_STATES
from storecast.segments.models import CustomerList, CustomerListMember
from storecast.segments.rules import parse
from storecast.shops.models import Shop
from tests.segments.oracle import COLLECTIONS, COLUMNS, is_member

# The morning after New York's clocks went back: calendar days around here have 25 hours.
NOW = datetime(2026, 11, 3, 4, 30, tzinfo=UTC)
ZONES = ("America/New_York", "Asia/Kathmandu", "UTC")

small = st.integers(0, 4)
words = st.sampled_from(["", "bonn", "Bonn", "BO", "o", "100%", "a_b", "éa", "back\\slash", "Ann"])
asked_words = words.filter(bool)
instants = st.one_of(
    st.none(),
    st.integers(-72, 24 * 40).map(lambda hours: NOW - timedelta(hours=hours)),
    st.sampled_from([NOW, NOW.replace(hour=4, minute=0), datetime(2026, 11, 1, 4, tzinfo=UTC)]),
)
PRODUCTS = [f"gid://shopify/Product/{number}" for number in (1, 2, 3)]
CAMPAIGNS = {"cmp_1": 11, "cmp_2": 12}
LIST, SHOPIFY_SEGMENT = "lst_1", "gid://shopify/Segment/1"
moments = instants.filter(bool)


def happenings(subjects: list[str], most: int) -> st.SearchStrategy[list[tuple[datetime, list[str]]]]:
    """Instants, each with what it was about."""
    about = st.lists(st.sampled_from(subjects), max_size=most, unique=True) if subjects else st.just([])
    return st.lists(st.tuples(moments, about), max_size=4)


tags = st.lists(st.sampled_from(["vip", "VIP", "new"]), unique=True)

CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {
            "total_spent_minor": small,
            "average_order_minor": small,
            "first_order_at": instants,
            "email_state": st.sampled_from(EMAIL_STATES),
            "email_consent_at": instants,
            "sms_state": st.none() | st.sampled_from(SMS_STATES),
            "sms_consent_at": instants,
            "province": st.none() | words,
            "last_sent_at": instants,
            "last_opened_at": instants,
            "last_clicked_at": instants,
            "email": st.none() | words,
            "first_name": st.none() | words,
            "last_name": st.none() | words,
            "country": st.none() | words,
            "city": st.none() | words,
            "locale": st.none() | words,
            "tags": tags,
            "shopify_created_at": instants,
            "rfm_recency": st.none() | st.integers(1, 5),
            "rfm_frequency": st.none() | st.integers(1, 5),
            "rfm_monetary": st.none() | st.integers(1, 5),
            "in_list": st.sampled_from([[], [LIST]]),
            "in_shopify_segment": st.sampled_from([[], [SHOPIFY_SEGMENT]]),
            "did": st.fixed_dictionaries(
                {
                    "ordered": happenings(PRODUCTS, 3),
                    "opened": happenings(list(CAMPAIGNS), 1),
                    "clicked": happenings(list(CAMPAIGNS), 1),
                    "viewed": happenings(PRODUCTS, 1),
                    "added_to_cart": happenings(PRODUCTS, 1),
                    "started_checkout": happenings([], 0),
                }
            ),
        }
    ),
    min_size=1,
    max_size=8,
)


@st.composite
def asked_happenings(draw: st.DrawFn, subjects: tuple[str, ...]) -> dict[str, Any]:
    value: dict[str, Any] = {"times": draw(st.integers(1, 3))}
    if draw(st.booleans()):
        value["days"] = draw(st.integers(1, 40))
    subject = draw(st.sampled_from([None, *subjects]))
    choices = {"product": PRODUCTS, "collection": [*COLLECTIONS], "campaign": [*CAMPAIGNS]}
    if subject is not None:
        value[subject] = draw(st.sampled_from([*choices[subject], "gone"]))
    return value


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    field = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
    operator = draw(st.sampled_from(field.operators))
    values: dict[str, st.SearchStrategy[Any]] = {
        "between": st.tuples(small, small).map(sorted),
        "in": st.lists(st.sampled_from(field.options or ("-",)), min_size=1, unique=True),
        "before": st.integers(-3, 40).map(lambda days: (NOW - timedelta(days=days)).date().isoformat()),
        "after": st.integers(-3, 40).map(lambda days: (NOW - timedelta(days=days)).date().isoformat()),
        "in_last_days": st.integers(1, 40),
        "not_in_last_days": st.integers(1, 40),
        "more_than_days_ago": st.integers(1, 40),
        "is_set": st.none(),
        "not_set": st.none(),
    }
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "number": small,
        "money": small,
        "enum": st.sampled_from(field.options or ("-",)),
        "text": asked_words,
        "tags": st.sampled_from(["vip", "VIP", "new", "old"]),
    }
    if field.type == "behaviour":
        return {"field": field.key, "operator": operator, "value": draw(asked_happenings(field.subjects))}
    if operator in ("member", "not_member"):
        there = {"segment": ["seg_1", "seg_2"], "list": [LIST], "shopify_segment": [SHOPIFY_SEGMENT]}[
            field.type
        ]
        return {"field": field.key, "operator": operator, "value": draw(st.sampled_from([*there, "gone"]))}
    value = draw(values[operator] if operator in values else by_type[field.type])
    return {"field": field.key, "operator": operator, "value": value}


TREES = st.recursive(
    conditions(),
    lambda inner: (
        st.builds(
            lambda op, rules: {"op": op, "rules": rules},
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | st.builds(lambda rule: {"op": "not", "rule": rule}, inner)
    ),
    max_leaves=6,
).filter(lambda tree: depth(tree) <= 6)


def depth(node: dict[str, Any]) -> int:
    if node.get("op") == "not":
        return 1 + depth(node["rule"])
    return 1 + max(depth(rule) for rule in node["rules"]) if "op" in node else 0


def known_of(session: Session, shop_id: int, segments: dict[str, dict[str, Any]]) -> Known:
    """What the conditions refer to."""
    given = {"shop_id": shop_id, "name": "Some"}
    uploaded = CustomerList(**given, public_id=LIST, row_count=0, member_count=0, refused_count=0)
    kept = ShopifySegment(**given, gid=SHOPIFY_SEGMENT, query="", shopify_updated_at=NOW)
    session.add_all([uploaded, kept])
    for collection, gids in COLLECTIONS.items():
        for gid in gids:
            row = {"collection_gid": collection, "product_gid": gid, "seen_at": NOW}
            session.execute(insert(CollectionProduct).values(shop_id=shop_id, **row))
    session.flush()
    return Known(
        segments={name: parse(tree, currency="USD") for name, tree in segments.items()},
        shopify_segments={SHOPIFY_SEGMENT: kept.id},
        lists={LIST: uploaded.id},
        campaigns=CAMPAIGNS,
    )


def store_what_was_done(
    session: Session, shop_id: int, customer_id: int, customer: dict[str, Any], known: Known
) -> list[Moment]:
    """Memberships and orders; returns the rest, which the roll-up takes."""
    moments = []
    for name in customer["in_list"]:
        row = {"list_id": known.lists[name], "customer_id": customer_id}
        session.execute(insert(CustomerListMember).values(shop_id=shop_id, **row))
    for name in customer["in_shopify_segment"]:
        row = {"segment_id": known.shopify_segments[name], "customer_id": customer_id}
        session.execute(insert(ShopifySegmentMember).values(shop_id=shop_id, **row))
    for kind, done in customer["did"].items():
        for number, (at, subjects) in enumerate(done):
            if kind == "ordered":
                store_order(session, shop_id, customer_id, number, at, subjects)
                continue
            (subject,) = subjects or [None]
            about = str(CAMPAIGNS[subject]) if subject in CAMPAIGNS else subject
            moments.append(Moment(customer_id, kind, at, about))
    return moments


def store_order(
    session: Session, shop_id: int, customer_id: int, number: int, at: datetime, gids: list[str]
) -> None:
    amounts = dict.fromkeys(
        ("subtotal_minor", "discount_minor", "tax_minor", "shipping_minor", "total_minor", "refunded_minor"),
        0,
    )
    gid = f"gid://shopify/Order/{customer_id}-{number}"
    order = Order(
        shop_id=shop_id, gid=gid, name="#1", customer_id=customer_id, currency="USD", test=False, placed_at=at,
        shopify_updated_at=NOW, **amounts,
    )  # fmt: skip
    session.add(order)
    session.flush()
    for line, product in enumerate(gids):
        row = {"gid": f"{gid}-{line}", "product_gid": product, "title": "", "quantity": 1, "price_minor": 0}
        session.execute(insert(OrderLine).values(shop_id=shop_id, order_id=order.id, order_gid=gid, **row))


def store(
    session: Session, shop_id: int, customers: list[dict[str, Any]], known: Known
) -> dict[int, dict[str, Any]]:
    """Insert the customers with their facts and what they did; returns them by id."""
    columns = {COLUMNS.get(key, key) for key, field in FIELDS.items() if field.column}
    # What facts copy they copy by themselves.
    facts = columns & set(CustomerFacts.__table__.columns.keys()) - set(Customer.__table__.columns.keys())
    stored: dict[int, dict[str, Any]] = {}
    done: list[Moment] = []
    for number, customer in enumerate(customers):
        placed = [at for at, _products in customer["did"]["ordered"]]
        customer |= {"orders_count": len(placed), "last_order_at": max(placed, default=None)}
        profile = {name: value for name, value in customer.items() if name in columns - facts}
        row = insert(Customer).values(
            shop_id=shop_id, public_id=f"cus_{number}", gid=f"gid://shopify/Customer/{number}",
            shopify_updated_at=NOW, **profile,
        )  # fmt: skip
        customer_id = session.scalars(row.returning(Customer.id)).one()
        known_facts = {name: value for name, value in customer.items() if name in facts}
        known_facts["ordered_at"] = sorted(placed, reverse=True) or None
        session.execute(insert(CustomerFacts).values(shop_id=shop_id, customer_id=customer_id, **known_facts))
        done += store_what_was_done(session, shop_id, customer_id, customer, known)
        stored[customer_id] = customer
    # In two parts, so that it has to merge.
    for part in (done[::2], done[1::2]):
        behaviour.record(session, ShopId(shop_id), part)
    return stored


@pytest.mark.timeout(600)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    customers=CUSTOMERS,
    trees=st.lists(TREES, min_size=4, max_size=10),
    inner=TREES.filter(lambda tree: "'segment'" not in str(tree)),
    middle=TREES.filter(lambda tree: "seg_2" not in str(tree)),
    zone=st.sampled_from(ZONES),
)
def test_sql_and_the_plain_evaluator_agree(
    session: Session,
    shop: Shop,
    customers: list[dict[str, Any]],
    trees: list[dict[str, Any]],
    inner: dict[str, Any],
    middle: dict[str, Any],
    zone: str,
) -> None:
    calendar = Calendar(now=NOW, timezone=zone, currency="USD")
    segments = {"seg_1": inner, "seg_2": middle}
    savepoint = session.begin_nested()
    try:
        known = known_of(session, shop.id, segments)
        stored = store(session, shop.id, customers, known)
        for tree in trees:
            chosen = select_members(ShopId(shop.id), parse(tree, currency="USD"), calendar, known)
            members = set(session.scalars(chosen.with_only_columns(chosen.selected_columns.id)))
            expected = {
                key for key, one in stored.items() if is_member(one, tree, NOW, ZoneInfo(zone), segments)
            }
            assert members == expected, tree
    finally:
        savepoint.rollback()
