"""Whoever was erased stays away: webhooks, imports and the pixel each bring them again, and nothing of them is kept."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.entrypoints.modules import register_jobs
from storecast.events import service as events
from storecast.events.models import PixelEvent
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.orders.models import AbandonedCheckout, Order, OrderLine
from storecast.shops.models import Shop
from storecast.sync import importer
from storecast.webhooks import erased, service
from storecast.webhooks.models import ErasedObject, InboxEntry, ObjectMark
from tests.factories.story import NOW, Story
from tests.privacy.test_service import places_of
from tests.sync.test_importer import JUNE, MAY, customer, money, order, order_line
from tests.sync.test_importer import line as line_of

MARK = "Zenobia"
PERSON, OLD_ORDER, NEW_ORDER = 700_000_001, 800_000_001, 800_000_002
GID = f"gid://shopify/Customer/{PERSON}"


@pytest.fixture
def erased_shop(shop: Shop, other_shop: Shop) -> ShopId:
    """A shop that has erased the person, their order and their browser; its neighbour has not."""
    register_jobs()
    with tenant_session(ShopId(other_shop.id)) as session:
        erased.mark(session, ShopId(other_shop.id), ["gid://shopify/Customer/1"])
    with tenant_session(ShopId(shop.id)) as session:
        for _ in range(2):
            erased.mark(session, ShopId(shop.id), [GID, f"gid://shopify/Order/{OLD_ORDER}", "their-browser"])
    return ShopId(shop.id)


def profile(**fields: Any) -> dict[str, Any]:
    return {
        "id": PERSON,
        "admin_graphql_api_id": GID,
        "email": f"{MARK}@example.com",
        "first_name": MARK,
        "updated_at": "2026-06-01T10:00:00Z",
        **fields,
    }


def bought(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"#{MARK}",
        "email": f"{MARK}@example.com",
        "currency": "USD",
        "total_price": "12.00",
        "created_at": "2026-06-01T10:00:00Z",
        "updated_at": "2026-06-01T10:00:00Z",
        "cart_token": MARK,
        "landing_site": f"/?who={MARK}",
        "line_items": [{"id": number + 1, "title": MARK, "quantity": 1, "price": "12.00"}],
        "customer": profile(),
        **fields,
    }


LATE: list[tuple[str, dict[str, Any], str]] = [
    ("customers/create", profile(), "gone"),
    ("customers/update", profile(note=MARK), "gone"),
    ("customers/delete", {"id": PERSON, "note": MARK}, "gone"),
    ("customer.tags_added", {"customerId": GID, "tags": [MARK]}, "gone"),
    ("customers/purchasing_summary", {"customerId": GID, "lastOrderId": MARK}, "gone"),
    ("customers_email_marketing_consent/update", {"customer_id": PERSON, "email_address": MARK}, "gone"),
    (
        "customers/merge",
        {
            "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/5",
            "admin_graphql_api_customer_kept_id": GID,
            "status": "completed",
            "note": MARK,
        },
        "gone",
    ),
    ("checkouts/update", {"id": 9, "updated_at": "2026-06-01T10:00:00Z", "customer": profile()}, "applied"),
    ("orders/updated", bought(OLD_ORDER, customer=None), "applied"),
    ("orders/create", bought(NEW_ORDER), "applied"),
]


def receive(shop: Shop, deliveries: list[tuple[str, dict[str, Any], str]]) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        for number, (topic, payload, _outcome) in enumerate(deliveries):
            session.add(
                InboxEntry(
                    shop_id=shop.id,
                    shop_domain=shop.domain,
                    webhook_id=f"late-{shop.id}-{number}",
                    topic=topic,
                    triggered_at=utcnow(),
                    body=orjson.dumps(payload),
                )
            )


def test_no_late_delivery_brings_anybody_back_and_orders_count_for_nobody(
    shop: Shop, erased_shop: ShopId
) -> None:
    receive(shop, LATE)
    with tenant_session(erased_shop) as session:
        service.drain(session, erased_shop, now=utcnow())
    with tenant_session(erased_shop) as session:
        entries = session.scalars(select(InboxEntry).order_by(InboxEntry.id)).all()
        assert [(entry.topic, entry.error) for entry in entries] == [(topic, None) for topic, _, _ in LATE]
        assert [(entry.topic, entry.outcome) for entry in entries] == [
            (topic, outcome) for topic, _payload, outcome in LATE
        ]
        # The old order's last report named nobody, but it says of it all that the order says.
        assert {entry.body for entry in entries} == {service.EMPTIED}
        assert {entry.object_gid for entry in entries} <= {None, "gid://shopify/AbandonedCheckout/9"}
        assert session.scalars(select(Customer)).all() == []
        kept = session.scalars(select(Order).order_by(Order.gid)).all()
        assert [(row.total_minor, row.name, row.email, row.customer_gid) for row in kept] == [
            (1200, "", None, None)
        ] * 2
        assert session.scalars(select(OrderLine.title)).all() == ["", ""]
        assert places_of(session, MARK, GID, str(PERSON)) == []
        assert not [mark for mark in session.scalars(select(ObjectMark.gid)) if "Customer" in mark]


def test_a_delivery_that_is_replayed_after_the_erasure_says_gone(shop: Shop, erased_shop: ShopId) -> None:
    receive(shop, LATE[:1])
    for _ in range(2):
        with tenant_session(erased_shop) as session:
            (entry,) = session.scalars(select(InboxEntry))
            entry.state, entry.attempts = "pending", 0
        with tenant_session(erased_shop) as session:
            assert service.drain(session, erased_shop, now=utcnow()).handled == 1
    with tenant_session(erased_shop) as session:
        assert session.scalars(select(InboxEntry.outcome)).all() == ["gone"]


def test_the_neighbour_and_whoever_has_a_new_id_are_taken(
    shop: Shop, other_shop: Shop, erased_shop: ShopId
) -> None:
    anew = profile(id=PERSON + 1, admin_graphql_api_id=f"gid://shopify/Customer/{PERSON + 1}")
    receive(shop, [("customers/create", anew, "applied")])
    receive(other_shop, [("customers/create", profile(), "applied")])
    for each in (erased_shop, ShopId(other_shop.id)):
        with tenant_session(each) as session:
            service.drain(session, each, now=utcnow())
            assert len(session.scalars(select(Customer)).all()) == 1
            assert [entry.outcome for entry in session.scalars(select(InboxEntry))] == ["applied"]
            assert MARK.encode() in session.scalars(select(InboxEntry.body)).one()


def checkout(number: int, customer_number: int) -> bytes:
    return line_of(
        id=f"gid://shopify/AbandonedCheckout/{number}",
        name=f"#{MARK}",
        customer={"id": f"gid://shopify/Customer/{customer_number}"},
        abandonedCheckoutUrl=f"https://x.example/{MARK}",
        createdAt=MAY,
        updatedAt=MAY,
        completedAt=None,
        discountCodes=[],
        subtotalPriceSet=money("1.00"),
        totalPriceSet=money("1.00"),
    )


def test_no_import_brings_anybody_back(session: Session, erased_shop: ShopId) -> None:
    importer.import_lines(
        session, erased_shop, "customers", [customer(PERSON, firstName=MARK), customer(2, firstName="Bo")]
    )
    assert session.scalars(select(Customer.first_name)).all() == ["Bo"]
    theirs = {"email": f"{MARK}@example.com", "name": f"#{MARK}"}
    importer.import_lines(
        session,
        erased_shop,
        "orders",
        [
            order(OLD_ORDER, None, **theirs),
            order(NEW_ORDER, PERSON, **theirs),
            order(3, 2, name="#3"),
            order_line(31, OLD_ORDER, title=MARK),
            order_line(32, NEW_ORDER, title=MARK),
            order_line(33, 3),
        ],
    )
    found = session.execute(
        select(Order.name, Order.customer_gid, Order.total_minor).order_by(Order.id)
    ).all()
    assert sorted(found) == [("", None, 2000), ("", None, 2000), ("#3", "gid://shopify/Customer/2", 2000)]
    assert sorted(session.scalars(select(OrderLine.title))) == ["", "", "Record"]
    # The new order is known by itself from here on, also when a report no longer names its customer.
    importer.import_lines(
        session, erased_shop, "orders", [order(NEW_ORDER, None, updated=JUNE, total="9.00", **theirs)]
    )
    assert min(session.execute(select(Order.name, Order.total_minor)).all()) == ("", 900)
    importer.import_lines(session, erased_shop, "abandoned_checkouts", [checkout(1, PERSON), checkout(2, 2)])
    assert session.scalars(select(AbandonedCheckout.gid)).all() == ["gid://shopify/AbandonedCheckout/2"]
    assert "customers" not in places_of(session, MARK)
    assert places_of(session, GID) == []


def test_what_the_pixel_sees_of_them_goes_and_somebody_else_may_use_the_browser(
    session: Session, shop: Shop, erased_shop: ShopId
) -> None:
    told = Story(session, shop)
    somebody = told.customer()
    theirs = f"https://x.example/{MARK}"
    told.visit("another-browser", timedelta(minutes=5), customer_gid=GID, url=theirs, processed_at=None)
    told.visit("their-browser", timedelta(minutes=4), search=MARK, processed_at=None)
    told.visit(
        "their-browser", timedelta(minutes=3), customer_gid=somebody.gid, search="Jazz", processed_at=None
    )
    told.visit("a-third-browser", timedelta(minutes=2), search="Soul", processed_at=None)
    assert events.process_pixel_events(session, erased_shop, now=NOW) == 4
    left = session.execute(select(PixelEvent.search).order_by(PixelEvent.occurred_at)).scalars().all()
    assert left == ["Jazz", "Soul"]
    assert places_of(session, MARK, GID) == []


def test_a_tombstone_says_nothing_and_differs_from_shop_to_shop(
    session: Session, other_shop: Shop, erased_shop: ShopId
) -> None:
    with tenant_session(ShopId(other_shop.id)) as theirs:
        erased.mark(theirs, ShopId(other_shop.id), [GID])
        other = set(theirs.scalars(select(ErasedObject.digest)))
    mine = set(session.scalars(select(ErasedObject.digest)))
    assert (len(mine), len(other), mine & other) == (3, 2, set())
    assert {len(digest) for digest in mine} == {32}
    assert erased.find(session, erased_shop, [GID, "gid://shopify/Customer/2"]) == {GID}
    assert places_of(session, GID, str(PERSON), "their-browser") == []
