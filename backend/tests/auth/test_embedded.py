"""Requests from the admin's iframe: the first one installs the shop, and none comes in without a good token."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from storecast.auth import id_tokens, service
from storecast.auth.jobs import ShopInstalled
from storecast.auth.models import ShopMember
from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.kit.clock import utcnow
from storecast.resilience.guard import process_guard
from storecast.shops.models import Shop, ShopToken
from storecast.worker import outbox
from tests.conftest import id_token
from tests.simulated_shopify import SHOP, SimulatedShopify, simulated_world

RETRY = "X-Shopify-Retry-Invalid-Session-Request"


@pytest.fixture
def shopify(database: str, tmp_path: Path) -> Iterator[SimulatedShopify]:
    with simulated_world(tmp_path) as simulator:
        yield simulator


def bearer(raw: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {raw}"}


def test_the_first_request_installs_the_shop_and_says_who_is_there(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    answer = client.get("/api/v1/session", headers=bearer(shopify.id_token()))

    assert answer.status_code == 200
    body = answer.json()
    assert body["shop"]["domain"] == SHOP
    assert (body["shop"]["currency"], body["door"], body["user"]["role"]) == ("USD", "embedded", "owner")
    assert body["user"]["name"]
    # Inside the iframe browsers keep no cookies of ours, and none is needed.
    assert "Set-Cookie" not in answer.headers
    assert "send" in body["permissions"]
    with platform_session() as session:
        shop = session.scalars(select(Shop)).one()
        token = session.scalars(select(ShopToken)).one()
        assert outbox.pending(session, ShopInstalled) == [ShopInstalled()]
    assert (shop.state, bool(shop.installed_at)) == ("installed", True)
    assert (token.refresh_token is not None, token.state) == (True, "valid")
    assert b"shpat" not in token.access_token


def test_of_many_first_requests_one_starts_what_follows(shopify: SimulatedShopify) -> None:
    raw = shopify.id_token()
    token = id_tokens.verify(raw, get_settings().shopify, now=utcnow())
    threads = [threading.Thread(target=service.embedded_principal, args=(token, raw)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 1
        assert session.scalar(select(func.count()).select_from(ShopMember)) == 1
        assert len(outbox.pending(session, ShopInstalled)) == 1


def test_a_known_shop_is_not_exchanged_again(shopify: SimulatedShopify, client: TestClient) -> None:
    client.get("/api/v1/session", headers=bearer(shopify.id_token()))
    with platform_session() as session:
        before = session.scalar(select(ShopToken.access_token))
    client.get("/api/v1/session", headers=bearer(shopify.id_token()))
    with platform_session() as session:
        assert session.scalar(select(ShopToken.access_token)) == before


def test_opening_the_app_renews_an_access_that_was_lost(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    client.get("/api/v1/session", headers=bearer(shopify.id_token()))
    with platform_session() as session:
        session.execute(update(ShopToken).values(state="reauthorize"))

    assert client.get("/api/v1/session", headers=bearer(shopify.id_token())).status_code == 200

    with platform_session() as session:
        assert session.scalar(select(ShopToken.state)) == "valid"
        assert len(outbox.pending(session, ShopInstalled)) == 1


def test_a_shop_that_comes_back_is_installed_again(shopify: SimulatedShopify, client: TestClient) -> None:
    client.get("/api/v1/session", headers=bearer(shopify.id_token()))
    with platform_session() as session:
        shop = session.scalars(select(Shop)).one()
        shop.state, shop.uninstalled_at = "uninstalled", utcnow()

    assert client.get("/api/v1/session", headers=bearer(shopify.id_token())).status_code == 200

    with platform_session() as session:
        shop = session.scalars(select(Shop)).one()
        assert (shop.state, shop.uninstalled_at) == ("installed", None)


def test_a_shop_that_shopify_does_not_confirm_is_not_installed(database: str, client: TestClient) -> None:
    """Nobody answers at the token endpoint."""
    answer = client.get("/api/v1/session", headers=bearer(id_token("newcomer.myshopify.com")))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 0


def test_a_token_that_shopify_refuses_asks_for_a_fresh_one(
    shopify: SimulatedShopify, client: TestClient
) -> None:
    unknown_user = id_token(SHOP, user_id="999999", sid="another")
    shopify.control("uninstall", shop=SHOP)
    answer = client.get("/api/v1/session", headers=bearer(unknown_user))
    assert answer.status_code in (401, 503)
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 0


def test_an_installed_shop_keeps_its_dashboard_while_shopify_is_away(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with platform_session() as session:
        session.execute(update(ShopToken).values(state="reauthorize"))
    began = time.monotonic()
    for _ in range(5):
        assert client.get("/api/v1/session", headers=signed_in).status_code == 200
    assert time.monotonic() - began < 5.0


def test_an_installed_shop_keeps_its_dashboard_while_its_circuit_is_open(
    make_shop: Callable[[str], Shop], client: TestClient
) -> None:
    shop = make_shop("left-alone")
    with platform_session() as session:
        session.execute(update(ShopToken).values(state="reauthorize"))
    for _ in range(5):
        process_guard().failed("127.0.0.1:1", "shopify", "ConnectError")
    with capture_logs() as logs:
        assert client.get("/api/v1/session", headers=bearer(id_token(shop.domain))).status_code == 200
    (failed,) = [entry for entry in logs if entry["event"] == "token_exchange_failed"]
    assert "left alone" in failed["error"]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x.y.z",
        "Basic YTpi",
        "Bearer " + id_token("acme.myshopify.com", exp=int(time.time()) - 60),
        "Bearer " + id_token("acme.myshopify.com", aud="another-app"),
        "Bearer " + id_token("acme.myshopify.com", iss="https://rival.myshopify.com/admin"),
        "Bearer " + id_token("acme.myshopify.com", exp=None),
    ],
)
def test_a_bad_token_is_401_and_asks_app_bridge_for_another(
    shop: Shop, client: TestClient, header: str
) -> None:
    answer = client.get("/api/v1/session", headers={"Authorization": header})
    assert (answer.status_code, answer.headers[RETRY]) == (401, "1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "id_token_refused"


def test_without_any_proof_it_is_a_plain_401(client: TestClient) -> None:
    answer = client.get("/api/v1/session")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert RETRY not in answer.headers
