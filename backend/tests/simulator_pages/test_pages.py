"""The simulator's pages over HTTP: the admin, the app's frame, the storefront up to the order, the inbox."""

import base64
import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from simulator import id_tokens
from simulator.app import create_app
from simulator.config import SimulatorConfig
from simulator.mail.smtp import Envelope
from simulator.mail.store import MailStore
from simulator.pages.app_bridge import app_bridge_source
from simulator.pages.artwork import cover_svg
from simulator.seeds.catalogue import stock
from simulator.state.records import Customer, Shop
from simulator.store import Store

DOMAIN = "cdnow.myshopify.com"
STORE = f"/store/{DOMAIN}"
SHOP = f"/shop/{DOMAIN}"
MANIFEST = """
name = "Storecast"
handle = "storecast"
[access_scopes]
scopes = "read_customers,write_customers,read_orders"
[webhooks]
api_version = "2026-10"
[[webhooks.subscriptions]]
topics = ["app/uninstalled", "orders/create", "customers_email_marketing_consent/update"]
"""


@dataclass(frozen=True)
class World:
    client: TestClient
    config: SimulatorConfig
    store: Store
    shop: Shop
    mail: MailStore

    def get(self, path: str, **headers: str) -> str:
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def install(self) -> None:
        assert self.client.post(f"{STORE}/install").status_code == 303

    def deliveries(self, topic: str) -> list[dict[str, Any]]:
        rows = self.store.deliveries.list_recent()
        return [json.loads(row.body) for row in rows if row.topic == topic]


@pytest.fixture
def world(tmp_path: Path) -> World:
    manifest = tmp_path / "shopify.app.toml"
    manifest.write_text(MANIFEST, encoding="utf-8")
    pixel = tmp_path / "web-pixel" / "dist" / "web-pixel.js"
    pixel.parent.mkdir(parents=True)
    pixel.write_text("shopify.extend('WebPixel::Render', () => {});", encoding="utf-8")
    config = SimulatorConfig(
        port=8000,
        state_dir=tmp_path,
        client_id="key",
        client_secret="hush",
        app_url="http://127.0.0.1:9999",
        webhook_url="http://127.0.0.1:9999/webhooks",
        app_toml=manifest,
        pixel_bundle=pixel,
    )
    store = Store(config.database_path)
    shop = store.shops.create(DOMAIN, "CDNOW Records")
    stock(store, shop)
    store.build_indexes()
    store.products.forget()
    client = TestClient(create_app(config, store), follow_redirects=False)
    return World(client, config, store, shop, MailStore(tmp_path / "mail.sqlite3"))


def facts(html: str, element: str) -> dict[str, Any]:
    """The JSON that a page hands to its script."""
    match = re.search(rf'<script type="application/json" id="{element}">(.*?)</script>', html, re.DOTALL)
    assert match is not None
    read: dict[str, Any] = json.loads(match[1])
    return read


def buyer(world: World) -> Customer:
    return world.store.customers.create(world.shop.id, "ann@example.com", first_name="Ann", last_name="<b>")


# The admin


@pytest.mark.parametrize(
    "path", ["/", STORE, "/store/cdnow", f"{STORE}/orders", f"{STORE}/apps", f"{STORE}/install"]
)
def test_admin_pages_answer(world: World, path: str) -> None:
    assert "Simulated admin" in world.get(path)


def test_products_and_customers_are_listed_and_escaped(world: World) -> None:
    buyer(world)
    assert "Amber Anchors" in world.get(f"{STORE}/products")
    page = world.get(f"{STORE}/customers?search=ANN")
    assert "Ann &lt;b&gt;" in page
    assert "<b>" not in page.replace("<b></b>", "")
    assert "Nobody here matches" in world.get(f"{STORE}/customers?search=%25")


def test_unknown_shop_is_not_found(world: World) -> None:
    assert world.client.get("/store/nobody.myshopify.com").status_code == 404
    assert world.client.get("/shop/nobody.myshopify.com/").status_code == 404


def test_install_lists_the_scopes_and_leads_to_the_app(world: World) -> None:
    page = world.get(f"{STORE}/install")
    assert "View and edit</b> customers" in page
    assert "View</b> orders" in page
    answer = world.client.post(f"{STORE}/install")
    assert answer.headers["location"] == f"{STORE}/apps/storecast"
    installation = world.store.access.find_installation(world.shop.id)
    assert installation is not None
    assert installation.scopes == "read_customers,write_customers,read_orders"


def test_the_app_page_of_an_uninstalled_app_leads_to_install(world: World) -> None:
    answer = world.client.get(f"{STORE}/apps/storecast")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{STORE}/install")


def test_the_frame_opens_the_deep_link_with_a_token_of_the_shop(world: World) -> None:
    world.install()
    page = world.get(f"{STORE}/apps/storecast/campaigns/5?tab=report&id_token=stale")
    match = re.search(r'<iframe[^>]* data-address="([^"]+)"', page)
    assert match is not None
    address = urlsplit(unescape(match[1]))
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == "http://127.0.0.1:9999/campaigns/5"
    assert (query["tab"], query["shop"], query["embedded"], query["locale"]) == ("report", DOMAIN, "1", "en")
    padded = query["host"] + "=" * (-len(query["host"]) % 4)
    assert base64.b64decode(padded) == b"admin.shopify.com/store/cdnow"
    assert id_tokens.verify(query["id_token"], world.config, world.shop) is not None


def test_id_tokens_are_fresh_each_time_and_only_for_installed_apps(world: World) -> None:
    assert world.client.get(f"{STORE}/id-token").status_code == 409
    world.install()
    first, second = (world.client.get(f"{STORE}/id-token").json()["token"] for _ in range(2))
    claims = id_tokens.verify(first, world.config, world.shop)
    assert claims is not None
    assert claims["aud"] == "key"
    assert claims["exp"] - claims["nbf"] == 60
    assert first != second


def test_another_user_gets_tokens_of_their_own(world: World) -> None:
    world.install()
    owner, staff = world.store.shops.list_users(world.shop.id)
    assert world.client.get(f"{STORE}/user.json").json() == {"accountAccess": "Full access"}
    world.client.post(f"{STORE}/user", data={"user": str(staff.id)})
    claims = id_tokens.verify(world.client.get(f"{STORE}/id-token").json()["token"], world.config, world.shop)
    assert claims is not None
    assert claims["sub"] == str(staff.id) != str(owner.id)


def test_required_scopes_cannot_be_revoked_and_granted_ones_can(world: World) -> None:
    world.install()
    required = ["read_customers", "write_customers", "read_orders"]
    granted = world.client.post(f"{STORE}/scopes", json={"grant": ["read_reports"]}).json()
    assert granted["granted"] == [*required, "read_reports"]
    answer = world.client.post(f"{STORE}/scopes", json={"revoke": ["read_reports", "read_orders"]}).json()
    assert answer == {"granted": required, "required": required, "optional": []}


def test_uninstalling_tells_the_app(world: World) -> None:
    world.install()
    assert world.client.post(f"{STORE}/uninstall").status_code == 303
    assert world.store.access.find_installation(world.shop.id) is None
    assert [body["myshopify_domain"] for body in world.deliveries("app/uninstalled")] == [DOMAIN]


def test_toggling_consent_fires_the_webhook_each_way(world: World) -> None:
    world.install()
    customer = buyer(world)
    for state in ("subscribed", "unsubscribed"):
        assert world.client.post(f"{STORE}/customers/{customer.id}/consent").status_code == 303
        body = world.deliveries("customers_email_marketing_consent/update")[0]
        assert body["email_marketing_consent"]["state"] == state
    assert world.client.post(f"{STORE}/customers/1/consent").status_code == 404


def test_app_bridge_is_one_script_that_leaks_no_names(world: World) -> None:
    answer = world.client.get("/shopifycloud/app-bridge.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.text == app_bridge_source()
    assert answer.text.startswith("(() => {")
    assert answer.text.endswith("})();\n")


def test_covers_depend_on_the_name_alone_and_never_contain_it(world: World) -> None:
    assert cover_svg("a") == cover_svg("a") != cover_svg("b")
    assert "script" not in cover_svg('"><script>')
    assert world.client.get("/covers/amber.svg").headers["content-type"] == "image/svg+xml"


# The storefront


def first_product(world: World) -> tuple[str, int]:
    product = world.store.products.list_products(world.shop.id, limit=1)[0]
    return product.handle, world.store.products.list_variants(product.id)[0].id


def events(html: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = facts(html, "storefront")["events"]
    return found


def test_browsing_reports_what_was_seen(world: World) -> None:
    handle, variant = first_product(world)
    assert [event["name"] for event in events(world.get(f"{SHOP}/"))] == ["page_viewed"]
    seen = events(world.get(f"{SHOP}/products/{handle}"))[1]
    assert seen["name"] == "product_viewed"
    assert seen["data"]["productVariant"]["id"] == str(variant)
    assert events(world.get(f"{SHOP}/collections/all"))[1]["name"] == "collection_viewed"
    found = events(world.get(f"{SHOP}/search?q=amber"))[1]
    assert (found["name"], found["data"]["searchResult"]["query"]) == ("search_submitted", "amber")
    assert [event["name"] for event in events(world.get(f"{SHOP}/search"))] == ["page_viewed"]
    assert world.client.get(f"{SHOP}/products/none").status_code == 404
    assert world.client.get(f"{SHOP}/collections/none").status_code == 404


def test_shop_without_slash_keeps_the_query(world: World) -> None:
    assert world.client.get(f"{SHOP}?sc_click=x").headers["location"] == f"{SHOP}/?sc_click=x"


def test_a_search_cannot_break_out_of_the_page_data(world: World) -> None:
    page = world.get(f"{SHOP}/search?q=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page
    assert events(page)[1]["data"]["searchResult"]["query"] == "</script><script>alert(1)</script>"


def test_a_purchase_places_one_order_whose_tokens_are_those_of_its_events(world: World) -> None:
    world.install()
    _, variant = first_product(world)
    click = "A" * 40
    landing = f"/?utm_source=storecast&utm_campaign=cmp_1&sc_click={click}"
    world.client.get(f"{SHOP}{landing}", headers={"Referer": "https://mail.example/inbox"})
    added = world.client.post(
        f"{SHOP}/cart/add",
        data={"variant": str(variant), "quantity": "2"},
        headers={"Accept": "application/json"},
    ).json()
    cart_token = added["cart"]["id"]
    assert added["event"]["name"] == "product_added_to_cart"
    assert added["event"]["data"]["cartLine"]["quantity"] == 2

    checkout = world.get(f"{SHOP}/checkout")
    started = events(checkout)[1]["data"]["checkout"]
    assert started["order"] is None
    form = {"email": "Bea@Example.com", "first_name": "Bea", "accepts_marketing": "on"}
    placed = world.client.post(f"{SHOP}/checkout", data=form)
    assert placed.headers["location"] == f"{SHOP}/thank-you/{started['token']}"

    completed = events(world.get(placed.headers["location"]))[1]
    [order] = world.deliveries("orders/create")
    assert completed["name"] == "checkout_completed"
    assert completed["data"]["checkout"]["order"]["id"] == str(order["id"])
    assert completed["data"]["checkout"]["totalPrice"]["amount"] == float(order["total_price"])
    assert (order["cart_token"], order["checkout_token"]) == (cart_token, started["token"])
    assert (order["landing_site"], order["referring_site"]) == (landing, "https://mail.example/inbox")
    assert order["email"] == "bea@example.com"
    assert "cart" not in world.client.cookies
    # The form sent again finds no cart and places nothing.
    assert world.client.post(f"{SHOP}/checkout", data=form).headers["location"] == f"{SHOP}/cart"
    assert world.store.orders.count(world.shop.id) == 1


def test_checkout_without_an_address_places_nothing_and_says_so(world: World) -> None:
    _, variant = first_product(world)
    world.client.post(f"{SHOP}/cart/add", data={"variant": str(variant)})
    answer = world.client.post(f"{SHOP}/checkout", data={"email": "nobody", "first_name": "Bea"})
    assert "Enter an e-mail address" in answer.text
    assert 'value="Bea"' in answer.text
    assert world.store.orders.count(world.shop.id) == 0


def test_the_cart_changes_and_reports_the_difference(world: World) -> None:
    _, variant = first_product(world)
    json_wanted = {"Accept": "application/json"}
    assert (
        world.client.post(f"{SHOP}/cart/add", data={"variant": str(variant)}).headers["location"]
        == f"{SHOP}/cart"
    )
    change = {"variant": str(variant), "quantity": "4"}
    more = world.client.post(f"{SHOP}/cart/change", data=change, headers=json_wanted).json()["event"]
    assert (more["name"], more["data"]["cartLine"]["quantity"]) == ("product_added_to_cart", 3)
    change["quantity"] = "0"
    gone = world.client.post(f"{SHOP}/cart/change", data=change, headers=json_wanted).json()
    assert gone["event"]["name"] == "product_removed_from_cart"
    assert gone["event"]["data"]["cartLine"]["quantity"] == 4
    assert gone["cart"]["totalQuantity"] == 0
    assert world.client.post(f"{SHOP}/cart/add", data={"variant": "1"}).status_code == 422
    assert world.client.get(f"{SHOP}/checkout").headers["location"] == f"{SHOP}/cart"


def test_the_pixel_runs_only_when_switched_on_and_installed(world: World) -> None:
    assert facts(world.get(f"{SHOP}/"), "storefront")["pixel"] is None
    assert world.client.get(f"{SHOP}/pixel.js").status_code == 404
    world.install()
    settings = {"accountID": "pk_12345678", "endpoint": "http://127.0.0.1:9998"}
    world.store.pixels.create(world.shop.id, settings)
    pixel = facts(world.get(f"{SHOP}/"), "storefront")["pixel"]
    assert pixel["settings"] == settings
    assert pixel["needs"] == ["analytics", "marketing"]
    assert "WebPixel::Render" in world.get(pixel["bundle"])
    world.client.post(f"{STORE}/uninstall")
    assert facts(world.get(f"{SHOP}/"), "storefront")["pixel"] is None


def test_consent_is_read_from_the_visitors_cookie(world: World) -> None:
    assert facts(world.get(f"{SHOP}/"), "storefront")["consent"]["analytics"] is True
    for cookie in ('{"analytics":false}', "%7B%22analytics%22%3Afalse%7D"):
        consent = facts(world.get(f"{SHOP}/", Cookie=f"_tracking_consent={cookie}"), "storefront")["consent"]
        assert consent == {"analytics": False, "marketing": True, "preferences": True, "sale_of_data": True}
    assert (
        facts(world.get(f"{SHOP}/", Cookie="_tracking_consent=[]"), "storefront")["consent"]["marketing"]
        is True
    )


def test_a_visitor_keeps_their_client_id_and_first_landing(world: World) -> None:
    first = facts(world.get(f"{SHOP}/collections/all"), "storefront")["clientId"]
    assert facts(world.get(f"{SHOP}/cart"), "storefront")["clientId"] == first
    assert world.client.cookies["landing"] == "%2Fcollections%2Fall"
    world.get(f"{SHOP}/cart?utm_source=storecast")
    assert world.client.cookies["landing"] == "%2Fcart%3Futm_source%3Dstorecast"


# The inbox

RAW = (
    b"From: Shop <shop@example.com>\r\nSubject: Hello <i>\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    b'<p>Hi <a href="http://127.0.0.1:9998/c/t/1">go</a> <a href="javascript:alert(1)">x</a></p>\r\n'
)


def test_inbox_lists_and_shows_messages(world: World) -> None:
    assert "No mail yet" in world.get("/inbox")
    world.mail.add([Envelope("shop@example.com", ("ann@example.com",), RAW)])
    assert "Hello &lt;i&gt;" in world.get("/inbox?search=ann")
    page = world.get("/inbox/1")
    assert 'href="http://127.0.0.1:9998/c/t/1"' in page
    assert 'href="javascript:' not in page
    assert "Source" in page
    body = world.client.get("/inbox/1/body")
    assert body.text.startswith('<base target="_blank">')
    assert "default-src 'none'" in body.headers["content-security-policy"]
    assert world.client.get("/inbox/2").status_code == 404


def test_inbox_pages_by_keyset(world: World) -> None:
    world.mail.add([Envelope("", (f"p{n}@example.com",), b"Subject: s\r\n\r\n") for n in range(60)])
    page = world.get("/inbox")
    match = re.search(r"before=(\d+)", page)
    assert match is not None
    older = world.get(f"/inbox?before={match[1]}")
    assert page.count('<a href="/inbox/') + older.count('<a href="/inbox/') == 60


def test_control_mail_speaks_json(world: World) -> None:
    world.mail.add([Envelope("shop@example.com", ("ann@example.com",), RAW)] * 2)
    listed = world.client.get("/control/mail?recipient=ANN@example.com&limit=1").json()
    assert (listed["count"], [row["id"] for row in listed["messages"]]) == (2, [2])
    message = world.client.get("/control/mail/1").json()
    assert message["links"] == ["http://127.0.0.1:9998/c/t/1", "javascript:alert(1)"]
    assert ["Message-ID", "<1@x>"] in message["headers"]
    assert world.client.get("/control/mail/stats").json() == {
        "messages": 2,
        "distinct_recipients": 1,
        "duplicates": 1,
    }
    assert world.client.delete("/control/mail").json() == {"count": 0}
    assert world.client.get("/control/mail/1").status_code == 404


def test_mail_faults_are_switched_over_http(world: World) -> None:
    wanted = {"reject": [{"pattern": "*@x"}], "delay_ms": 5}
    switched = world.client.put("/control/mail/faults", json=wanted).json()
    assert switched["reject"][0]["code"] == 550
    refused = world.client.put("/control/mail/faults", json={"speed": 1})
    assert (refused.status_code, "speed" in refused.json()["error"]) == (422, True)
    assert world.client.put("/control/mail/faults", content=b"{").status_code == 422
    assert world.client.get("/control/mail/faults").json() == switched
    assert world.client.delete("/control/mail/faults").json()["reject"] == []
