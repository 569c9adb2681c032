"""The importer against a real database: what lines become, which are refused, and that stale ones change nothing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerFacts
from storecast.kit.types import ShopId
from storecast.orders import service as order_service
from storecast.orders.models import Order, OrderFulfillment, OrderLine, OrderRefund, OrderTransaction
from storecast.products.models import CollectionProduct, Product, ProductVariant
from storecast.shops.models import Shop
from storecast.sync import importer
from storecast.sync.importer import Refusal
from storecast.sync.shapes import _minor

MAY, JUNE, JULY = "2026-05-01T10:00:00Z", "2026-06-01T10:00:00Z", "2026-07-01T10:00:00Z"


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def customer(number: int, *, updated: str = MAY, **fields: Any) -> bytes:
    email = {
        "emailAddress": f"c{number}@example.com",
        "marketingState": "SUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN",
        "marketingUpdatedAt": MAY,
        "openTrackingLevel": "UNKNOWN",
    } | fields.pop("email", {})
    values = {
        "id": f"gid://shopify/Customer/{number}",
        "firstName": "Ada",
        "lastName": f"No {number}",
        "locale": "en",
        "tags": ["vip"],
        "createdAt": MAY,
        "updatedAt": updated,
        "defaultEmailAddress": email,
        "defaultAddress": {"city": "Oslo", "province": None, "countryCodeV2": "NO"},
    }
    return line(**(values | fields))


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def order(
    number: int, customer_number: int | None = 1, *, updated: str = MAY, total: str = "20.00", **fields: Any
) -> bytes:
    values = {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "processedAt": MAY,
        "updatedAt": updated,
        "totalPriceSet": money(total),
        "totalRefundedSet": money("0.00"),
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED",
        "discountCodes": ["HELLO"],
        "customer": {"id": f"gid://shopify/Customer/{customer_number}"} if customer_number else None,
        "customerJourneySummary": {"ready": True, "lastVisit": {"landingPage": "https://x.example/?a=1"}},
    }
    return line(**(values | fields))


def order_line(number: int, order_number: int, **fields: Any) -> bytes:
    values = {
        "id": f"gid://shopify/LineItem/{number}",
        "title": "Record",
        "quantity": 2,
        "product": {"id": "gid://shopify/Product/9"},
        "variant": None,
        "originalUnitPriceSet": money("10.00"),
        "__parentId": f"gid://shopify/Order/{order_number}",
    }
    return line(**(values | fields))


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def test_customers_arrive_with_consent_and_a_row_of_facts(session: Session, shop_id: ShopId) -> None:
    counts = importer.import_lines(
        session, shop_id, "customers", [customer(1), customer(2, email={"openTrackingLevel": "OPTED_OUT"})]
    )

    assert (counts.lines, counts.rows_done, counts.rows_written, counts.rows_refused) == (2, 2, 2, 0)
    first, second = session.scalars(select(Customer).order_by(Customer.gid)).all()
    assert (first.email, first.city, first.country, first.tags) == ("c1@example.com", "Oslo", "NO", ["vip"])
    assert (first.email_state, first.email_opt_in_level) == ("subscribed", "single_opt_in")
    assert first.email_consent_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert (first.open_tracking, second.open_tracking) == (True, False)
    facts = session.scalars(select(CustomerFacts)).all()
    assert [(row.orders_count, row.total_spent_minor, row.rfm_recency) for row in facts] == [(0, 0, None)] * 2


def test_an_older_line_changes_nothing_and_a_newer_one_wins(session: Session, shop_id: ShopId) -> None:
    importer.import_lines(session, shop_id, "customers", [customer(1, updated=JUNE, firstName="New")])

    stale = importer.import_lines(session, shop_id, "customers", [customer(1, updated=MAY, firstName="Old")])
    assert stale.rows_written == 0
    assert session.scalar(select(Customer.first_name)) == "New"

    importer.import_lines(session, shop_id, "customers", [customer(1, updated=JULY, firstName="Newest")])
    assert session.scalar(select(Customer.first_name)) == "Newest"


def test_the_newest_of_two_lines_in_one_chunk_wins(session: Session, shop_id: ShopId) -> None:
    lines = [customer(1, updated=JULY, firstName="Newest"), customer(1, updated=JUNE, firstName="New")]
    importer.import_lines(session, shop_id, "customers", lines)
    assert session.scalar(select(Customer.first_name)) == "Newest"


def test_a_repeated_import_writes_nothing(session: Session, shop_id: ShopId) -> None:
    lines = [customer(1), customer(2)]
    importer.import_lines(session, shop_id, "customers", lines)
    assert importer.import_lines(session, shop_id, "customers", lines).rows_written == 0
    orders = [order(1), order_line(1, 1)]
    importer.import_lines(session, shop_id, "orders", orders)
    assert importer.import_lines(session, shop_id, "orders", orders).rows_written == 0


def test_an_older_consent_in_a_newer_profile_does_not_win(session: Session, shop_id: ShopId) -> None:
    unsubscribed = {"marketingState": "UNSUBSCRIBED", "marketingUpdatedAt": JUNE}
    importer.import_lines(session, shop_id, "customers", [customer(1, email=unsubscribed)])

    importer.import_lines(session, shop_id, "customers", [customer(1, updated=JULY, firstName="Eve")])

    row = session.scalars(select(Customer)).one()
    assert (row.first_name, row.email_state) == ("Eve", "unsubscribed")


def test_orders_find_their_customer_and_lines_their_order(session: Session, shop_id: ShopId) -> None:
    importer.import_lines(session, shop_id, "customers", [customer(1)])
    counts = importer.import_lines(session, shop_id, "orders", [order_line(5, 7), order(7, 1)])

    assert (counts.rows_done, counts.rows_written) == (2, 1)
    found = session.scalars(select(Order)).one()
    assert found.customer_id == session.scalar(select(Customer.id))
    assert (found.total_minor, found.currency, found.financial_status) == (2000, "USD", "paid")
    assert found.journey == {"ready": True, "lastVisit": {"landingPage": "https://x.example/?a=1"}}
    item = session.scalars(select(OrderLine)).one()
    assert (item.order_id, item.quantity, item.price_minor) == (found.id, 2, 1000)


def test_a_line_in_an_earlier_chunk_than_its_order_is_tied_at_the_end(
    session: Session, shop_id: ShopId
) -> None:
    lines = [order_line(5, 7), order(7, 1), customer(1)]
    importer.import_lines(session, shop_id, "orders", lines[:2], chunk_lines=1)
    assert session.scalar(select(OrderLine.order_id)) is None
    importer.import_lines(session, shop_id, "customers", lines[2:])

    importer.finish(session, shop_id, "orders")

    session.expire_all()
    assert session.scalar(select(OrderLine.order_id)) == session.scalar(select(Order.id))
    assert session.scalar(select(Order.customer_id)) == session.scalar(select(Customer.id))


def test_lines_of_an_order_that_changed_after_the_operation_began_are_left_alone(
    session: Session, shop_id: ShopId
) -> None:
    importer.import_lines(session, shop_id, "orders", [order(7, None, updated=JULY), order_line(5, 7)])

    importer.import_lines(
        session,
        shop_id,
        "orders",
        [order(7, None, updated=MAY), order_line(5, 7, quantity=1)],
        as_of=datetime(2026, 6, 1, tzinfo=UTC),
    )

    assert session.scalar(select(OrderLine.quantity)) == 2


def test_products_and_variants(session: Session, shop_id: ShopId) -> None:
    product = line(
        id="gid://shopify/Product/9",
        title="Kind of Blue",
        handle="kind-of-blue",
        updatedAt=MAY,
        status="ACTIVE",
        vendor="",
        tags=["jazz"],
        featuredMedia={"preview": {"image": {"url": "https://cdn.example/a.png"}}},
        priceRangeV2={"minVariantPrice": {"amount": "12.5", "currencyCode": "USD"}},
    )
    variant = line(
        id="gid://shopify/ProductVariant/3",
        title="LP",
        price="12.50",
        sku=None,
        __parentId="gid://shopify/Product/9",
    )
    importer.import_lines(session, shop_id, "products", [product, variant])
    importer.finish(session, shop_id, "products")

    stored = session.scalars(select(Product)).one()
    assert (stored.title, stored.vendor, stored.price_minor, stored.image_url) == (
        "Kind of Blue",
        None,
        1250,
        "https://cdn.example/a.png",
    )
    assert session.scalars(select(ProductVariant)).one().product_id == stored.id


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (line(id="gid://shopify/Customer/3"), "Object missing required field `updatedAt`"),
        (customer(3, updated="yesterday"), "Invalid RFC3339 encoded datetime - at `$.updatedAt`"),
        (customer(3, updated="2026-05-01T10:00:00"), "an id, amount or instant does not parse"),
        (customer(3, id="gid://shopify/Order/3"), "an id, amount or instant does not parse"),
        (customer(3, email={"marketingState": "PERHAPS"}), "an unknown state"),
        (customer(3, firstName="a\0b"), "a zero character, which PostgreSQL cannot store"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_and_the_others_kept(
    session: Session, shop_id: ShopId, bad: bytes, reason: str
) -> None:
    counts = importer.import_lines(session, shop_id, "customers", [customer(1), bad, customer(2)])

    assert (counts.rows_done, counts.rows_refused, counts.rows_written) == (2, 1, 2)
    assert counts.refusals == [Refusal(2, reason)]


@pytest.mark.parametrize("total", ["much", "1e999", "99999999999999999999.00", "NaN", ""])
def test_an_order_with_an_impossible_amount_is_refused(session: Session, shop_id: ShopId, total: str) -> None:
    counts = importer.import_lines(session, shop_id, "orders", [order(1, None, total=total), order(2, None)])
    assert (counts.rows_done, counts.rows_refused) == (1, 1)
    assert session.scalar(select(Order.name)) == "#2"


def test_refusals_are_counted_whole_and_kept_in_part(session: Session, shop_id: ShopId) -> None:
    counts = importer.import_lines(session, shop_id, "customers", [b"{"] * 250, chunk_lines=60)
    assert (counts.rows_refused, len(counts.refusals)) == (250, 100)
    assert counts.refusals[-1].line == 100


def test_facts_and_scores_of_the_whole_shop(session: Session, shop_id: ShopId) -> None:
    """Ten buyers, two a fifth; the one who bought last and most is at the top of both scores."""
    importer.import_lines(session, shop_id, "customers", [customer(n) for n in range(1, 12)])
    orders = []
    for n in range(1, 11):
        instant = f"2026-05-{n:02d}T10:00:00Z"
        orders += [order(n * 100 + k, n, total=f"{n}.50", processedAt=instant) for k in range(n)]
    orders.append(order(5000, 1, cancelledAt=JULY, processedAt=JULY))
    orders.append(order(5001, 1, test=True, processedAt=JULY))
    importer.import_lines(session, shop_id, "orders", orders)
    importer.finish(session, shop_id, "orders")
    order_service.rescore(session, shop_id)

    rows = session.execute(
        select(CustomerFacts).join(Customer, Customer.id == CustomerFacts.customer_id).order_by(Customer.id)
    ).scalars()
    facts = list(rows)
    assert [row.orders_count for row in facts] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]
    assert [row.total_spent_minor for row in facts[:3]] == [150, 500, 1050]
    assert [row.average_order_minor for row in facts[:3]] == [150, 250, 350]
    assert [row.rfm_recency for row in facts] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, None]
    assert [row.rfm_monetary for row in facts] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, None]
    assert [row.rfm_frequency for row in facts] == [1, 2, 3, 3, 4, 4, 4, 4, 4, 5, None]
    assert facts[0].last_order_at == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_refunds_lower_what_was_spent(session: Session, shop_id: ShopId) -> None:
    importer.import_lines(session, shop_id, "customers", [customer(1)])
    importer.import_lines(session, shop_id, "orders", [order(1, 1, totalRefundedSet=money("5.00"))])
    importer.finish(session, shop_id, "orders")
    order_service.rescore(session, shop_id)
    assert session.scalar(select(CustomerFacts.total_spent_minor)) == 1500


def test_another_shop_sees_nothing(session: Session, shop_id: ShopId, other_shop: Shop) -> None:
    importer.import_lines(session, shop_id, "customers", [customer(1)])
    importer.import_lines(session, shop_id, "orders", [order(1)])
    session.execute(text("SELECT set_config('storecast.shop_id', :id, true)"), {"id": str(other_shop.id)})
    for table in ("customers", "customer_facts", "orders"):
        assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


@given(minor=st.integers(min_value=0, max_value=10**12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_short_way_to_minor_units_is_the_long_way(minor: int) -> None:
    amount = f"{minor // 100}.{minor % 100:02d}"
    assert _minor(amount, "USD") == minor
    assert _minor(f"{minor}.0", "JPY") == minor


def collection(number: int, *, updated: str = MAY) -> bytes:
    return line(
        id=f"gid://shopify/Collection/{number}",
        title=f"Shelf {number}",
        handle=f"shelf-{number}",
        updatedAt=updated,
    )


def member(product: int, collection_number: int) -> bytes:
    return line(
        id=f"gid://shopify/Product/{product}", __parentId=f"gid://shopify/Collection/{collection_number}"
    )


def paid(number: int, **fields: Any) -> dict[str, Any]:
    values = {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": "bogus",
        "createdAt": MAY,
        "amountSet": money("20.00"),
    }
    return values | fields


def members(session: Session) -> list[tuple[str, str]]:
    rows = session.execute(select(CollectionProduct.collection_gid, CollectionProduct.product_gid)).all()
    return sorted((c.rpartition("/")[2], p.rpartition("/")[2]) for c, p in rows)


def test_what_hangs_on_an_order_is_replaced_by_a_newer_version_and_kept_from_an_older_one(
    session: Session, shop_id: ShopId
) -> None:
    refund = {"id": "gid://shopify/Refund/1", "processedAt": JUNE, "totalRefundedSet": money("5.00")}
    shipped = {"id": "gid://shopify/Fulfillment/1", "status": "SUCCESS", "displayStatus": "DELIVERED"}
    newest = order(7, None, updated=JULY, transactions=[paid(2)], refunds=[refund], fulfillments=[shipped])
    importer.import_lines(session, shop_id, "orders", [order(7, None, updated=MAY, transactions=[paid(1)])])
    assert session.scalars(select(OrderTransaction.gid)).all() == ["gid://shopify/OrderTransaction/1"]

    importer.import_lines(session, shop_id, "orders", [newest])
    importer.import_lines(session, shop_id, "orders", [order(7, None, updated=JUNE, transactions=[paid(3)])])

    transaction = session.scalars(select(OrderTransaction)).one()
    assert (transaction.gid, transaction.kind, transaction.status, transaction.amount_minor) == (
        "gid://shopify/OrderTransaction/2",
        "sale",
        "success",
        2000,
    )
    assert session.scalars(select(OrderRefund.amount_minor)).all() == [500]
    assert session.scalars(select(OrderFulfillment.shipment_status)).all() == ["delivered"]


def test_an_order_whose_transaction_cannot_be_read_is_refused_whole(
    session: Session, shop_id: ShopId
) -> None:
    bad = order(7, None, transactions=[paid(1), paid(2, amountSet=money("a lot"))])
    counts = importer.import_lines(session, shop_id, "orders", [bad, order(8, None, transactions=[paid(3)])])
    assert (counts.rows_done, counts.reasons) == (1, {"an id, amount or instant does not parse": 1})
    assert session.scalars(select(OrderTransaction.gid)).all() == ["gid://shopify/OrderTransaction/3"]


def test_a_complete_import_shows_what_stands_in_a_collection_no_more(
    session: Session, shop_id: ShopId
) -> None:
    first, then = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
    lines = [member(1, 1), collection(1), collection(2), member(1, 2), member(2, 2)]
    importer.import_lines(session, shop_id, "collections", lines, as_of=first)
    importer.finish(session, shop_id, "collections", complete_since=first)
    assert members(session) == [("1", "1"), ("2", "1"), ("2", "2")]

    importer.import_lines(
        session, shop_id, "collections", [collection(1), collection(2), member(2, 2)], as_of=then
    )
    importer.finish(session, shop_id, "collections")
    assert len(members(session)) == 3
    importer.finish(session, shop_id, "collections", complete_since=then)
    assert members(session) == [("2", "2")]


def test_a_whole_page_takes_the_children_away_that_its_parents_have_lost(
    session: Session, shop_id: ShopId
) -> None:
    importer.import_lines(
        session,
        shop_id,
        "orders",
        [order(7, None), order(8, None), order_line(1, 7), order_line(2, 7), order_line(3, 8)],
    )
    page = [order(7, None, updated=JUNE), order_line(2, 7)]
    importer.import_chunk(session, shop_id, "orders", page, whole=True)
    gids = session.scalars(select(OrderLine.gid).order_by(OrderLine.gid)).all()
    assert [gid.rpartition("/")[2] for gid in gids] == ["2", "3"]


def test_whatever_stands_between_them_good_lines_are_kept_and_bad_ones_counted_by_reason(
    session: Session, shop_id: ShopId
) -> None:
    unreadable: list[tuple[bytes | None, str]] = [
        (None, "longer than a line may be"),
        (b"{", "not JSON"),
        (b"<html><body>Forbidden</body></html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (customer(90, firstName="nul\x00"), "a zero character, which PostgreSQL cannot store"),
        (customer(91).replace(b"Ada", b"\\ud800"), "not JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (
            customer(92).replace(b'"2026-05-01T10:00:00Z"', b'"2026-05-01T10:00:00"'),
            "an id, amount or instant does not parse",
        ),
        (customer(93, email={"marketingState": "PERHAPS"}), "an unknown state"),
    ]
    good = [
        customer(1),
        customer(2, unknownField={"deep": [1e300, 10**30]}),
        customer(3, firstName="x" * 100_000),
    ]
    duplicates = [customer(1, updated=JUNE, firstName="Newer"), customer(1, updated=MAY, firstName="Older")]
    lines = [
        line
        for pair in zip(unreadable, [*good, *duplicates, *good, good[0]], strict=True)
        for line in (pair[0][0], pair[1])
    ]

    counts = importer.import_lines(session, shop_id, "customers", lines)

    assert counts.lines == len(lines)
    assert counts.rows_done + counts.rows_refused == len(lines)
    expected: dict[str, int] = {}
    for _, reason in unreadable:
        expected[reason] = expected.get(reason, 0) + 1
    assert counts.reasons == expected
    names = session.execute(select(Customer.gid, Customer.first_name).order_by(Customer.gid)).all()
    assert [(gid.rpartition("/")[2], len(name or "")) for gid, name in names] == [
        ("1", 5),
        ("2", 3),
        ("3", 100_000),
    ]


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("10.005", "USD", 1000),
        ("10.015", "USD", 1002),
        ("1.0005", "KWD", 1000),
        ("10.5", "JPY", 10),
        ("11.5", "JPY", 12),
    ],
)
def test_money_with_more_decimals_than_its_currency_is_rounded_half_to_even(
    session: Session, shop_id: ShopId, amount: str, currency: str, minor: int
) -> None:
    bags: dict[str, Any] = {
        "totalPriceSet": money(amount, currency),
        "totalRefundedSet": money("0", currency),
    }
    importer.import_lines(session, shop_id, "orders", [order(1, None, **bags)])
    assert session.scalars(select(Order.total_minor)).all() == [minor]


@pytest.mark.parametrize("amount", ["9" * 40, "1e400", "NaN", "-Infinity", "", "٣.٠٠.١"])
def test_an_amount_that_is_none_is_refused_and_its_neighbour_kept(
    session: Session, shop_id: ShopId, amount: str
) -> None:
    counts = importer.import_lines(session, shop_id, "orders", [order(1, None, total=amount), order(2, None)])
    assert (counts.rows_refused, counts.rows_done) == (1, 1)
    assert session.scalars(select(Order.name)).all() == ["#2"]


def test_reasons_without_end_are_counted_as_one(session: Session) -> None:
    counts = importer.ImportCounts()
    for number in range(importer.MAX_REASONS + 7):
        counts.refuse(number, f"reason {number}")
    assert len(counts.reasons) == importer.MAX_REASONS + 1
    assert counts.reasons[importer.OTHER_REASONS] == 7
