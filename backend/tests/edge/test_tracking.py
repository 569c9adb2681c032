"""Opens, clicks and unsubscribes at the edge."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from storecast.edge import tracking
from storecast.kit.errors import Unavailable
from storecast.messaging.page_words import WORDS
from storecast.messaging.tokens import Tokens

TOKENS = Tokens(b"a secret of the tests, 32 bytes long")
TOKEN = TOKENS.mint(7, 41, 4242)
FORGED = Tokens(b"another secret of the tests, also long").mint(7, 41, 4242)
LINK = "https://acme.example/products/blue-train?variant=1&utm_source=storecast#reviews"
AGENT = {"User-Agent": "Mozilla/5.0 (iPhone)"}


SHOP = "https://acme.example"


CODED = f"{SHOP}/discount/{{code}}?redirect="


@pytest.mark.parametrize(
    ("url", "code", "leads_to"),
    [
        (f"{CODED}%2Fsale&utm_source=s", "HI-2", f"{SHOP}/discount/HI-2?redirect=%2Fsale&utm_source=s"),
        # What is no code is left out, and the visitor still gets to the page.
        (f"{CODED}%2Fsale%3Fq%3D1&utm_source=s", None, f"{SHOP}/sale?q=1&utm_source=s"),
        (f"{CODED}%2Fsale", "../../x", f"{SHOP}/sale"),
        (f"{CODED}%2Fsale", "A@evil.example", f"{SHOP}/sale"),
        (f"{CODED}%2F%2Fevil.example%2Fx", "", f"{SHOP}/x"),
        (CODED, "A" * 65, f"{SHOP}/"),
        (LINK, "HI-2", LINK),
    ],
)
def test_a_code_is_a_word_in_the_path_of_a_stored_link(url: str, code: str | None, leads_to: str) -> None:
    assert tracking.with_code(url, code) == leads_to


class World:
    """A sink in memory that can be away, and the links of one campaign."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.away = False

    async def submit(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self.away:
            raise Unavailable(code="storage_away")
        self.rows += [dict(zip((name for name, _kind in tracking.COLUMNS), row, strict=True)) for row in rows]

    async def find_link(self, shop_id: int, campaign_id: int, number: int) -> str | None:
        return LINK if (shop_id, campaign_id, number) == (7, 41, 3) else None

    async def find_shop_name(self, shop_id: int) -> str | None:
        return "Tom & <Jerry>" if shop_id == 7 else None


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    async def away(_request: Any, error: Exception) -> Any:
        return tracking.page(503, "Away", "", lang="en")

    app = Starlette(
        routes=[
            Route(
                "/o/{token}.gif", tracking.open_endpoint(world.submit, TOKENS.open), methods=["GET", "HEAD"]
            ),
            *(
                Route(
                    path,
                    tracking.click_endpoint(world.submit, TOKENS.open, world.find_link, TOKENS.open_address),
                    methods=["GET", "HEAD"],
                )
                for path in ("/c/{token}/{n:int}", "/c/{token}/{n:int}/{sealed}")
            ),
            Route(
                "/u/{token}",
                tracking.unsubscribe_endpoint(
                    world.submit, TOKENS.open, world.find_shop_name, "https://app.example"
                ),
                methods=["GET", "HEAD", "POST"],
            ),
            Route(
                "/p/{token}",
                tracking.preferences_endpoint(TOKENS.open, "https://app.example"),
                methods=["GET", "HEAD"],
            ),
        ],
        exception_handlers={Unavailable: away},
    )
    with TestClient(app, follow_redirects=False) as client:
        yield client


def recorded(world: World) -> list[tuple[Any, ...]]:
    return [
        (
            row["kind"],
            row["shop_id"],
            row["campaign_id"],
            row["delivery_id"],
            row["link_number"],
            row["verdict"],
        )
        for row in world.rows
    ]


def test_an_open_is_recorded_and_answered_with_an_image(client: TestClient, world: World) -> None:
    answer = client.get(f"/o/{TOKEN}.gif", headers=AGENT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/gif"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.content[:6] == b"GIF89a"
    assert recorded(world) == [("open", 7, 41, 4242, None, "unknown")]
    assert world.rows[0]["user_agent"] == "Mozilla/5.0 (iPhone)"


@pytest.mark.parametrize("token", [FORGED, "x", TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B")])
def test_a_token_that_is_not_ours_records_nothing(client: TestClient, world: World, token: str) -> None:
    assert client.get(f"/o/{token}.gif").status_code == 200
    assert client.get(f"/c/{token}/3").status_code == 404
    assert client.get(f"/u/{token}").status_code == 404
    assert client.post(f"/u/{token}", data={"confirm": "yes"}).status_code == 404
    assert world.rows == []


def test_an_open_that_cannot_be_stored_is_not_acknowledged(client: TestClient, world: World) -> None:
    world.away = True
    assert client.get(f"/o/{TOKEN}.gif").status_code == 503


def test_a_click_leads_to_the_stored_link_with_the_token(client: TestClient, world: World) -> None:
    answer = client.get(f"/c/{TOKEN}/3", headers=AGENT)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert target.geturl().startswith(
        "https://acme.example/products/blue-train?variant=1&utm_source=storecast&"
    )
    assert parse_qs(target.query)["sc_click"] == [TOKEN]
    assert target.fragment == "reviews"
    assert recorded(world) == [("click", 7, 41, 4242, 3, "unknown")]


def test_a_head_request_is_a_machines(client: TestClient, world: World) -> None:
    assert client.head(f"/c/{TOKEN}/3").status_code == 302
    assert client.head(f"/o/{TOKEN}.gif").status_code == 200
    assert [row["verdict"] for row in world.rows] == ["machine", "machine"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
    ],
)
def test_what_is_fetched_ahead_is_a_machines(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    assert client.get(f"/c/{TOKEN}/3", headers={**AGENT, **headers}).status_code == 302
    client.get(f"/o/{TOKEN}.gif", headers={**AGENT, **headers})
    assert [row["verdict"] for row in world.rows] == ["machine", "machine"]


@pytest.mark.parametrize("path", [f"/c/{TOKEN}/4", f"/c/{TOKEN}/99999", f"/c/{TOKEN}/https://evil.example"])
def test_there_is_no_way_to_name_another_target(client: TestClient, world: World, path: str) -> None:
    answer = client.get(path + "?url=https://evil.example")
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "evil" not in answer.text
    assert world.rows == []


def test_a_visitor_gets_through_while_the_database_is_away(client: TestClient, world: World) -> None:
    world.away = True
    assert client.get(f"/c/{TOKEN}/3").status_code == 302


def test_looking_at_the_unsubscribe_page_changes_nothing(client: TestClient, world: World) -> None:
    answer = client.get(f"/u/{TOKEN}")
    client.head(f"/u/{TOKEN}")
    assert answer.status_code == 200
    assert world.rows == []
    assert '<form method="post">' in answer.text
    assert "Tom &amp; &lt;Jerry&gt;" in answer.text
    assert "<Jerry>" not in answer.text


def test_the_page_is_locked_down_and_its_own_style_is_let_in(client: TestClient) -> None:
    answer = client.get(f"/u/{TOKEN}")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]+'", policy)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert 'lang="en"' in answer.text


@pytest.mark.parametrize("lang", list(WORDS))
def test_every_page_is_in_the_readers_language(client: TestClient, world: World, lang: str) -> None:
    words = WORDS[lang]
    headers = {"Accept-Language": f"sv, {lang}-XX;q=0.9, en;q=0.1"}
    pages = {
        "leaving": client.get(f"/u/{TOKEN}", headers=headers),
        "unchanged": client.post(f"/u/{TOKEN}", headers=headers),
        "nowhere": client.get(f"/u/{FORGED}", headers=headers),
        "left": client.post(f"/u/{TOKEN}", data={"confirm": "yes"}, headers=headers),
    }
    for name, answer in pages.items():
        assert f'<html lang="{lang}">' in answer.text
        assert f"<h1>{escape(words[name])}</h1>" in answer.text
    assert escape(words["leaving_what"].format(shop="Tom & <Jerry>")) in pages["leaving"].text
    assert escape(words["left_what"].format(shop="Tom & <Jerry>")) in pages["left"].text
    assert len(world.rows) == 1


@pytest.mark.parametrize(
    "request_options",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"data": {"confirm": "yes"}},
    ],
    ids=["one-click urlencoded", "one-click multipart", "the page's button"],
)
def test_a_post_unsubscribes(client: TestClient, world: World, request_options: dict[str, Any]) -> None:
    answer = client.post(f"/u/{TOKEN}", **request_options)
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert recorded(world) == [("unsubscribe", 7, 41, 4242, None, "unknown")]


@pytest.mark.parametrize(
    "request_options",
    [
        {},
        {"data": {"List-Unsubscribe": "Maybe"}},
        {"content": b"List-Unsubscribe=One-Click", "headers": {"Content-Type": "text/plain"}},
        {"content": b"--", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
        {"data": {"List-Unsubscribe": "One-Click", "pad": "x" * 9000}},
    ],
    ids=["empty", "another value", "another type", "no boundary", "wrong boundary", "too large"],
)
def test_a_post_that_does_not_ask_for_it_changes_nothing(
    client: TestClient, world: World, request_options: dict[str, Any]
) -> None:
    assert client.post(f"/u/{TOKEN}", **request_options).status_code == 400
    assert world.rows == []


ONE_CLICK = {
    "content": b"List-Unsubscribe=One-Click",
    "headers": {"Content-Type": "application/x-www-form-urlencoded"},
}


@pytest.mark.parametrize("options", [{}, ONE_CLICK], ids=["no body", "the one-click body"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("query", ["", "?List-Unsubscribe=One-Click&confirm=yes"])
def test_no_other_method_unsubscribes(
    client: TestClient, world: World, method: str, query: str, options: dict[str, Any]
) -> None:
    for path in ("u", "p"):
        answer = client.request(method, f"/{path}/{TOKEN}{query}", **options)
        known = {"u": 200, "p": 302}[path] if method in {"GET", "HEAD"} else 405
        assert answer.status_code == known
    # What the query says is no body.
    assert client.post(f"/u/{TOKEN}?List-Unsubscribe=One-Click").status_code == 400
    assert world.rows == []


def test_preferences_are_the_apps_and_nobody_elses(client: TestClient, world: World) -> None:
    assert (
        client.get(f"/p/{TOKEN}?next=//evil.example").headers["location"] == f"https://app.example/p/{TOKEN}"
    )
    assert client.get(f"/p/{FORGED}").status_code == 404
    assert client.get("/p/%2F%2Fevil.example").status_code == 404
    assert f'href="https://app.example/p/{TOKEN}"' in client.get(f"/u/{TOKEN}").text


def test_an_unsubscribe_that_is_not_on_disk_is_not_confirmed(client: TestClient, world: World) -> None:
    world.away = True
    assert client.post(f"/u/{TOKEN}", data={"confirm": "yes"}).status_code == 503


def test_a_user_agent_is_bounded(client: TestClient, world: World) -> None:
    client.get(f"/o/{TOKEN}.gif", headers={"User-Agent": "x" * 5000})
    assert len(world.rows[0]["user_agent"]) == tracking.MAX_USER_AGENT


@given(st.sampled_from(["", "?", "?a=1", "?a=1&b=%20x", "?a=b=c&&", "#f", "?a#f?g"]))
def test_a_link_keeps_all_that_it_had(tail: str) -> None:
    result = urlsplit(tracking.with_token("https://acme.example/p" + tail, TOKEN))
    before = urlsplit("https://acme.example/p" + tail)
    assert result.query.startswith(before.query)
    assert parse_qs(result.query)["sc_click"] == [TOKEN]
    assert (result.netloc, result.path, result.fragment) == (before.netloc, before.path, before.fragment)
