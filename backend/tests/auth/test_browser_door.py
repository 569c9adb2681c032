"""Signing in outside the admin: only who began it, only for that shop, only from our own pages."""

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from storecast.auth import service
from storecast.auth.models import ShopMember
from storecast.auth.service import BrowserSession
from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.entrypoints.api import create_app
from storecast.kit.clock import utcnow
from storecast.kit.errors import Unauthenticated
from storecast.kit.types import ShopId
from storecast.shops.models import Shop, ShopToken
from tests.conftest import OWNER_ID, environment
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


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
GERMAN = {**BROWSER, "Accept-Language": "de-CH,de;q=0.9,en;q=0.5"}
AGAIN = f'<a href="/auth/login?shop={SHOP}">'


def shown(answer: Any, status: int, language: str = "en") -> str:
    """The page that a person sees, which runs nothing and keeps nothing."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Cache-Control"] == "no-store"
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert (policy["default-src"], policy["script-src"], policy["frame-ancestors"]) == ("'none'",) * 3
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert f"<code>{answer.headers['X-Request-Id']}</code>" in answer.text
    assert f'<html lang="{language}">' in answer.text
    assert "Location" not in answer.headers
    return str(answer.text)


def test_a_person_sees_a_page_where_a_program_gets_a_problem(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    sign_in(client)
    back = at_shopify(client.get(f"/auth/login?shop={SHOP}").headers["Location"])
    assert client.get(back).status_code == 303
    page = shown(client.get(back, headers=BROWSER), 401)
    assert "took too long" in page
    assert AGAIN in page
    assert "hat zu lange gedauert" in shown(client.get(back, headers=GERMAN), 401, "de")
    for accept in ("application/json", "*/*", "application/json, text/html;q=0.5", "text/html;q=0"):
        answer = client.get(back, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/problem+json", accept
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_abandoned")


def test_another_state_is_told_as_a_sign_in_of_elsewhere(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    back = at_shopify(client.get(f"/auth/login?shop={SHOP}").headers["Location"])
    client.get(f"/auth/login?shop={SHOP}")
    assert "another window or browser" in shown(client.get(back, headers=BROWSER), 401)
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 0


@pytest.mark.parametrize("path", ["/auth/callback", "/api/auth/shopify/callback"])
def test_a_callback_that_was_changed_is_told_as_such(
    shopify: SimulatedShopify, client: TestClient, path: str
) -> None:
    back = at_shopify(client.get(f"/auth/login?shop={SHOP}").headers["Location"])
    answer = client.get(back.replace("/auth/callback", path) + "&extra=1", headers=BROWSER)
    assert "changed on its way" in shown(answer, 401)


def test_somebody_who_says_no_at_shopify_is_told_that_nothing_happened(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    asked = parse_qs(urlsplit(client.get(f"/auth/login?shop={SHOP}").headers["Location"]).query)
    said = {
        "error": "access_denied",
        "shop": SHOP,
        "state": asked["state"][0],
        "timestamp": str(int(time.time())),
    }
    message = urlencode(sorted(said.items()))
    secret = get_settings().shopify.secrets()[0]
    signed = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    page = shown(client.get(f"/auth/callback?{message}&hmac={signed}", headers=BROWSER), 403)
    assert "told not to let Storecast in" in page
    assert AGAIN in page
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 0


@pytest.mark.parametrize(
    "shop", ["evil.example", '"><script>alert(1)</script>', "a.myshopify.com.evil.example"]
)
def test_what_is_no_shop_is_explained_and_never_repeated(client: TestClient, shop: str) -> None:
    page = shown(client.get("/auth/login", params={"shop": shop}, headers=BROWSER), 422)
    assert "ends in .myshopify.com" in page
    assert '<a href="/">' in page
    assert "evil" not in page
    assert "script" not in page


def test_shopify_being_away_is_told_with_when_to_come_back(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    back = at_shopify(client.get(f"/auth/login?shop={SHOP}").headers["Location"])
    with environment({**os.environ, "SHOPIFY_SHOP_ORIGIN": "http://127.0.0.1:1/{shop}"}):
        answer = client.get(back, headers=GERMAN)
    assert "antwortet gerade nicht" in shown(answer, 503, "de")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_session_that_began_in_the_second_of_the_sign_out_is_over(shop: Shop) -> None:
    signed_out_at = utcnow().replace(microsecond=900_000)
    with platform_session() as session:
        member = session.scalars(select(ShopMember)).one()
        member.signed_out_at = signed_out_at
    with pytest.raises(Unauthenticated):
        service.browser_principal(BrowserSession(ShopId(shop.id), OWNER_ID, signed_out_at.timestamp() - 0.3))
    later = signed_out_at.timestamp() + 0.05
    assert service.browser_principal(BrowserSession(ShopId(shop.id), OWNER_ID, later)).user_id == OWNER_ID
