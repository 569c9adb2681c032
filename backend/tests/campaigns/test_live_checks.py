"""What the world outside says of a campaign's links and products before it is sent."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from storecast.campaigns import live_checks
from storecast.campaigns.live_checks import Subject
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shops import tokens
from tests.conftest import environment
from tests.simulated_shopify import SHOP, SimulatedShopify
from tests.sync.conftest import installed, shopify

__all__ = ["installed", "shopify"]

PAGE = {"first": 10, "after": None, "query": None}

STATUS = {"/": 200, "/gone": 410, "/missing": 404, "/broken": 500, "/teapot": 418, "/login": 403}


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
        self.send_header("Content-Length", "0")
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
