"""Whatever stands at Shopify's address may answer anything: each answer is an error with a name, in bounded time."""

import gzip
import json
import math
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from storecast.kit.errors import Retryable
from storecast.resilience.circuit import CircuitOpen, Circuits
from storecast.resilience.guard import Guard, make_redis
from storecast.shopify import client as client_module
from storecast.shopify.client import MAX_ANSWER_BYTES, AdminClient
from storecast.shopify.errors import (
    AnswerTooLarge,
    OperationRefused,
    ShopifyUnreachable,
    Throttled,
)
from storecast.shopify.notices import Notices
from storecast.shopify.throttle import CostThrottle
from tests.shopify.test_client import SHOPIFY, Shop, ok


class Peer:
    """A server that answers every connection with the same bytes, some of them late."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0, forever: bool = False) -> None:
        self.connections = 0
        self._pieces, self._pause_s, self._forever = pieces, pause_s, forever
        self._closed = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._closed.set()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.recv(65536)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            for piece in self._pieces:
                connection.sendall(piece)
            while self._forever and not self._closed.wait(self._pause_s):
                connection.sendall(b" ")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):  # a close with unread bytes would reset the connection
                pass
        except OSError:
            return


@pytest.fixture
def peers() -> Iterator[list[Peer]]:
    made: list[Peer] = []
    yield made
    for peer in made:
        peer.close()


def client_of(peer: Peer, timeout_s: float = 2.0) -> AdminClient:
    return AdminClient(
        SHOPIFY.model_copy(update={"shop_origin": peer.origin}),
        "acme.myshopify.com",
        "shpat_1",
        http=httpx.Client(timeout=timeout_s),
        throttle=CostThrottle(),
        guard=Guard(None, None),
        sleep=lambda seconds: None,
    )


def http(body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Connection: close", f"Content-Length: {length or len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_truncated_json_is_asked_for_again_and_then_unreachable(peers: list[Peer]) -> None:
    peers.append(Peer(http(b'{"data": {"shop": {"na', length=500)))
    with pytest.raises(ShopifyUnreachable):
        client_of(peers[0]).execute("shop")
    assert peers[0].connections == 4


@pytest.mark.parametrize(
    "body", [b'{"data": {"shop"', b"<html>down</html>", b"", b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_json_object_is_unreachable(body: bytes) -> None:
    shop = Shop(httpx.Response(200, content=body))
    with pytest.raises(ShopifyUnreachable):
        shop.client.execute("shop")


def test_a_connection_that_closes_at_once_is_unreachable(peers: list[Peer]) -> None:
    peers.append(Peer(b""))
    with pytest.raises(ShopifyUnreachable):
        client_of(peers[0]).execute("shop")


def test_a_server_that_never_answers_is_left_after_the_time_out(peers: list[Peer]) -> None:
    peers.append(Peer(pause_s=30.0, forever=True))
    with pytest.raises(ShopifyUnreachable):
        client_of(peers[0], timeout_s=0.2).mutate("web_pixel_create", {"settings": {}})
    assert peers[0].connections == 1


def test_an_answer_that_trickles_in_is_given_up(peers: list[Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER_S", 0.3)
    peers.append(Peer(http(b'{"data": ', length=10_000), pause_s=0.02, forever=True))
    with pytest.raises(ShopifyUnreachable):
        client_of(peers[0]).mutate("web_pixel_create", {"settings": {}})


@pytest.mark.parametrize("packed", [False, True])
def test_ten_megabytes_are_not_read_to_their_end(peers: list[Peer], packed: bool) -> None:
    body = b'{"data": {"shop": {"name": "' + b"a" * (10 * 1024 * 1024) + b'"}}}'
    assert len(body) > MAX_ANSWER_BYTES
    peers.append(Peer(http(gzip.compress(body), "Content-Encoding: gzip") if packed else http(body)))
    with pytest.raises(AnswerTooLarge):
        client_of(peers[0]).execute("shop")
    assert peers[0].connections == 1


def test_an_answer_may_be_packed(peers: list[Peer]) -> None:
    body = json.dumps({"data": {"shop": {"id": "1"}}}).encode()
    peers.append(Peer(http(gzip.compress(body), "Content-Encoding: gzip")))
    assert client_of(peers[0]).execute("shop").data == {"shop": {"id": "1"}}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_does_not_get_the_token(status: int) -> None:
    shop = Shop(httpx.Response(status, headers={"Location": "https://evil.example/graphql.json"}), ok())
    with pytest.raises(OperationRefused):
        shop.client.execute("shop")
    assert [request.url.host for request in shop.requests] == ["acme.myshopify.com"]


@pytest.mark.parametrize("wait", ["nan", "inf", "-5", "1e999", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", ""])
def test_a_retry_after_of_any_form_is_survived(wait: str) -> None:
    shop = Shop(*[httpx.Response(429, headers={"Retry-After": wait})] * 4)
    with pytest.raises(ShopifyUnreachable) as raised:
        shop.client.execute("shop")
    assert raised.value.retry_after is not None
    assert 0.0 <= raised.value.retry_after <= 3600.0


@pytest.mark.parametrize(
    "extensions",
    [
        None,
        [],
        "cost",
        7,
        {"cost": []},
        {"cost": {"throttleStatus": 5}},
        {"cost": {"requestedQueryCost": "x"}},
    ],
)
def test_extensions_of_any_form_are_survived(extensions: Any) -> None:
    assert Shop(ok(extensions=extensions)).client.execute("shop").data == {"shop": {"id": "1"}}


@pytest.mark.parametrize("value", [-1e308, 1e308, math.nan, math.inf, None, "x"])
def test_a_throttled_answer_that_lies_about_its_cost_waits_a_bounded_time(value: Any) -> None:
    status = {"maximumAvailable": value, "currentlyAvailable": value, "restoreRate": value}
    body = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": {"requestedQueryCost": value, "throttleStatus": status}},
    }
    shop = Shop(*[httpx.Response(200, content=json.dumps(body).encode())] * 4)
    with pytest.raises(Throttled) as raised:
        shop.client.execute("shop")
    assert raised.value.retry_after is not None
    assert 0.0 <= raised.value.retry_after <= 120.0


@pytest.mark.parametrize(
    "errors", [7, {"base": ["x"]}, [None, "x", {"extensions": 5}], [{"extensions": {"code": ["THROTTLED"]}}]]
)
def test_errors_of_any_form_are_survived(errors: Any) -> None:
    shop = Shop(httpx.Response(200, json={"data": None, "errors": errors}))
    with pytest.raises(OperationRefused):
        shop.client.execute("shop")


def test_a_shop_that_fails_leaves_its_neighbours_alone(redis_url: str) -> None:
    with make_redis(redis_url) as redis_client:
        guard = Guard(Circuits(redis_client), None)

        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(502) if request.url.host.startswith("acme") else ok()

        def client(domain: str) -> AdminClient:
            return AdminClient(
                SHOPIFY,
                domain,
                "shpat_1",
                http=httpx.Client(transport=httpx.MockTransport(answer)),
                throttle=CostThrottle(),
                guard=guard,
                sleep=lambda seconds: None,
            )

        for _ in range(2):
            with pytest.raises(Retryable):
                client("acme.myshopify.com").execute("shop")
        with pytest.raises(CircuitOpen):
            client("acme.myshopify.com").execute("shop")
        assert client("rival.myshopify.com").execute("shop").data == {"shop": {"id": "1"}}


def test_warnings_of_headers_are_logged_once() -> None:
    headers = {"X-Shopify-API-Version": "2027-01", "X-Shopify-API-Deprecated-Reason": "field gone in 2027-04"}
    body = {"data": {"shop": {"id": "1"}}}
    shop = Shop(*[httpx.Response(200, json=body, headers=headers)] * 3)
    shop.client._notices = Notices()
    with capture_logs() as logs:
        for _ in range(3):
            shop.client.execute("shop")
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("shopify_version_fell_forward", "warning"),
        ("shopify_deprecated", "warning"),
    ]
    assert (logs[0]["asked"], logs[0]["served"]) == ("2026-10", "2027-01")
    assert (logs[1]["operation"], logs[1]["reason"]) == ("shop", "field gone in 2027-04")


def test_the_version_that_was_asked_for_is_no_news() -> None:
    shop = Shop(httpx.Response(200, json={"data": {}}, headers={"X-Shopify-API-Version": "2026-10"}))
    with capture_logs() as logs:
        shop.client.execute("shop")
    assert logs == []
