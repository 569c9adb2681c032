"""Store credit is given once: not twice when an answer is lost, not never when a call is."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from storecast.customers import store_credit
from storecast.customers.jobs import GiveStoreCredit
from storecast.customers.models import Customer, StoreCreditEntry
from storecast.customers.store_credit_schemas import NewStoreCredit
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.conftest import id_token
from tests.simulated_shopify import SimulatedShopify, Worker

SCOPES = [
    "read_customers",
    "write_customers",
    "read_orders",
    "read_products",
    "write_store_credit_account_transactions",
    "read_store_credit_accounts",
]


@pytest.fixture
def customer(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, monkeypatch: pytest.MonkeyPatch
) -> Customer:
    """Somebody of a shop that allows store credit; what is in doubt is settled at once."""
    monkeypatch.setattr(store_credit, "SETTLE_AFTER", timedelta(0))
    monkeypatch.setattr(store_credit, "ABANDONED_AFTER", timedelta(0))
    worker.run_until_idle()
    shopify.control("scopes", scopes=SCOPES)
    with tenant_session(installed) as session:
        session.execute(update(Shop).where(Shop.id == installed).values(scopes=SCOPES))
        return session.scalars(select(Customer).order_by(Customer.id).limit(1)).one()


def given(shopify: SimulatedShopify) -> list[str]:
    """The amounts that were credited."""
    kind = {"kind": "StoreCreditAccountCreditTransaction"}
    answer = httpx.get(f"{shopify.origin}/control/documents", params=kind, timeout=10)
    return [each["amount"]["amount"] for each in answer.json()]


def keyed(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": "wish"}


def ask(customer: Customer, amount_minor: int = 1000) -> None:
    shop_id = ShopId(customer.shop_id)
    with tenant_session(shop_id) as session:
        wanted = NewStoreCredit(amount_minor=amount_minor, reason="Sorry")
        store_credit.request(session, shop_id, customer.public_id, wanted, actor="user:7")


def entries(customer: Customer) -> list[StoreCreditEntry]:
    with tenant_session(ShopId(customer.shop_id)) as session:
        return list(session.scalars(select(StoreCreditEntry).order_by(StoreCreditEntry.id)))


def test_a_credit_is_given_and_listed(
    shopify: SimulatedShopify, worker: Worker, customer: Customer, client: TestClient
) -> None:
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    path = f"/api/v1/customers/{customer.public_id}/store-credit"
    body = {"amount_minor": 1250, "reason": "Late parcel", "expires_at": "2031-01-01T00:00:00Z"}
    once = {**headers, "Idempotency-Key": "k-1"}
    asked = client.post(path, json=body, headers=once)
    assert asked.status_code == 202, asked.text
    assert client.post(path, json=body, headers=once).json() == asked.json()

    worker.run_until_idle()

    (listed,) = client.get(path, headers=headers).json()["items"]
    assert listed["id"] == asked.json()["id"]
    assert (listed["state"], listed["amount"]["amount_minor"], listed["error"]) == ("done", 1250, None)
    assert given(shopify) == ["12.50"]
    (entry,) = entries(customer)
    assert str(entry.transaction_gid).startswith("gid://shopify/StoreCreditAccountCreditTransaction/")
    with tenant_session(ShopId(customer.shop_id)) as session:
        (action,) = session.scalars(text("SELECT action FROM audit_log ORDER BY id DESC LIMIT 1")).all()
        assert action == "store_credit_requested"


def test_the_balance_is_shopifys_and_the_ledger_stands_beside_it(
    shopify: SimulatedShopify, worker: Worker, customer: Customer, client: TestClient
) -> None:
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    path = f"/api/v1/customers/{customer.public_id}/store-credit"

    def accounts() -> list[tuple[str, int | None, int, int]]:
        answer = client.get(f"{path}/balance", headers=headers)
        assert answer.status_code == 200, answer.text
        return [
            (
                each["given"]["currency"],
                each["balance"] and each["balance"]["amount_minor"],
                each["given"]["amount_minor"],
                each["on_its_way"]["amount_minor"],
            )
            for each in answer.json()["accounts"]
        ]

    assert accounts() == []
    for amount_minor, currency in ((1001, "USD"), (2999, "USD"), (500, "JPY")):
        with tenant_session(ShopId(customer.shop_id)) as session:
            wanted = NewStoreCredit(amount_minor=amount_minor, currency=currency, reason="Sorry")
            store_credit.request(
                session, ShopId(customer.shop_id), customer.public_id, wanted, actor="user:7"
            )
    assert accounts() == [("JPY", None, 0, 500), ("USD", None, 0, 4000)]
    worker.run_until_idle()
    assert accounts() == [("JPY", 500, 500, 0), ("USD", 4000, 4000, 0)]

    # The customer spends, and somebody else gives: Shopify's figure moves and the ledger's does not.
    kind = {"kind": "StoreCreditAccount"}
    held = httpx.get(f"{shopify.origin}/control/documents", params=kind, timeout=10).json()
    (dollars,) = (each for each in held if each["balance"]["currencyCode"] == "USD")
    body = {**dollars, "balance": {"amount": "12.34", "currencyCode": "USD"}}
    shopify.control("documents", kind="StoreCreditAccount", key=body.pop("key"), body=body)
    assert accounts() == [("JPY", 500, 500, 0), ("USD", 1234, 4000, 0)]

    # Without the scope Shopify would not say: which one is missing is told.
    with tenant_session(ShopId(customer.shop_id)) as session:
        session.execute(update(Shop).values(scopes=["read_customers"]))
    refused = client.get(f"{path}/balance", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "scope_missing")
    assert "read_store_credit_accounts" in refused.json()["detail"]


def test_without_a_key_nothing_is_given(
    shopify: SimulatedShopify, worker: Worker, customer: Customer, client: TestClient
) -> None:
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    path = f"/api/v1/customers/{customer.public_id}/store-credit"
    body = {"amount_minor": 1250, "reason": "Late parcel"}
    refused = client.post(path, json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_required")
    once = {**headers, "Idempotency-Key": "wish-1"}
    first = client.post(path, json=body, headers=once)
    assert client.post(path, json=body, headers=once).json() == first.json()
    other = client.post(path, json={**body, "amount_minor": 1}, headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    worker.run_until_idle()
    assert given(shopify) == ["12.50"]


def test_an_answer_that_is_lost_does_not_give_twice(
    shopify: SimulatedShopify, worker: Worker, customer: Customer
) -> None:
    shopify.control("faults", lost_answer=1)
    ask(customer)
    ask(customer)
    ask(customer, 700)
    worker.run_until_idle()
    assert [(entry.state, entry.tries) for entry in entries(customer)] == [("done", 1)] * 3
    assert len({entry.transaction_gid for entry in entries(customer)}) == 3
    assert sorted(given(shopify)) == ["10.00", "10.00", "7.00"]


@pytest.mark.parametrize("executed", [True, False])
def test_a_worker_that_was_killed_in_the_call_is_followed_by_a_look(
    shopify: SimulatedShopify, worker: Worker, customer: Customer, executed: bool
) -> None:
    ask(customer)
    if executed:
        worker.run_until_idle()
    with tenant_session(ShopId(customer.shop_id)) as session:
        session.execute(text("DELETE FROM outbox"))
        session.execute(
            update(StoreCreditEntry).values(
                state="sent", sent_at=utcnow(), tries=1, transaction_gid=None, settled_at=None
            )
        )
        outbox.add(session, ShopId(customer.shop_id), GiveStoreCredit(customer.id))
    worker.run_until_idle()
    (entry,) = entries(customer)
    assert (entry.state, entry.tries) == ("done", 1 if executed else 2)
    assert given(shopify) == ["10.00"]


def test_a_claim_that_may_still_be_at_work_is_left_alone(
    shopify: SimulatedShopify, worker: Worker, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_credit, "ABANDONED_AFTER", timedelta(minutes=10))
    shop_id = ShopId(customer.shop_id)
    ask(customer)
    with tenant_session(shop_id) as session:
        session.execute(update(StoreCreditEntry).values(state="sent", sent_at=utcnow(), tries=1))
    store_credit.give(lambda: tenant_session(shop_id), shop_id, customer.id)
    assert [entry.state for entry in entries(customer)] == ["sent"]
    assert given(shopify) == []


def test_a_call_that_shopify_never_saw_is_made_again(
    shopify: SimulatedShopify, worker: Worker, customer: Customer
) -> None:
    """A 503 may hide anything, so this call is not repeated blindly: the account is read first."""
    shopify.control("faults", http_5xx=1)
    ask(customer)
    worker.run_until_idle()
    (entry,) = entries(customer)
    assert (entry.state, entry.tries) == ("done", 2)
    assert given(shopify) == ["10.00"]


def test_what_never_gets_through_ends(
    shopify: SimulatedShopify, worker: Worker, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_credit, "MAX_TRIES", 1)
    shopify.control("faults", http_5xx=1)
    ask(customer)
    worker.run_until_idle()
    (entry,) = entries(customer)
    assert (entry.state, entry.error) == ("refused", "Shopify did not carry it out.")
    assert given(shopify) == []


def test_a_refusal_is_kept_and_not_tried_again(
    shopify: SimulatedShopify, worker: Worker, customer: Customer
) -> None:
    ask(customer, 10_000_001)
    ask(customer)
    worker.run_until_idle()
    first, second = entries(customer)
    assert (first.state, first.tries, second.state) == ("refused", 1, "done")
    assert "limit" in str(first.error)
    assert given(shopify) == ["10.00"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount_minor": 0}, 422, "invalid"),
        ({"amount_minor": -5}, 422, "invalid"),
        ({"amount_minor": 1.5}, 422, "invalid"),
        ({"amount_minor": 100_000_001}, 422, "invalid"),
        ({"currency": "usd"}, 422, "invalid"),
        ({"reason": ""}, 422, "invalid"),
        ({"reason": "x\x00"}, 422, "invalid"),
        ({"expires_at": "2031-01-01T00:00:00"}, 422, "invalid"),
        ({"more": 1}, 422, "invalid"),
        ({}, 404, "customer_unknown"),
    ],
)
def test_what_is_refused_stores_nothing(
    shop: Shop, client: TestClient, signed_in: dict[str, str], change: dict[str, Any], status: int, code: str
) -> None:
    body = {"amount_minor": 100, "reason": "x", **change}
    answer = client.post("/api/v1/customers/cus_none/store-credit", json=body, headers=keyed(signed_in))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalar(text("SELECT count(*) FROM store_credit_entries")) == 0
        assert outbox.pending(session, GiveStoreCredit) == []


def test_scopes_that_are_not_granted_are_named(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        session.execute(update(Shop).where(Shop.id == shop.id).values(scopes=["read_customers"]))
    body = {"amount_minor": 100, "reason": "x"}
    answer = client.post("/api/v1/customers/cus_none/store-credit", json=body, headers=keyed(signed_in))
    assert (answer.status_code, answer.json()["code"]) == (409, "scope_missing")
    assert "write_store_credit_account_transactions" in answer.json()["detail"]


def test_a_neighbours_customer_is_not_there(
    shopify: SimulatedShopify, customer: Customer, other_shop: Shop, client: TestClient
) -> None:
    neighbour = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    path = f"/api/v1/customers/{customer.public_id}/store-credit"
    for answer in (
        client.get(path, headers=neighbour),
        client.post(path, json={"amount_minor": 100, "reason": "x"}, headers=keyed(neighbour)),
        client.get(f"{path}/balance", headers=neighbour),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "customer_unknown")
    assert entries(customer) == []
