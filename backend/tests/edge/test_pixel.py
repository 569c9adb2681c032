"""Pixel batches: what is kept, what is named as bad, and what the wire's golden files say."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from storecast.edge import pixel
from storecast.edge.answers import json_answer
from storecast.kit.errors import Invalid, StorecastError, TooLarge
from storecast.messaging.tokens import Tokens

NOW = datetime(2026, 11, 21, 22, 1, tzinfo=UTC)
GOLDEN = sorted((Path(__file__).parents[3] / "extensions/web-pixel/golden").glob("*.json"))
TOKENS = Tokens(b"a secret of the tests, 32 bytes long")
KEY = "pk_acme_0123"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "id": "5f1e7c0a-2b9d-4a1e-9d53-0c1b7f2e4a66",
        "name": "page_viewed",
        "at": "2026-11-21T22:00:00.123Z",
        "client_id": "client-1",
        "seq": 3,
        "url": "https://acme.example/",
        "referrer": "",
        "consent": {"analytics": True, "marketing": True},
        **changes,
    }


def body(*events: Any, **changes: Any) -> bytes:
    return json.dumps({"v": 1, "key": KEY, "events": list(events), **changes}).encode()


def row(batch: pixel.Batch, index: int = 0, shop_id: int = 7) -> dict[str, Any]:
    values = pixel.to_rows(batch, shop_id, TOKENS.open)[index]
    return dict(zip((name for name, _kind in pixel.COLUMNS), values, strict=True))


def test_a_good_event_becomes_one_row() -> None:
    batch = pixel.parse_batch(
        body(event(value="12.50", currency="USD", product_gid="gid://shopify/Product/9001", quantity=2)), NOW
    )
    assert batch.rejected == []
    assert row(batch) == {
        "pixel_version": None,
        "shop_id": 7,
        "event_id": UUID("5f1e7c0a-2b9d-4a1e-9d53-0c1b7f2e4a66"),
        "occurred_at": datetime(2026, 11, 21, 22, 0, 0, 123000, tzinfo=UTC),
        "name": "page_viewed",
        "client_id": "client-1",
        "seq": 3,
        "url": "https://acme.example/",
        "referrer": "",
        "click_token": None,
        "campaign_id": None,
        "delivery_id": None,
        "customer_gid": None,
        "product_gid": "gid://shopify/Product/9001",
        "variant_gid": None,
        "quantity": 2,
        "cart_token": None,
        "checkout_token": None,
        "order_gid": None,
        "value_minor": 1250,
        "currency": "USD",
        "search": None,
        "consent": '{"analytics":true,"marketing":true}',
    }


def test_every_event_of_the_wire_has_a_golden_file() -> None:
    sent = {json.loads(path.read_text())["wire"]["name"] for path in GOLDEN}
    assert sent == pixel.EVENT_NAMES


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_the_extension_sends_is_accepted_whole(path: Path) -> None:
    wire = json.loads(path.read_text())["wire"]
    batch = pixel.parse_batch(body(wire), NOW)
    assert batch.rejected == []
    stored = row(batch)
    assert stored["name"] == wire["name"]
    assert stored["event_id"] == UUID(wire["id"])
    for field in (
        "client_id",
        "seq",
        "url",
        "customer_gid",
        "product_gid",
        "order_gid",
        "checkout_token",
        "search",
    ):
        assert stored[field] == wire[field]
    assert (stored["value_minor"] is None) == (wire["value"] is None)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"name": "page_hated"}, "/name", "unknown_event"),
        ({"id": "not-a-uuid"}, "/id", "invalid"),
        ({"at": "2026-11-21 22:00"}, "/at", "invalid"),
        ({"at": "2026-11-21T22:00:00"}, "/at", "invalid"),
        ({"at": "2026-11-21T22:06:01Z"}, "/at", "in_the_future"),
        ({"at": "2026-11-14T22:00:59Z"}, "/at", "too_old"),
        ({"client_id": ""}, "/client_id", "invalid"),
        ({"client_id": None}, "/client_id", "invalid"),
        ({"client_id": "a\x00b"}, "/client_id", "invalid"),
        ({"url": "x" * 2049}, "/url", "invalid"),
        ({"search": "x" * 257}, "/search", "invalid"),
        ({"seq": -1}, "/seq", "invalid"),
        ({"quantity": 2**31}, "/quantity", "invalid"),
        ({"value": 12.5}, "/value", "invalid"),
        ({"value": "1e9", "currency": "USD"}, "/value", "invalid"),
        ({"value": "-1", "currency": "USD"}, "/value", "invalid"),
        ({"value": "12.50"}, "/currency", "currency_missing"),
        ({"value": "12.50", "currency": "usd"}, "/currency", "invalid"),
        ({"order_gid": "6001"}, "/order_gid", "invalid"),
        ({"customer_gid": "gid://shopify/Order/1"}, "/customer_gid", "invalid"),
        ({"consent": None}, "/consent", "invalid"),
        ({"consent": {"analytics": True}}, "/consent/marketing", "invalid"),
        ({"consent": {"analytics": False, "marketing": True}}, "/consent/analytics", "consent_missing"),
    ],
)
def test_a_bad_event_costs_only_itself(change: dict[str, Any], pointer: str, code: str) -> None:
    batch = pixel.parse_batch(body(event(), event(**change), event()), NOW)
    assert len(batch.events) == 2
    assert [(item.index, item.pointer, item.code) for item in batch.rejected] == [
        (1, f"/events/1{pointer}", code)
    ]


def test_the_edges_of_time_are_inside() -> None:
    young = (NOW + pixel.MAX_FUTURE).isoformat()
    old = (NOW - pixel.MAX_AGE).isoformat()
    assert len(pixel.parse_batch(body(event(at=young), event(at=old)), NOW).events) == 2


def test_an_event_that_is_no_object_is_named_and_one_of_a_newer_wire_is_kept() -> None:
    batch = pixel.parse_batch(body("hello", event(shiny="new")), NOW)
    assert len(batch.events) == 1
    assert [(item.index, item.pointer) for item in batch.rejected] == [(0, "/events/0")]


@pytest.mark.parametrize(
    ("content", "pointer", "code"),
    [
        (b"", "", "malformed_json"),
        (b"{", "", "malformed_json"),
        (b"\xff\xfe", "", "malformed_json"),
        (b'{"x":' + b"[" * 60_000, "", "malformed_json"),
        (b"[]", "", "invalid"),
        (body(event(), v=2), "/v", "unknown_version"),
        (body(event(), v="1"), "/v", "invalid"),
        (body(event(), key="abc"), "/key", "invalid"),
        (body(event(), key=None), "/key", "invalid"),
        (json.dumps({"v": 1, "events": [event()]}).encode(), "/key", "invalid"),
        (body(), "/events", "invalid"),
        (body(*[event()] * 21), "/events", "too_many_events"),
    ],
)
def test_a_body_of_which_nothing_can_be_kept_is_refused_whole(
    content: bytes, pointer: str, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        pixel.parse_batch(content, NOW)
    assert caught.value.code == code
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_twenty_events_of_64_kib_fit_and_one_byte_more_does_not() -> None:
    content = body(*[event()] * 20)
    assert len(pixel.parse_batch(content + b" " * (pixel.MAX_BODY_BYTES - len(content)), NOW).events) == 20
    with pytest.raises(TooLarge):
        pixel.parse_batch(content + b" " * (pixel.MAX_BODY_BYTES - len(content) + 1), NOW)


def test_a_click_token_counts_only_when_it_was_signed_here_for_this_shop() -> None:
    mine, theirs = TOKENS.mint(7, 41, 4242), TOKENS.mint(8, 41, 4242)
    forged = Tokens(b"another secret of the tests, also long").mint(7, 41, 4242)
    batch = pixel.parse_batch(body(*(event(click=token) for token in (mine, theirs, forged, "x"))), NOW)
    read = [(r["click_token"], r["campaign_id"], r["delivery_id"]) for r in (row(batch, n) for n in range(4))]
    assert read == [(mine, 41, 4242), (None, None, None), (None, None, None), (None, None, None)]


@given(
    st.dictionaries(
        st.sampled_from(list(event())), st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    )
)
def test_whatever_an_event_holds_it_is_kept_or_named(changes: dict[str, Any]) -> None:
    batch = pixel.parse_batch(body(event(**changes)), NOW)
    assert len(batch.events) + len(batch.rejected) == 1
    assert len(pixel.to_rows(batch, 7, TOKENS.open)) == len(batch.events)


@pytest.fixture
def stored() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
def client(stored: list[tuple[Any, ...]]) -> TestClient:
    async def submit(rows: Sequence[tuple[Any, ...]]) -> None:
        stored.extend(rows)

    async def find_shop(key: str) -> int | None:
        return 7 if key == KEY else None

    async def answer(_request: Any, error: Exception) -> Any:
        assert isinstance(error, StorecastError)
        return json_answer(error.status, {"code": error.code})

    endpoint = pixel.endpoint(submit, find_shop, TOKENS.open)
    app = Starlette(
        routes=[Route("/pixel/v1/events", endpoint, methods=["POST", "OPTIONS"])],
        exception_handlers={StorecastError: answer},
    )
    return TestClient(app)


def test_good_rows_are_stored_before_the_answer_and_bad_ones_are_named(
    client: TestClient, stored: list[tuple[Any, ...]]
) -> None:
    with time_machine.travel(NOW, tick=False):
        answer = client.post("/pixel/v1/events", content=body(event(), event(name="nope")))
    assert answer.status_code == 202
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["accepted"] == 1
    assert [item["pointer"] for item in answer.json()["rejected"]] == ["/events/1/name"]
    assert len(stored) == 1


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (body(event(), key="pk_unknown"), 404, "unknown_key"),
        (b"nope", 422, "malformed_json"),
        (b" " * (pixel.MAX_BODY_BYTES + 1), 413, "too_large"),
    ],
)
def test_what_is_refused_stores_nothing(
    client: TestClient, stored: list[tuple[Any, ...]], content: bytes, status: int, code: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        answer = client.post("/pixel/v1/events", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert stored == []


def test_a_body_that_lies_about_its_length_is_cut_off(
    client: TestClient, stored: list[tuple[Any, ...]]
) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    assert client.post("/pixel/v1/events", content=endless()).status_code == 413
    assert stored == []


def test_a_preflight_is_answered(client: TestClient) -> None:
    answer = client.options("/pixel/v1/events")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "POST"
