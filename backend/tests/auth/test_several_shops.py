"""A person with several stores: the browser changes between them, tabs of the admin never mix."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from storecast.auth.models import ShopMember
from storecast.db.session import platform_session
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.shops.models import Shop
from tests.auth.test_browser_door import OWN, sign_in
from tests.conftest import id_token
from tests.simulated_shopify import SHOP, SimulatedShopify, simulated_world


@pytest.fixture
def shopify(database: str, tmp_path: Path) -> Iterator[SimulatedShopify]:
    with simulated_world(tmp_path) as simulator:
        yield simulator


@pytest.fixture
def at_home(shopify: SimulatedShopify, client: TestClient, make_shop: Callable[[str], Shop]) -> TestClient:
    """A browser signed in to the first store by somebody who is a viewer in a second; a third is not theirs."""
    sign_in(client)
    user_id = client.get("/api/v1/session").json()["user"]["id"]
    second, _third = make_shop("second"), make_shop("third")
    with platform_session() as session:
        session.execute(
            update(ShopMember)
            .where(ShopMember.shop_id == second.id)
            .values(shopify_user_id=user_id, role="viewer")
        )
    return client


def listed(client: TestClient) -> dict[str, bool]:
    items = client.get("/api/v1/session/shops").json()["items"]
    return {item["domain"]: item["current"] for item in items}


def switch(client: TestClient, domain: str) -> int:
    answer = client.post("/api/v1/session/shop", json={"domain": domain}, headers=OWN)
    return answer.status_code


def test_the_browser_lists_the_persons_stores_and_changes_between_them(at_home: TestClient) -> None:
    assert listed(at_home) == {SHOP: True, "second.myshopify.com": False}
    before = at_home.cookies["storecast"]
    assert switch(at_home, "second.myshopify.com") == 204
    assert at_home.cookies["storecast"] != before
    now = at_home.get("/api/v1/session").json()
    assert (now["shop"]["domain"], now["user"]["role"]) == ("second.myshopify.com", "viewer")
    assert listed(at_home) == {SHOP: False, "second.myshopify.com": True}
    # The role is that of the store: what the owner of the first may change, the viewer of the second may not.
    refused = at_home.put("/api/v1/settings/sender", json={"name": "A", "email": "a@b.example"}, headers=OWN)
    assert refused.status_code == 403
    # The session of before is over.
    at_home.cookies.clear()
    at_home.cookies.set("storecast", before)
    assert at_home.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize("domain", ["third.myshopify.com", "nobody.myshopify.com", "", "x\x00y"])
def test_a_store_that_is_not_theirs_is_one_that_does_not_exist(at_home: TestClient, domain: str) -> None:
    before = at_home.cookies["storecast"]
    assert switch(at_home, domain) == 404
    assert at_home.cookies["storecast"] == before
    assert at_home.get("/api/v1/session").json()["shop"]["domain"] == SHOP


def test_a_store_that_uninstalled_the_app_is_not_listed_and_not_entered(at_home: TestClient) -> None:
    with platform_session() as session:
        second = shops.find(session, "second.myshopify.com")
        assert second is not None
        shops.uninstall(session, ShopId(second.id))
    assert listed(at_home) == {SHOP: True}
    assert switch(at_home, "second.myshopify.com") == 404


def test_a_change_needs_the_apps_own_pages(at_home: TestClient) -> None:
    answer = at_home.post("/api/v1/session/shop", json={"domain": "second.myshopify.com"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


def test_inside_the_admin_the_store_is_that_of_the_admin(
    shop: Shop, other_shop: Shop, client: TestClient
) -> None:
    headers = {"Authorization": f"Bearer {id_token(shop.domain)}"}
    items = client.get("/api/v1/session/shops", headers=headers).json()["items"]
    assert [item["domain"] for item in items] == [shop.domain]
    body = {"domain": other_shop.domain}
    refused = client.post("/api/v1/session/shop", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "switch_refused")


def test_tabs_of_two_stores_at_once_never_mix(shop: Shop, other_shop: Shop, client: TestClient) -> None:
    """Same person, same browser, same process: each answer speaks of the store of its own ID token."""
    wrong: list[tuple[str, str]] = []
    ready = threading.Barrier(4)

    def tab(domain: str) -> None:
        headers = {"Authorization": f"Bearer {id_token(domain)}"}
        ready.wait()
        for _ in range(8):
            for path in ("session", "settings"):
                answer = client.get(f"/api/v1/{path}", headers=headers).json()
                said = answer["shop" if path == "session" else "store"]["domain"]
                if said != domain:
                    wrong.append((domain, said))

    tabs = [threading.Thread(target=tab, args=(each.domain,)) for each in (shop, other_shop) * 2]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()
    assert wrong == []
