"""HTML documents: who may frame them, and what they give away (nothing)."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from tests.conftest import environment, id_token

SHOP = "acme.myshopify.com"
INDEX = """<!doctype html><html><head><meta name="shopify-api-key" content="__SHOPIFY_API_KEY__" />
<script vite-ignore src="__APP_BRIDGE_URL__" data-app-bridge></script></head><body></body></html>"""


@pytest.fixture
def pages(database: str, tmp_path: Path) -> Iterator[TestClient]:
    """The API over a built frontend."""
    from storecast.entrypoints.api import create_app

    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("export {}")
    with (
        environment({**os.environ, "STORECAST_FRONTEND_DIST": str(tmp_path)}),
        TestClient(create_app(), follow_redirects=False) as client,
    ):
        yield client


def policy(answer) -> str:  # type: ignore[no-untyped-def]
    return str(answer.headers["Content-Security-Policy"]).split(";")[0]


def test_in_the_admin_the_page_may_be_framed_by_this_shop_alone(pages: TestClient) -> None:
    answer = pages.get("/campaigns", params={"shop": SHOP, "embedded": "1", "id_token": id_token(SHOP)})
    assert answer.status_code == 200
    assert policy(answer) == f"frame-ancestors https://{SHOP} https://admin.shopify.com"
    assert 'content="test-api-key"' in answer.text
    assert "https://cdn.shopify.com/shopifycloud/app-bridge.js" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_outside_the_admin_nobody_may_frame_it_and_app_bridge_stays_away(pages: TestClient) -> None:
    answer = pages.get("/")
    assert policy(answer) == "frame-ancestors 'none'"
    assert "app-bridge" not in answer.text


@pytest.mark.parametrize(
    "shop",
    [
        "evil.com https://x.com",
        "evil.com;script-src *",
        "a.myshopify.com\r\nX-Evil: 1",
        "x.myshopify.com.evil.com",
    ],
)
def test_what_is_no_shop_never_reaches_the_header(pages: TestClient, shop: str) -> None:
    for path in ("/", "/auth/bounce"):
        answer = pages.get(path, params={"shop": shop, "embedded": "1"})
        assert policy(answer) == "frame-ancestors 'none'"
        assert "X-Evil" not in answer.headers


@pytest.mark.parametrize(
    "raw", [None, "", "x.y.z", id_token(SHOP, exp=1_000_000_000), id_token("rival.myshopify.com")]
)
def test_without_a_fresh_token_of_this_shop_it_goes_through_the_bounce_page(
    pages: TestClient, raw: str | None
) -> None:
    params = {"shop": SHOP, "embedded": "1", "host": "aG9zdA"} | (
        {"id_token": raw} if raw is not None else {}
    )
    answer = pages.get("/campaigns/new", params=params)

    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    assert (target.scheme, target.netloc, target.path) == ("", "", "/auth/bounce")
    (reload,) = parse_qs(target.query)["shopify-reload"]
    assert reload.startswith("/campaigns/new?")
    assert "id_token" not in answer.headers["Location"]
    bounce = pages.get(answer.headers["Location"])
    assert policy(bounce) == f"frame-ancestors https://{SHOP} https://admin.shopify.com"
    assert 'data-api-key="test-api-key"' in bounce.text


def test_the_bounce_page_leads_to_no_other_site(pages: TestClient) -> None:
    for target in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:x",
        "/\n/evil.example",
        "",
    ):
        answer = pages.get("/auth/bounce", params={"shop": SHOP, "shopify-reload": target})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "foreign_target"), target
    twice = pages.get(f"/auth/bounce?shop={SHOP}&shopify-reload=/a&shopify-reload=/b")
    assert twice.status_code == 422
    assert pages.get("/auth/bounce", params={"shop": SHOP, "shopify-reload": "/a?b=c"}).status_code == 200


def test_a_target_that_came_with_the_request_is_not_handed_on(pages: TestClient) -> None:
    answer = pages.get(
        "/campaigns", params={"shop": SHOP, "embedded": "1", "shopify-reload": "https://evil.example"}
    )
    (reload,) = parse_qs(urlsplit(answer.headers["Location"]).query)["shopify-reload"]
    assert reload.startswith("/campaigns?")
    assert "evil" not in answer.headers["Location"]


def test_the_browsers_own_page_is_framed_by_nobody_whatever_shop_it_names(pages: TestClient) -> None:
    assert policy(pages.get("/", params={"shop": SHOP})) == "frame-ancestors 'none'"
    assert policy(pages.get("/auth/bounce")) == "frame-ancestors 'none'"


def test_a_path_that_looks_like_a_host_stays_a_path(pages: TestClient) -> None:
    answer = pages.get("http://testserver//evil.example/x", params={"shop": SHOP, "embedded": "1"})
    (reload,) = parse_qs(urlsplit(answer.headers["Location"]).query)["shopify-reload"]
    assert reload.startswith("/evil.example/x?")


def test_built_files_are_kept_and_others_are_not_there(pages: TestClient) -> None:
    asset = pages.get("/assets/app-1a2b.js")
    assert (asset.status_code, "immutable" in asset.headers["Cache-Control"]) == (200, True)
    assert pages.get("/favicon.svg").status_code == 200
    for path in (
        "/assets/none.js",
        "/index.html",
        "/../conftest.py",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/api/v1/none",
    ):
        assert pages.get(path).status_code == 404, path


def test_an_unbuilt_dashboard_says_so(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, "not built" in answer.text) == (503, True)
