"""The first users' addresses do what `/api/v1` does, in the caller's own store and in no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from storecast.audit.models import AuditEntry
from storecast.config.settings import get_settings
from storecast.customers import service as customers
from storecast.customers.records import record_from_webhook
from storecast.db.session import platform_session, tenant_session
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.sync.models import SyncRun
from tests.conftest import id_token
from tests.entrypoints.test_tenancy import digest
from tests.factories.story import Story
from tests.simulated_shopify import SHOP, SimulatedShopify, simulated_world

CONNECT = "/api/auth/shopify/connect"
ACTIVATE = "/api/auth/shopify/activate-extension"
UPDATE = "/api/auth/shopify/update-extension"
PULL = "/api/data/shopify/bulk-pull"
CALLBACK = "/api/auth/shopify/callback"


def headers(shop: Shop) -> dict[str, str]:
    return {"Authorization": f"Bearer {id_token(shop.domain)}"}


@pytest.fixture
def shopify(database: str, tmp_path: Path) -> Iterator[SimulatedShopify]:
    with simulated_world(tmp_path) as simulator:
        yield simulator


@pytest.mark.parametrize("body", [None, {}, {"shop": "acme.myshopify.com"}, {"shop": "ACME.myshopify.com"}])
def test_connect_says_where_to_sign_in(client: TestClient, shop: Shop, body: Any) -> None:
    answer = client.post(CONNECT, headers=headers(shop), json=body)
    url = "http://testserver/auth/login?shop=acme.myshopify.com"
    assert (answer.status_code, answer.json()) == (200, {"shop": shop.domain, "sign_in_url": url})


@pytest.mark.parametrize("path", [CONNECT, ACTIVATE, UPDATE, PULL])
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"shop": "rival.myshopify.com"}, "/shop", "shop_not_yours"),
        ({"access_token": "shpat_stolen"}, "/access_token", "extra_forbidden"),
        ({"token": "x", "shop": "acme.myshopify.com"}, "/token", "extra_forbidden"),
        ({"shop_id": 2}, "/shop_id", "extra_forbidden"),
    ],
)
def test_a_body_that_names_another_store_or_a_token_changes_nothing(
    client: TestClient,
    database: str,
    shop: Shop,
    other_shop: Shop,
    path: str,
    body: dict[str, Any],
    pointer: str,
    code: str,
) -> None:
    before = digest(database, shop), digest(database, other_shop)

    answer = client.post(path, headers=headers(shop), json=body)

    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert (digest(database, shop), digest(database, other_shop)) == before


def test_the_callback_ends_a_sign_in_as_the_other_one_does(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    answer = client.get(f"/auth/login?shop={SHOP}")
    while answer.headers["Location"] != "/":
        assert answer.status_code == 303, answer.text
        back = urlsplit(httpx.get(answer.headers["Location"], follow_redirects=False).headers["Location"])
        assert back.path == "/auth/callback"
        answer = client.get(f"{CALLBACK}?{back.query}")

    body = client.get("/api/v1/session").json()
    assert (body["door"], body["shop"]["domain"]) == ("browser", SHOP)
    again = client.get(f"{CALLBACK}?{back.query}")
    assert (again.status_code, again.json()["code"]) == (401, "sign_in_abandoned")


def test_a_made_up_callback_makes_nobody_known(client: TestClient) -> None:
    answer = client.get(
        CALLBACK, params={"shop": SHOP, "code": "x", "state": "y", "hmac": "z", "timestamp": "1"}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_refused")
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 0


def test_the_extension_is_activated_and_kept_up_with_the_stores_own_token(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    def post(path: str) -> dict[str, Any]:
        answer = client.post(
            path, headers={"Authorization": f"Bearer {shopify.id_token()}"}, json={"shop": SHOP}
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    activated = post(ACTIVATE)
    assert activated["state"] == "active"
    assert post(UPDATE)["state"] == "active"
    shown = client.get("/api/v1/settings", headers={"Authorization": f"Bearer {shopify.id_token()}"}).json()[
        "pixel"
    ]
    assert shown["state"] == "active"


def test_a_pull_is_a_sync_whose_id_is_the_task(client: TestClient, shop: Shop, other_shop: Shop) -> None:
    wish = {
        "mode": "paginated",
        "batch_size": 50,
        "custom_query": "updated_at:>'2026-01-01'",
        "data_types": ["customers", "orders"],
    }
    begun = client.post(PULL, headers=headers(shop), json=wish)
    task_id = begun.json()["task_id"]

    assert (begun.status_code, begun.json()) == (202, {"task_id": task_id, "status": "queued"})
    run = client.get(f"/api/v1/syncs/{task_id}", headers=headers(shop)).json()
    assert {name: run[name] for name in ("mode", "batch_size", "custom_query", "kind")} == {
        "mode": "paginated",
        "batch_size": 50,
        "custom_query": "updated_at:>'2026-01-01'",
        "kind": "manual",
    }
    assert client.get(f"/api/data-pull/status/{task_id}", headers=headers(shop)).json() == {
        "task_id": task_id,
        "status": "queued",
        "progress": 0.0,
        "started_at": None,
        "finished_at": None,
        "error": None,
        "data_types": [
            {"data_type": name, "status": "pending", "rows": 0, "rows_refused": 0}
            for name in ("customers", "orders")
        ],
    }
    assert client.post(PULL, headers=headers(shop), json={}).json()["task_id"] == task_id
    refused = client.get(f"/api/data-pull/status/{task_id}", headers=headers(other_shop))
    assert (refused.status_code, refused.json()["code"]) == (404, "sync_unknown")
    with platform_session() as session:
        assert [run.shop_id for run in session.scalars(select(SyncRun))] == [shop.id]
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.shop_id == shop.id)).all()
    assert actions == ["sync_started", "sync_started"]


def test_without_a_body_everything_is_pulled(client: TestClient, shop: Shop) -> None:
    task_id = client.post(PULL, headers=headers(shop)).json()["task_id"]
    status = client.get(f"/api/data-pull/status/{task_id}", headers=headers(shop)).json()
    assert [item["data_type"] for item in status["data_types"]] == [
        "customers",
        "products",
        "collections",
        "orders",
        "abandoned_checkouts",
        "segments",
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"data_types": ["passwords"]}, "/data_types/0"),
        ({"data_types": ["orders", "orders"]}, "/data_types"),
        ({"data_types": []}, "/data_types"),
        ({"resources": ["orders"]}, "/resources"),
        ({"mode": "paginated", "batch_size": 251}, "/batch_size"),
        ({"custom_query": "'"}, "/custom_query"),
    ],
)
def test_a_pull_that_makes_no_sense_begins_nothing(
    client: TestClient, database: str, shop: Shop, body: dict[str, Any], pointer: str
) -> None:
    before = digest(database, shop)
    answer = client.post(PULL, headers=headers(shop), json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert digest(database, shop) == before


def test_a_pull_with_a_key_may_be_repeated(client: TestClient, shop: Shop) -> None:
    keyed = {**headers(shop), "Idempotency-Key": "pull-1"}
    first = client.post(PULL, headers=keyed, json={})
    again = client.post(PULL, headers=keyed, json={})
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post(PULL, headers=keyed, json={"mode": "paginated"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_results_are_those_of_the_sync_and_only_in_the_callers_store(
    client: TestClient, shop: Shop, other_shop: Shop
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        gid = Story(session, shop).customer().gid
    task_id = client.post(PULL, headers=headers(shop), json={"data_types": ["customers"]}).json()["task_id"]

    def get(domain: str, caller: Shop, data_type: str = "customers") -> Any:
        address = f"/api/data/shopify/results/{domain}/{task_id}"
        return client.get(address, headers=headers(caller), params={"data_type": data_type})

    found = get(shop.domain, shop)
    assert [item["gid"] for item in found.json()["items"]] == [gid]
    assert found.content == client.get(f"/api/v1/syncs/{task_id}/results", headers=headers(shop)).content
    refused = {
        "another store's address": get(other_shop.domain, shop),
        "the neighbour asks for mine": get(shop.domain, other_shop),
        "the neighbour asks with my task": get(other_shop.domain, other_shop),
        "what was not pulled": get(shop.domain, shop, "orders"),
    }
    assert {name: (answer.status_code, answer.json()["code"]) for name, answer in refused.items()} == {
        "another store's address": (404, "not_found"),
        "the neighbour asks for mine": (404, "not_found"),
        "the neighbour asks with my task": (404, "sync_unknown"),
        "what was not pulled": (404, "sync_results_unknown"),
    }


def test_results_come_from_redis_until_something_is_written(client: TestClient, shop: Shop) -> None:
    """Proven by a page that only Redis has, and by the one after a write."""
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        Story(session, shop).customer(email="ana@example.com")
    task_id = client.post(PULL, headers=headers(shop), json={"data_types": ["customers"]}).json()["task_id"]
    address = f"/api/data/shopify/results/{shop.domain}/{task_id}"

    def emails() -> list[str]:
        answer = client.get(address, headers=headers(shop), params={"data_type": "customers"})
        return sorted(item["email"] for item in answer.json()["items"])

    assert emails() == ["ana@example.com"]
    with redis.Redis.from_url(get_settings().redis_url) as known:
        (name,) = known.keys(f"storecast:results:{shop.id}:customers:*")
        known.set(name, known.get(name).replace(b"ana@example.com", b"kept@example.com"))
    assert emails() == ["kept@example.com"]
    with tenant_session(shop_id) as session:
        profile = {
            "admin_graphql_api_id": "gid://shopify/Customer/77",
            "email": "new@example.com",
            "updated_at": "2026-06-01T10:00:00Z",
        }
        customers.record_profile(session, shop_id, record_from_webhook(profile))
    assert emails() == ["ana@example.com", "new@example.com"]
