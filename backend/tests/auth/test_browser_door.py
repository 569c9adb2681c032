"""Signing in outside the admin: only who began it, only for that shop, only from our own pages."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from storecast.db.session import platform_session
from storecast.entrypoints.api import create_app
from storecast.shops.models import Shop, ShopToken
from tests.simulated_shopify import SHOP, SimulatedShopify, simulated_world

OWN = {"X-Storecast-CSRF": "1", "Origin": "http://testserver"}


@pytest.fixture
def shopify(database: str, tmp_path: Path) -> Iterator[SimulatedShopify]:
    with simulated_world(tmp_path) as simulator:
        yield simulator


def at_shopify(location: str) -> str:
    """Follow the browser to Shopify; where Shopify sends it back to."""
    answer = httpx.get(location, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def sign_in(client: TestClient) -> None:
    answer = client.get(f"/auth/login?shop={SHOP}")
    while answer.headers["Location"] != "/":
        assert answer.status_code == 303, answer.text
        answer = client.get(at_shopify(answer.headers["Location"]))


def test_a_new_shop_grants_access_first_and_then_says_who_it_is(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    first = client.get(f"/auth/login?shop={SHOP}")
    asked = parse_qs(urlsplit(first.headers["Location"]).query, keep_blank_values=True)
    assert asked["grant_options[]"] == [""]
    assert "read_orders" in asked["scope"][0]

    second = client.get(at_shopify(first.headers["Location"]))
    assert parse_qs(urlsplit(second.headers["Location"]).query)["grant_options[]"] == ["per-user"]
    with platform_session() as session:
        token = session.scalars(select(ShopToken)).one()
        assert token.expires_at is not None

    third = client.get(at_shopify(second.headers["Location"]))
    assert (third.status_code, third.headers["Location"]) == (303, "/")
    body = client.get("/api/v1/session").json()
    assert (body["door"], body["shop"]["domain"], body["user"]["role"]) == ("browser", SHOP, "owner")


def test_signing_in_changes_the_session_id(shopify: SimulatedShopify, client: TestClient) -> None:
    client.get(f"/auth/login?shop={SHOP}")
    before = client.cookies["storecast"]
    sign_in(client)
    assert client.cookies["storecast"] != before


def test_a_callback_works_once(shopify: SimulatedShopify, client: TestClient) -> None:
    sign_in(client)
    back = at_shopify(client.get(f"/auth/login?shop={SHOP}").headers["Location"])
    assert client.get(back).status_code == 303
    again = client.get(back)
    assert (again.status_code, again.json()["code"]) == (401, "sign_in_abandoned")


def test_another_browser_cannot_finish_the_sign_in(shopify: SimulatedShopify, client: TestClient) -> None:
    back = at_shopify(client.get(f"/auth/login?shop={SHOP}").headers["Location"])
    client.cookies.clear()
    assert client.get(back).status_code == 401
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 0


@pytest.mark.parametrize("change", ["&code=other", "&extra=1"])
def test_a_changed_callback_is_refused(shopify: SimulatedShopify, client: TestClient, change: str) -> None:
    back = at_shopify(client.get(f"/auth/login?shop={SHOP}").headers["Location"])
    answer = client.get(back + change)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_refused")


@pytest.mark.parametrize(
    "shop", ["", "evil.example", "acme.myshopify.com.evil.example", "https://evil.example/acme"]
)
def test_only_a_shop_is_redirected_to(client: TestClient, shop: str) -> None:
    answer = client.get("/auth/login", params={"shop": shop})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/shop"
    assert "Location" not in answer.headers


def test_a_change_needs_our_header_and_our_origin(shopify: SimulatedShopify, client: TestClient) -> None:
    sign_in(client)
    for headers in (
        {},
        {"X-Storecast-CSRF": "1"},
        {**OWN, "Origin": "https://evil.example"},
        {"Origin": OWN["Origin"]},
    ):
        answer = client.post("/api/v1/syncs", json={"mode": "bulk"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert client.post("/api/v1/syncs", json={"mode": "bulk"}, headers=OWN).status_code == 202


def test_signing_out_ends_the_session(shopify: SimulatedShopify, client: TestClient) -> None:
    sign_in(client)
    assert client.post("/auth/logout").status_code == 403
    assert client.post("/auth/logout", headers=OWN).status_code == 204
    assert client.get("/api/v1/session").status_code == 401


def test_signing_out_everywhere_ends_every_browsers_session(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    sign_in(client)
    with TestClient(create_app(), follow_redirects=False, base_url=str(client.base_url)) as elsewhere:
        sign_in(elsewhere)
        assert elsewhere.delete("/api/v1/sessions").status_code == 403
        assert client.get("/api/v1/session").status_code == 200

        assert elsewhere.delete("/api/v1/sessions", headers=OWN).status_code == 204

        assert (client.get("/api/v1/session").status_code, elsewhere.get("/api/v1/session").status_code) == (
            401,
            401,
        )
        sign_in(elsewhere)
        assert elsewhere.get("/api/v1/session").status_code == 200
        assert client.get("/api/v1/session").status_code == 401


def test_a_sign_in_comes_back_to_the_page_it_began_at_and_to_no_other_site(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    sign_in(client)
    for asked, reached in (
        ("/campaigns?state=sent", "/campaigns?state=sent"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nX-Evil: 1", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ):
        began = client.get("/auth/login", params={"shop": SHOP, "return_to": asked})
        ended = client.get(at_shopify(began.headers["Location"]))
        assert (ended.status_code, ended.headers["Location"]) == (303, reached), asked


def test_a_session_of_a_shop_that_left_is_over(shopify: SimulatedShopify, client: TestClient) -> None:
    sign_in(client)
    with platform_session() as session:
        session.scalars(select(Shop)).one().state = "uninstalled"
    assert client.get("/api/v1/session").status_code == 401
