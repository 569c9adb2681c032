"""ShopifyAPI serves by three pure functions; its global session, which leaks tokens between shops, is never used."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shopify.base import ShopifyResource
from shopify.session import Session

import storecast
from storecast.shopify.domains import read_typed_domain
from storecast.shopify.errors import SignatureRefused
from storecast.shopify.hmac import verify_query
from tests.shopify.test_client import Shop, ok

SOURCES = sorted(Path(storecast.__file__).parent.rglob("*.py"))
ALLOWED = {
    ("shopify.session", "Session"),
    ("shopify.utils.shop_url", "sanitize_shop_domain"),
    ("shopify", "session_token"),
    ("shopify.session_token", "decode_from_header"),
}


def imported(source: Path) -> set[tuple[str, str]]:
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "shopify":
            found |= {(str(node.module), name.name) for name in node.names}
        if isinstance(node, ast.Import):
            found |= {(name.name, "*") for name in node.names if name.name.partition(".")[0] == "shopify"}
    return found


def test_only_the_sound_functions_are_imported() -> None:
    assert set().union(*(imported(source) for source in SOURCES)) <= ALLOWED


def test_nothing_activates_a_session() -> None:
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"activate_session", "clear_session", "ShopifyResource"}, source
                assert not (node.attr == "setup" and ast.unparse(node.value) == "Session"), source


def state() -> tuple[dict[str, object], object, object]:
    held = {name: value for name, value in vars(Session).items() if not callable(value)}
    return held, ShopifyResource._threadlocal.__dict__.copy(), ShopifyResource.get_site()


def test_using_it_leaves_its_global_state_as_it_was() -> None:
    before = state()
    assert read_typed_domain("https://Acme.myshopify.com/admin") == "acme.myshopify.com"
    with pytest.raises(SignatureRefused):
        verify_query(
            [("shop", "acme.myshopify.com"), ("timestamp", "1793000000"), ("hmac", "00")],
            ["secret", "older"],
            now=datetime.fromtimestamp(1793000000, UTC),
        )
    Shop(ok()).client.execute("shop")
    assert state() == before
    assert (Session.secret, Session.api_key) == (None, None)
