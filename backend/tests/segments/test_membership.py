"""Compiled SQL and a plain evaluator agree on who is a member, over random customers and random trees."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerFacts
from storecast.kit.types import ShopId
from storecast.segments import service
from storecast.segments.compiler import Calendar
from storecast.segments.fields import EMAIL_STATES, FIELDS
from storecast.segments.rules import parse
from storecast.shops.models import Shop
from tests.segments.oracle import COLUMNS, is_member

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
tags = st.lists(st.sampled_from(["vip", "VIP", "new"]), unique=True)

CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {
            "orders_count": small,
            "total_spent_minor": small,
            "average_order_minor": small,
            "first_order_at": instants,
            "last_order_at": instants,
            "email_state": st.sampled_from(EMAIL_STATES),
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
        }
    ),
    min_size=1,
    max_size=12,
)


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


def store(session: Session, shop_id: int, customers: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Insert the customers with their facts; returns them by id."""
    columns = {COLUMNS.get(key, key) for key in FIELDS}
    facts = columns & set(CustomerFacts.__table__.columns.keys())
    stored = {}
    for number, customer in enumerate(customers):
        profile = {name: value for name, value in customer.items() if name not in facts}
        row = insert(Customer).values(
            shop_id=shop_id, public_id=f"cus_{number}", gid=f"gid://shopify/Customer/{number}",
            shopify_updated_at=NOW, **profile,
        )  # fmt: skip
        customer_id = session.scalars(row.returning(Customer.id)).one()
        known = {name: value for name, value in customer.items() if name in facts}
        session.execute(insert(CustomerFacts).values(shop_id=shop_id, customer_id=customer_id, **known))
        stored[customer_id] = customer
    return stored


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(customers=CUSTOMERS, trees=st.lists(TREES, min_size=4, max_size=10), zone=st.sampled_from(ZONES))
def test_sql_and_the_plain_evaluator_agree(
    session: Session, shop: Shop, customers: list[dict[str, Any]], trees: list[dict[str, Any]], zone: str
) -> None:
    calendar = Calendar(now=NOW, timezone=zone, currency="USD")
    savepoint = session.begin_nested()
    try:
        stored = store(session, shop.id, customers)
        for tree in trees:
            chosen = service.select_members(ShopId(shop.id), parse(tree, currency="USD"), calendar)
            members = set(session.scalars(chosen.with_only_columns(chosen.selected_columns.id)))
            expected = {key for key, known in stored.items() if is_member(known, tree, NOW, ZoneInfo(zone))}
            assert members == expected, tree
    finally:
        savepoint.rollback()
