"""What the world outside says of a campaign's links and products before it is sent."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from sqlalchemy.orm import Session

from storecast.campaigns import live_checks
from storecast.campaigns.live_checks import Subject
from storecast.campaigns.models import Campaign
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shops import tokens
from storecast.shops.models import Shop
from tests.conftest import environment
from tests.simulated_shopify import SHOP, SimulatedShopify
from tests.sync.conftest import installed, shopify

__all__ = ["installed", "shopify"]

PAGE = {"first": 10, "after": None, "query": None}

STATUS = {"/": 200, "/gone": 410, "/missing": 404, "/broken": 500, "/teapot": 418, "/login": 403}

IMAGES = {
    "/small.png": ("image/png", 1_000_000),
    "/large.jpg": ("image/jpeg; q=1", 1_000_001),
    "/edge.gif": ("image/gif", 10_000_000),
    "/huge.webp": ("image/webp", 10_000_001),
    "/drawing.svg": ("image/svg+xml", 100),
    "/untold": ("", 100),
    "/page.png": ("text/html", 100),
}


class Site(BaseHTTPRequestHandler):
    """Answers by path; `/moved` leads to `/`, `/circle` to itself, `/away` to a missing page, `/head` wants a GET."""

    asked: list[tuple[str, str]]

    def answer(self) -> None:
        self.asked.append((self.command, self.path))
        moves = {"/moved": "/", "/circle": "/circle", "/away": "missing"}
        status = 405 if (self.command, self.path) == ("HEAD", "/head") else STATUS.get(self.path, 200)
        self.send_response(302 if self.path in moves else status)
        if self.path in moves:
            self.send_header("Location", moves[self.path])
        kind, size = IMAGES.get(self.path, ("text/html", 0))
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size if self.command == "HEAD" else 0))
        self.end_headers()

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@contextmanager
def site() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    Site.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Site.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def production(database: str) -> dict[str, str]:
    secret = {
        name: secrets.token_hex(32) for name in ("APP_SECRET_KEY", "SESSION_SECRET_KEY", "SHOPIFY_API_SECRET")
    }
    return {
        "STORECAST_ENVIRONMENT": "production",
        "SHOPIFY_APP_URL": "https://app.storecast.dev",
        "DATABASE_URL": database,
        **secret,
    }


def judge_links(*urls: str) -> list[tuple[str, str, dict[str, object]]]:
    checks = live_checks.judge(partial(tenant_session, ShopId(1)), ShopId(1), Subject(urls, ()))
    return [(check.code, check.level, check.facts) for check in checks]


def test_links_are_asked_and_those_that_lead_nowhere_are_named(database: str) -> None:
    with site() as (at, asked):
        sure = [f"{at}/gone", f"{at}/missing", f"{at}/circle", f"{at}/away"]
        unsure = [f"{at}/broken", f"{at}/login"]
        found = judge_links(f"{at}/", f"{at}/moved", f"{at}/head", *sure, *unsure)
    assert found == [("links_answer", "ask", {"asked": 9, "unknown": 2, "broken": sure})]
    assert [call for call in asked if call[1] == "/head"] == [("HEAD", "/head"), ("GET", "/head")]
    assert asked.count(("HEAD", "/circle")) == live_checks.REDIRECTS + 1


def test_links_that_answer_are_in_order_and_none_need_no_word(database: str) -> None:
    with site() as (at, _asked):
        assert judge_links(f"{at}/") == [("links_answer", "ok", {"asked": 1, "unknown": 0})]
    assert judge_links() == []


def test_images_that_are_none_or_too_large_are_named(database: str) -> None:
    def judge(*paths: str) -> list[tuple[str, str, dict[str, object]]]:
        subject = Subject((), (), tuple(f"{at}{path}" for path in paths))
        checks = live_checks.judge(partial(tenant_session, ShopId(1)), ShopId(1), subject)
        return [(check.code, check.level, check.facts) for check in checks]

    def asked(count: int, unknown: int = 0, **more: object) -> dict[str, object]:
        return {"asked": count, "unknown": unknown, **more}

    with site() as (at, _asked):
        assert judge("/small.png", "/untold", "/broken") == [
            ("images", "ok", asked(3, 1)), ("image_size", "ok", {}),
        ]  # fmt: skip
        sizes: dict[str, object] = {"images": {f"{at}/large.jpg": 1.0, f"{at}/edge.gif": 10.0}}
        assert judge("/large.jpg", "/edge.gif", "/gone") == [
            ("images", "ask", asked(3, broken=[f"{at}/gone"])), ("image_size", "ask", sizes),
        ]  # fmt: skip
        huge: dict[str, object] = {"images": {f"{at}/huge.webp": 10.0}}
        others = [f"{at}/page.png", f"{at}/drawing.svg"]
        assert judge("/huge.webp", "/large.jpg", "/page.png", "/drawing.svg") == [
            ("images", "stop", asked(4, others=others)), ("image_size", "stop", huge),
        ]  # fmt: skip
    assert judge() == []


def test_the_images_of_a_message_are_those_that_everybody_gets(session: Session, shop: Shop) -> None:
    html = (
        '<body background="https://a.example/paper.png"><img src="https://a.example/1.png?a=1&amp;b=2">'
        '<img src="{{ shop.url }}/2.png"><img src="{{ customer.city }}.png"><img src="https://a.example/1.png?a=1&amp;b=2">'
        '<!-- <img src="https://a.example/no.png"> --></body>'
    )
    campaign = Campaign(shop_id=shop.id, public_id="cmp_i", name="Images", html=html)
    session.add(campaign)
    session.flush()
    session.refresh(campaign)
    found = live_checks.gather(session, ShopId(shop.id), campaign).image_urls
    assert found == (
        "https://a.example/paper.png",
        "https://a.example/1.png?a=1&b=2",
        "https://acme.myshopify.com/2.png",
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/"])
def test_nobody_inside_is_asked(database: str, url: str) -> None:
    """Where merchants share a network with servers, a link does not reach them, a redirect neither."""
    with site() as (at, asked), environment(production(database)):
        assert judge_links(f"{at}/moved", url) == [
            ("links_answer", "ask", {"asked": 2, "unknown": 0, "broken": [f"{at}/moved", url]})
        ]
        assert asked == []


def test_products_that_nobody_can_buy_are_named(shopify: SimulatedShopify, installed: ShopId) -> None:
    unit_of_work = partial(tenant_session, installed)
    page = tokens.admin_client(unit_of_work, installed).execute("page_products", PAGE).data["products"]
    titles = {node["id"]: node["title"] for node in page["nodes"] if node["status"] == "ACTIVE"}
    gids = tuple(titles)[:3]

    def judge() -> list[tuple[str, str, dict[str, object]]]:
        found = live_checks.judge(unit_of_work, installed, Subject((), gids))
        return [(check.code, check.level, check.facts) for check in found]

    assert judge() == [("stock", "ok", {})]
    shopify.control("products/sell_out", id=gids[0])
    shopify.control("products/delete", id=gids[1])
    assert judge() == [
        ("stock", "ask", {"products": [titles[gids[0]]]}),
        ("products_deleted", "ask", {"deleted": 1}),
    ]
    shopify.control("uninstall", shop=SHOP)
    assert judge() == []
