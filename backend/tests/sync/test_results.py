"""What a run brought in, read in pages and as files: exact, of one shop, and never older than the last commit."""

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update

from storecast.audit.models import AuditEntry, PersonalDataAccess
from storecast.auth.models import ShopMember
from storecast.config.settings import get_settings
from storecast.customers import handlers as customer_handlers
from storecast.customers.models import Customer, CustomerFacts, ShopifySegment
from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.orders.models import (
    AbandonedCheckout,
    Order,
    OrderFulfillment,
    OrderLine,
    OrderRefund,
    OrderTransaction,
)
from storecast.privacy import caches
from storecast.privacy.coverage import Subject
from storecast.privacy.needles import Needles
from storecast.products.models import Collection, Product, ProductVariant
from storecast.shops.models import Shop
from storecast.sync import results, service
from storecast.sync.repository import Wish
from tests.conftest import environment, id_token
from tests.golden_webhooks import delivery
from tests.simulated_shopify import SimulatedShopify, Worker

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)
TOLD_AT = "2026-05-01T10:00:00+00:00"

ANA: dict[str, Any] = {
    "gid": "gid://shopify/Customer/1",
    "email": "ana@example.com",
    "phone": "+351900000001",
    "first_name": '=HYPERLINK("http://x")',
    "last_name": 'Bel "Zé", Jr.',
    "locale": None,
    "country": "PT",
    "province": None,
    "city": "Lisboa\nOriente",
    "tags": ["vip", "=1"],
    "email_state": "subscribed",
    "email_opt_in_level": None,
    "email_consent_at": None,
    "sms_state": None,
    "sms_opt_in_level": None,
    "sms_consent_at": None,
    "created_at": TOLD_AT,
    "updated_at": TOLD_AT,
}

ANA_CSV = (
    "gid,email,phone,first_name,last_name,locale,country,province,city,tags,email_state,email_opt_in_level,"
    "email_consent_at,sms_state,sms_opt_in_level,sms_consent_at,created_at,updated_at\r\n"
    'gid://shopify/Customer/1,ana@example.com,\'+351900000001,"\'=HYPERLINK(""http://x"")","Bel ""Zé"", Jr.",'
    ',PT,,"Lisboa\nOriente","[""vip"",""=1""]",subscribed,,,,,,2026-05-01T10:00:00+00:00,2026-05-01T10:00:00+00:00\r\n'
)


def columns(row: dict[str, Any]) -> dict[str, Any]:
    """A row as told, as the columns of its table."""
    named = {"created_at": "shopify_created_at", "updated_at": "shopify_updated_at"}
    return {named.get(name, name): AT if value == TOLD_AT else value for name, value in row.items()}


def add_customer(shop: Shop, number: int, **changes: Any) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        values = columns(ANA) | {
            "gid": f"gid://shopify/Customer/{number}",
            "public_id": f"cus_{shop.id}_{number}",
        }
        customer = Customer(shop_id=shop.id, **(values | changes))
        session.add(customer)
        session.flush()
        session.add(CustomerFacts(shop_id=shop.id, customer_id=customer.id))


def begin(shop: Shop, *resources: Any) -> str:
    """A run of the shop that reads these resources (all when none is named)."""
    with tenant_session(ShopId(shop.id)) as session:
        wish = Wish(resources=resources) if resources else Wish()
        return service.start(session, ShopId(shop.id), kind="manual", wish=wish).public_id


def headers(shop: Shop, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {id_token(shop.domain, **claims)}"}


def read(client: TestClient, shop: Shop, sync_id: str, resource: str, **params: str) -> dict[str, Any]:
    answer = client.get(
        f"/api/v1/syncs/{sync_id}/results", headers=headers(shop), params={"resource": resource, **params}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body.keys() == {"items", "next_cursor"}
    return body


def export(client: TestClient, shop: Shop, sync_id: str, resource: str, form: str) -> Any:
    return client.get(
        f"/api/v1/syncs/{sync_id}/results/export",
        headers=headers(shop),
        params={"resource": resource, "format": form},
    )


def kept_pages() -> dict[str, str]:
    with redis.Redis.from_url(get_settings().redis_url, decode_responses=True) as client:
        return {name: client.get(name) for name in client.scan_iter("storecast:results:*")}


def accesses(shop: Shop) -> list[tuple[str, str, str, int]]:
    with tenant_session(ShopId(shop.id)) as session:
        rows = session.scalars(select(PersonalDataAccess).order_by(PersonalDataAccess.id))
        return [(row.actor, row.view, row.subject, row.people) for row in rows]


@pytest.fixture
def catalogue(shop: Shop) -> None:
    """One row of everything but customers."""
    own: dict[str, Any] = {"shop_id": shop.id}
    changed: dict[str, Any] = {**own, "shopify_updated_at": AT}
    order_gid = "gid://shopify/Order/1"
    with tenant_session(ShopId(shop.id)) as session:
        product = Product(
            **changed, gid="gid://shopify/Product/1", title="Mug", handle="mug", vendor=None, product_type=None,
            status="ACTIVE", tags=[], image_url=None, price_minor=1450, currency="USD",
        )  # fmt: skip
        order = Order(
            **changed, gid=order_gid, name="#1", customer_gid=ANA["gid"], email="ana@example.com", currency="USD",
            subtotal_minor=2900, discount_minor=0, tax_minor=0, shipping_minor=0, total_minor=2900, refunded_minor=1450,
            financial_status="PAID", fulfillment_status=None, test=False, placed_at=AT, discount_codes=["HELLO"],
            cart_token="secret-cart", checkout_token="secret-checkout", client_id="c-1",
        )  # fmt: skip
        checkout = AbandonedCheckout(
            **changed, gid="gid://shopify/AbandonedCheckout/1", name="#C1", customer_gid=None, recovery_url=None,
            currency="USD", subtotal_minor=5, total_minor=5, begun_at=AT,
        )  # fmt: skip
        collection = Collection(**changed, gid="gid://shopify/Collection/1", title="All", handle="all")
        segment = ShopifySegment(
            **changed, gid="gid://shopify/Segment/1", name="VIP", query="number_of_orders > 3"
        )
        session.add_all([product, order, checkout, collection, segment])
        session.flush()
        variant = ProductVariant(
            **own, product_id=product.id, product_gid=product.gid, gid="gid://shopify/ProductVariant/2", title="Blue",
            sku="-2", price_minor=1450,
        )  # fmt: skip
        line = OrderLine(
            **own, order_id=order.id, order_gid=order_gid, gid="gid://shopify/LineItem/1", product_gid=product.gid,
            variant_gid=None, title="Mug", quantity=2, price_minor=1450,
        )  # fmt: skip
        transaction = OrderTransaction(
            **own, order_gid=order_gid, gid="gid://shopify/OrderTransaction/1", kind="SALE", status="SUCCESS",
            gateway=None, test=False, amount_minor=2900, currency="USD", processed_at=AT,
        )  # fmt: skip
        refund = OrderRefund(
            **own, order_gid=order_gid, gid="gid://shopify/Refund/1", amount_minor=-1450, currency="USD", refunded_at=AT
        )  # fmt: skip
        shipment = OrderFulfillment(
            **own, order_gid=order_gid, gid="gid://shopify/Fulfillment/1", status="SUCCESS"
        )
        session.add_all([variant, line, transaction, refund, shipment])


LINE = {
    "gid": "gid://shopify/LineItem/1",
    "product_gid": "gid://shopify/Product/1",
    "variant_gid": None,
    "title": "Mug",
    "quantity": 2,
    "price_minor": 1450,
}
TRANSACTION = {
    "gid": "gid://shopify/OrderTransaction/1",
    "kind": "SALE",
    "status": "SUCCESS",
    "gateway": None,
    "test": False,
    "amount_minor": 2900,
    "currency": "USD",
    "processed_at": TOLD_AT,
}
REFUND = {"gid": "gid://shopify/Refund/1", "amount_minor": -1450, "currency": "USD", "refunded_at": TOLD_AT}
SHIPMENT = {
    "gid": "gid://shopify/Fulfillment/1",
    "status": "SUCCESS",
    "shipment_status": None,
    "fulfilled_at": None,
    "delivered_at": None,
}
OF_ORDER = {"order_gid": "gid://shopify/Order/1"}
EXPECTED: dict[str, dict[str, Any]] = {
    "products": {
        "gid": "gid://shopify/Product/1",
        "title": "Mug",
        "handle": "mug",
        "vendor": None,
        "product_type": None,
        "status": "ACTIVE",
        "tags": [],
        "image_url": None,
        "price_minor": 1450,
        "currency": "USD",
        "updated_at": TOLD_AT,
    },
    "variants": {
        "gid": "gid://shopify/ProductVariant/2",
        "product_gid": "gid://shopify/Product/1",
        "title": "Blue",
        "sku": "-2",
        "price_minor": 1450,
        "currency": "USD",
    },
    "collections": {
        "gid": "gid://shopify/Collection/1",
        "title": "All",
        "handle": "all",
        "updated_at": TOLD_AT,
    },
    "orders": {
        "gid": "gid://shopify/Order/1",
        "name": "#1",
        "customer_gid": "gid://shopify/Customer/1",
        "email": "ana@example.com",
        "currency": "USD",
        "subtotal_minor": 2900,
        "discount_minor": 0,
        "tax_minor": 0,
        "shipping_minor": 0,
        "total_minor": 2900,
        "refunded_minor": 1450,
        "financial_status": "PAID",
        "fulfillment_status": None,
        "test": False,
        "cancelled_at": None,
        "placed_at": TOLD_AT,
        "discount_codes": ["HELLO"],
        "landing_site": None,
        "updated_at": TOLD_AT,
        "lines": [LINE],
        "transactions": [TRANSACTION],
        "refunds": [REFUND],
        "fulfillments": [SHIPMENT],
    },
    "order_lines": LINE | OF_ORDER | {"currency": "USD"},
    "transactions": TRANSACTION | OF_ORDER,
    "refunds": REFUND | OF_ORDER,
    "fulfillments": SHIPMENT | OF_ORDER,
    "abandoned_checkouts": {
        "gid": "gid://shopify/AbandonedCheckout/1",
        "name": "#C1",
        "customer_gid": None,
        "recovery_url": None,
        "currency": "USD",
        "subtotal_minor": 5,
        "total_minor": 5,
        "discount_codes": [],
        "begun_at": TOLD_AT,
        "completed_at": None,
        "updated_at": TOLD_AT,
    },
    "segments": {
        "gid": "gid://shopify/Segment/1",
        "name": "VIP",
        "query": "number_of_orders > 3",
        "updated_at": TOLD_AT,
    },
}


@pytest.mark.parametrize("resource", EXPECTED)
def test_every_resource_is_handed_out_whole(
    client: TestClient, shop: Shop, catalogue: None, resource: str
) -> None:
    run = begin(shop)
    expected = EXPECTED[resource]

    for _ in range(2):  # from the database, then from Redis
        assert read(client, shop, run, resource) == {"items": [expected], "next_cursor": None}

    lines = export(client, shop, run, resource, "jsonl")
    assert json.loads(lines.text) == expected
    assert lines.text.endswith("}\n")
    head, cells = csv.reader(io.StringIO(export(client, shop, run, resource, "csv").text, newline=""))
    assert sorted(head) == sorted(expected)
    for name, cell in zip(head, cells, strict=True):
        value = expected[name]
        if isinstance(value, str):
            assert cell == ("'-2" if value == "-2" else value)
        else:
            assert (cell and json.loads(cell)) == ("" if value is None else value)


def test_both_files_byte_for_byte(client: TestClient, shop: Shop) -> None:
    add_customer(shop, 1)
    run = begin(shop)

    table = export(client, shop, run, "customers", "csv")
    lines = export(client, shop, run, "customers", "jsonl")

    assert table.content == ANA_CSV.encode()
    assert lines.content == json.dumps(ANA, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    for answer, kind, form in (
        (table, "text/csv; charset=utf-8", "csv"),
        (lines, "application/jsonl", "jsonl"),
    ):
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-disposition"] == f'attachment; filename="customers-{run}.{form}"'
        assert answer.headers["cache-control"] == "no-store"


def test_an_empty_table_is_its_header(client: TestClient, shop: Shop) -> None:
    run = begin(shop)
    assert read(client, shop, run, "segments") == {"items": [], "next_cursor": None}
    assert export(client, shop, run, "segments", "csv").text == "gid,name,query,updated_at\r\n"
    assert export(client, shop, run, "segments", "jsonl").text == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(client: TestClient, shop: Shop, start: str) -> None:
    add_customer(shop, 1, last_name=f"{start}1+1", city=f"x{start}1")
    run = begin(shop)

    text = export(client, shop, run, "customers", "csv").content.decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))

    assert (row["last_name"], row["city"]) == (f"'{start}1+1", f"x{start}1")


def test_pages_hold_every_row_once_and_files_all_of_them(
    client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "PAGE", 3)
    monkeypatch.setattr(results, "CHUNK", 2)
    for number in range(1, 9):
        add_customer(shop, number)
    run = begin(shop)
    expected = [f"gid://shopify/Customer/{number}" for number in range(1, 9)]

    pages: list[list[str]] = []
    cursor = ""
    while not pages or cursor:
        page = read(client, shop, run, "customers", **({"cursor": cursor} if cursor else {}))
        pages.append([item["gid"] for item in page["items"]])
        cursor = page["next_cursor"]

    assert pages == [expected[:3], expected[3:6], expected[6:]]
    lines = export(client, shop, run, "customers", "jsonl").text.splitlines()
    assert [json.loads(line)["gid"] for line in lines] == expected
    table = csv.reader(io.StringIO(export(client, shop, run, "customers", "csv").text, newline=""))
    assert [row[0] for row in table] == ["gid", *expected]


def test_a_last_page_that_is_full_has_no_next(
    client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "PAGE", 2)
    add_customer(shop, 1)
    add_customer(shop, 2)
    run = begin(shop)
    assert read(client, shop, run, "customers")["next_cursor"] is None
    add_customer(shop, 3)
    assert read(client, shop, run, "customers")["next_cursor"] is not None


@pytest.mark.parametrize("cursor", ["x", "WzQyXQ", "WyJnaWQ6Ly8AIl0", "WyJ4Il0", "WyJnaWQ6Ly9cdTAwMDAiXQ"])
def test_a_foreign_cursor_is_refused(client: TestClient, shop: Shop, cursor: str) -> None:
    run = begin(shop)
    answer = client.get(f"/api/v1/syncs/{run}/results", headers=headers(shop), params={"cursor": cursor})
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == ["cursor_invalid"]


def test_a_run_has_results_of_what_it_read(client: TestClient, shop: Shop, catalogue: None) -> None:
    run = begin(shop, "products")
    assert len(read(client, shop, run, "variants")["items"]) == 1
    for path in ("results", "results/export"):
        address = f"/api/v1/syncs/{run}/{path}"
        refused = client.get(address, headers=headers(shop), params={"resource": "orders"})
        assert (refused.status_code, refused.json()["code"]) == (404, "sync_results_unknown")
        made_up = client.get(address, headers=headers(shop), params={"resource": "passwords"})
        assert (made_up.status_code, made_up.json()["code"]) == (422, "invalid")
    assert accesses(shop) == []


def test_the_neighbour_gets_neither_the_run_nor_the_rows(
    client: TestClient, shop: Shop, other_shop: Shop
) -> None:
    add_customer(shop, 1)
    run, theirs = begin(shop), begin(other_shop)
    read(client, shop, run, "customers")
    assert len(kept_pages()) == 1

    for path in ("results", "results/export"):
        answer = client.get(f"/api/v1/syncs/{run}/{path}", headers=headers(other_shop))
        assert (answer.status_code, answer.json()["code"]) == (404, "sync_unknown")
    assert read(client, other_shop, theirs, "customers")["items"] == []
    assert export(client, other_shop, theirs, "customers", "jsonl").text == ""
    assert accesses(other_shop) == []


def test_only_a_manager_takes_everything_along_and_all_who_look_are_noted(
    client: TestClient, shop: Shop
) -> None:
    with platform_session() as session:
        session.add(
            ShopMember(
                shop_id=shop.id, shopify_user_id="8", email="v@acme.example", name="V", role="viewer",
                last_seen_at=utcnow(),
            )
        )  # fmt: skip
    add_customer(shop, 1)
    add_customer(shop, 2)
    run = begin(shop)
    viewer = headers(shop, user_id="8")
    address = f"/api/v1/syncs/{run}/results"

    assert client.get(address, headers=viewer).status_code == 200
    assert client.get(f"{address}/export", headers=viewer).json()["code"] == "forbidden"
    assert export(client, shop, run, "customers", "jsonl").status_code == 200
    assert export(client, shop, run, "products", "jsonl").status_code == 200

    assert accesses(shop) == [("user:8", "results", run, 2), ("user:7", "export", run, 2)]
    with tenant_session(ShopId(shop.id)) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        told = [(entry.actor, entry.action, entry.subject, entry.detail) for entry in entries]
    assert told == [
        ("user:7", "sync_results_exported", run, {"resource": "customers", "format": "jsonl", "people": 2}),
        ("user:7", "sync_results_exported", run, {"resource": "products", "format": "jsonl", "people": 0}),
    ]


def test_a_page_comes_from_redis_while_nothing_was_written(client: TestClient, shop: Shop) -> None:
    """Proven by a page that only Redis has."""
    add_customer(shop, 1)
    run = begin(shop)
    first = read(client, shop, run, "customers")
    ((name, kept),) = kept_pages().items()
    assert name.startswith(f"storecast:results:{shop.id}:customers:USD:")
    assert json.loads(kept) == first
    with redis.Redis.from_url(get_settings().redis_url) as known:
        assert 0 < known.ttl(name) <= 60
        known.set(name, kept.replace("ana@example.com", "kept@example.com"))

    assert read(client, shop, run, "customers")["items"][0]["email"] == "kept@example.com"


def test_a_webhook_is_seen_at_once(client: TestClient, shop: Shop) -> None:
    told = delivery(
        "customers/update", triggered_at=utcnow(), updated_at="2026-06-01T10:00:00Z", first_name="Nova"
    )
    gid = str(told.payload["admin_graphql_api_id"])
    add_customer(shop, 1, gid=gid)
    run = begin(shop)
    assert read(client, shop, run, "customers")["items"][0]["first_name"] == ANA["first_name"]

    with tenant_session(ShopId(shop.id)) as session:
        customer_handlers.take_profile(session, ShopId(shop.id), told)

    (item,) = read(client, shop, run, "customers")["items"]
    assert (item["gid"], item["first_name"]) == (gid, "Nova")


PARTS: list[tuple[Any, str, dict[str, Any]]] = [
    (OrderLine, "lines", {"quantity": 3}),
    (OrderTransaction, "transactions", {"status": "FAILURE"}),
    (OrderRefund, "refunds", {"amount_minor": 1}),
    (OrderFulfillment, "fulfillments", {"status": "CANCELLED"}),
]


@pytest.mark.parametrize(("table", "name", "change"), PARTS)
def test_a_change_of_what_hangs_on_an_order_is_seen_at_once(
    client: TestClient, shop: Shop, catalogue: None, table: Any, name: str, change: dict[str, Any]
) -> None:
    run = begin(shop)
    before = read(client, shop, run, "orders")["items"][0][name]
    with tenant_session(ShopId(shop.id)) as session:
        session.execute(update(table).values(**change))
    assert read(client, shop, run, "orders")["items"][0][name] == [before[0] | change]
    with tenant_session(ShopId(shop.id)) as session:
        session.execute(delete(table))
    assert read(client, shop, run, "orders")["items"][0][name] == []


def test_a_write_is_seen_when_it_is_committed_and_not_before(client: TestClient, shop: Shop) -> None:
    add_customer(shop, 1)
    run = begin(shop)
    read(client, shop, run, "customers")
    with tenant_session(ShopId(shop.id)) as session:
        session.execute(update(Customer).values(city="Porto"))
        session.flush()
        assert read(client, shop, run, "customers")["items"][0]["city"] == ANA["city"]
    assert read(client, shop, run, "customers")["items"][0]["city"] == "Porto"


def test_another_currency_of_the_shop_is_seen_at_once(
    client: TestClient, shop: Shop, catalogue: None
) -> None:
    run = begin(shop)
    assert read(client, shop, run, "variants")["items"][0]["currency"] == "USD"
    with platform_session() as session:
        session.execute(update(Shop).values(currency="EUR"))
    assert read(client, shop, run, "variants")["items"][0]["currency"] == "EUR"


def test_a_sync_is_seen_at_once(shopify: SimulatedShopify, worker: Worker, installed: ShopId) -> None:
    def shown() -> list[dict[str, Any]]:
        with tenant_session(installed) as session:
            newest = session.scalar(text("SELECT public_id FROM sync_runs ORDER BY id DESC LIMIT 1"))
            page = results.read(session, installed, "user:7", str(newest), "customers", cursor=None)
        items: list[dict[str, Any]] = json.loads(page)["items"]
        return items

    worker.run_until_idle()
    first = shown()
    assert first
    with tenant_session(installed) as session:
        long_ago = datetime(2000, 1, 1, tzinfo=UTC)
        session.execute(update(Customer).values(city="Nowhere", shopify_updated_at=long_ago))
    assert {item["city"] for item in shown()} == {"Nowhere"}

    with tenant_session(installed) as session:
        service.start(session, installed, kind="manual", wish=Wish(resources=("customers",)))
    worker.run_until_idle()

    assert shown() == first


@contextmanager
def redis_away() -> Iterator[None]:
    """The same database, and a Redis at an address where nobody listens."""
    with environment({**os.environ, "REDIS_URL": "redis://127.0.0.1:1"}):
        yield


def test_without_redis_the_database_answers(client: TestClient, shop: Shop) -> None:
    add_customer(shop, 1)
    run = begin(shop)
    with redis_away():
        for _ in range(2):
            assert read(client, shop, run, "customers") == {"items": [ANA], "next_cursor": None}
        assert export(client, shop, run, "customers", "csv").content == ANA_CSV.encode()
    assert kept_pages() == {}


def test_an_erasure_finds_a_persons_pages_and_a_shops(
    client: TestClient, shop: Shop, other_shop: Shop
) -> None:
    add_customer(shop, 1)
    add_customer(other_shop, 2, email="bo@example.com")
    read(client, shop, begin(shop), "customers")
    read(client, other_shop, begin(other_shop), "customers")
    assert len(kept_pages()) == 2

    assert caches.forget_person(Subject(needles=Needles(texts=("ana@example.com",)))) == 1
    (left,) = kept_pages()
    assert left.startswith(f"storecast:results:{other_shop.id}:")
    caches.forget_shop(ShopId(other_shop.id), other_shop.domain)
    assert kept_pages() == {}
