"""The settings page, and what may be changed on it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from storecast.db.session import platform_session
from storecast.shops.models import Shop

URL = "/api/v1/settings"


def test_the_page_shows_the_shop_and_no_secret(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    answer = client.get(URL, headers=signed_in)
    body = answer.json()
    assert body["store"] | {"email": None, "plan": None} == {
        "domain": "acme.myshopify.com",
        "name": "Acme",
        "email": None,
        "currency": "USD",
        "timezone": "America/New_York",
        "plan": None,
        "development_store": False,
        "state": "installed",
        "unavailable_since": None,
    }
    assert body["token"] == {"expires_at": None, "refresh_expires_at": None, "state": "valid"}
    assert (body["pixel"]["state"], body["pixel"]["key"]) == ("inactive", "pk_acme")
    assert body["attribution"] == {"click_days": 5, "open_days": 1}
    assert body["sender"] == {"name": None, "email": None, "verified": False}
    assert "read_orders" in body["scopes"]["missing"]
    assert body["webhooks"] == {"last_received_at": None, "waiting": 0, "dead": 0}
    assert "shpat" not in answer.text


def test_a_write_scope_covers_the_read_scope(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with platform_session() as session:
        session.scalars(select(Shop)).one().scopes = ["write_customers", "read_orders"]
    scopes = client.get(URL, headers=signed_in).json()["scopes"]
    assert "read_customers" not in scopes["missing"]
    assert "read_products" in scopes["missing"]


def test_a_sender_is_set(shop: Shop, client: TestClient, signed_in: dict[str, str]) -> None:
    body = {"name": " Acme Records ", "email": "news@acme.example"}
    answer = client.put(f"{URL}/sender", json=body, headers=signed_in)
    expected = {"name": "Acme Records", "email": "news@acme.example", "verified": True}
    assert answer.json()["sender"] == expected
    assert client.get(URL, headers=signed_in).json()["sender"] == expected


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "", "email": "a@b.example"}, "/name"),
        ({"name": "A\r\nBcc: x@y.example", "email": "a@b.example"}, "/name"),
        ({"name": "A", "email": "nobody"}, "/email"),
        ({"name": "A", "email": "a@b.example,c@d.example"}, "/email"),
        ({"name": "A", "email": "a@b.example\nBcc: c@d.example"}, "/email"),
        ({"name": "A", "email": "a@b.example", "role": "owner"}, "/role"),
        ({"name": "A"}, "/email"),
    ],
)
def test_a_sender_that_is_none_changes_nothing(
    shop: Shop, client: TestClient, signed_in: dict[str, str], body: dict[str, Any], pointer: str
) -> None:
    answer = client.put(f"{URL}/sender", json=body, headers=signed_in)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert client.get(URL, headers=signed_in).json()["sender"]["name"] is None


def test_a_pixel_cannot_be_activated_while_shopify_is_away(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    answer = client.post(f"{URL}/pixel/activate", headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (503, "shopify_unreachable")
    assert client.get(URL, headers=signed_in).json()["pixel"]["state"] == "inactive"
