"""Whatever order deliveries come in, and however often, they end in the rows that the true order ends in.

Histories are made up of everything that can happen to two customers, in a segment and out of it, two orders and a
product. Each begins with the customers' profiles, as in a store; these too come whenever they come. A repeated delivery
has a webhook id of its own here: Shopify's repetitions with the same one do not get past the inbox.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.customers.models import ShopifySegment
from storecast.entrypoints.modules import register_jobs
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.webhooks import service
from storecast.webhooks.models import InboxEntry

register_jobs()

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
CUSTOMERS, ORDERS, PRODUCTS = (1, 2), (10, 11), (20,)

ROWS = {
    "customers": "gid, email, first_name, tags, email_state, email_consent_at, sms_state, shopify_updated_at",
    "orders": "gid, customer_gid, customer_id IS NULL AS alone, total_minor, financial_status, shopify_updated_at",
    "order_lines": "gid, order_gid, quantity",
    "products": "gid, title, shopify_updated_at",
    "product_variants": "gid, title",
    "shopify_segment_members": "(SELECT gid FROM customers WHERE customers.id = customer_id) AS gid",
}

SEGMENT = "gid://shopify/Segment/3"


class Event(NamedTuple):
    """Something that happened in the store, and what its delivery says."""

    topic: str
    body: dict[str, Any]
    triggered_at: datetime


def _customer(number: int, at: str, name: str) -> dict[str, Any]:
    return {"id": number, "email": f"{name}@example.com", "first_name": name, "updated_at": at}


def _event(step: int, kind: str, number: int, word: str) -> Event:
    """The delivery of a step. Instants have seconds and two steps a second, so that ties happen."""
    triggered_at = START + timedelta(milliseconds=500 * step)
    at = triggered_at.replace(microsecond=0).isoformat()
    customer, order, product = CUSTOMERS[number % 2], ORDERS[number % 2], PRODUCTS[0]
    gid = f"gid://shopify/Customer/{customer}"
    occurred = triggered_at.isoformat()
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "profile": ("customers/update", _customer(customer, at, word)),
        "leaves": ("customers/delete", {"id": customer}),
        "email": (
            "customers_email_marketing_consent/update",
            {
                "customer_id": customer,
                "email_address": f"{word}@example.com",
                "email_marketing_consent": {
                    "state": "subscribed" if len(word) % 2 else "unsubscribed",
                    "consent_updated_at": at,
                },
            },
        ),
        "sms": (
            "customers_marketing_consent/update",
            {
                "id": customer,
                "sms_marketing_consent": {
                    "state": "subscribed" if len(word) % 2 else "unsubscribed",
                    "consent_updated_at": at,
                },
            },
        ),
        "tagged": ("customer.tags_added", {"customerId": gid, "tags": ["vip", word], "occurredAt": occurred}),
        "untagged": ("customer.tags_removed", {"customerId": gid, "tags": ["vip"], "occurredAt": occurred}),
        "joined": ("customer.joined_segment", {"customer_id": gid, "segment_id": SEGMENT}),
        "parted": ("customer.left_segment", {"customer_id": gid, "segment_id": SEGMENT}),
        "order": (
            "orders/updated",
            {
                "id": order,
                "name": f"#{order}",
                "currency": "USD",
                "created_at": START.isoformat(),
                "updated_at": at,
                "total_price": f"{len(word)}.00",
                "financial_status": word,
                "customer": {"id": customer},
                "line_items": [{"id": order * 10 + len(word), "title": word, "quantity": len(word)}],
            },
        ),
        "unordered": ("orders/delete", {"id": order}),
        "product": (
            "products/update",
            {
                "id": product,
                "title": word,
                "updated_at": at,
                "variants": [{"id": product * 10 + len(word), "title": word, "price": "1.00"}],
            },
        ),
        "dropped": ("products/delete", {"id": product}),
    }
    topic, body = bodies[kind]
    return Event(topic, body, triggered_at)


KINDS = (
    "profile",
    "leaves",
    "email",
    "sms",
    "tagged",
    "untagged",
    "joined",
    "parted",
    "order",
    "unordered",
    "product",
    "dropped",
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[int]]:
    """What happened, and in which order the deliveries of it come: each at least once, some again."""
    steps = draw(
        st.lists(
            st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.sampled_from(("ada", "bert", "cosma"))),
            min_size=1,
            max_size=10,
        )
    )
    begun = [("profile", number, "dora") for number in range(len(CUSTOMERS))]
    events = [_event(step, *what) for step, what in enumerate([*begun, *steps])]
    again = draw(st.lists(st.integers(0, len(events) - 1), max_size=4))
    return events, draw(st.permutations([*range(len(events)), *again]))


def _end_of(session: Session, shop: Shop, events: Sequence[Event]) -> dict[str, list[dict[str, Any]]]:
    """The rows after these deliveries, undone again."""
    with session.begin_nested() as savepoint:
        followed = {"gid": SEGMENT, "name": "VIP", "query": "", "shopify_updated_at": START}
        session.add(ShopifySegment(shop_id=shop.id, members_at=START, **followed))
        for number, event in enumerate(events):
            session.add(
                InboxEntry(
                    shop_id=shop.id,
                    shop_domain=shop.domain,
                    webhook_id=f"webhook-{number}",
                    topic=event.topic,
                    triggered_at=event.triggered_at,
                    body=orjson.dumps(event.body),
                )
            )
            session.flush()
        service.drain(session, ShopId(shop.id), now=START + timedelta(days=1))
        failed = session.execute(text("SELECT topic, error FROM webhook_inbox WHERE state <> 'done'")).all()
        assert failed == []
        rows = {
            table: [
                dict(row)
                for row in session.execute(text(f"SELECT {columns} FROM {table} ORDER BY gid")).mappings()
            ]
            for table, columns in ROWS.items()
        }
        savepoint.rollback()
    session.expire_all()
    return rows


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories())
def test_any_order_and_any_repetition_end_in_the_same_rows(
    session: Session, shop: Shop, history: tuple[list[Event], list[int]]
) -> None:
    events, arrival = history

    assert _end_of(session, shop, [events[n] for n in arrival]) == _end_of(session, shop, events)
