"""Bytes that no honest sender sends, against the real process: a clear refusal, nothing stored, others undisturbed."""

import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest

from storecast.edge import webhooks
from storecast.shops.models import Shop
from tests.edge.test_webhooks import ORDER, signed
from tests.processes import process, wait_until

DEEP = b"[" * 5_000 + b"]" * 5_000


@dataclass(frozen=True, slots=True)
class Edge:
    """A running edge and what is in its database."""

    port: int
    dsn: str

    def alive(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def stored(self) -> int:
        with psycopg.connect(self.dsn) as connection:
            counts = "SELECT (SELECT count(*) FROM webhook_inbox) + (SELECT count(*) FROM outbox)"
            return int(connection.execute(counts).fetchall()[0][0])

    def exchange(self, request: bytes) -> tuple[int, dict[str, Any]]:
        """Status and problem document of the answer to these bytes."""
        with self.connection() as line:
            line.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer or not _complete(answer):
                data = line.recv(65536)
                if not data:
                    break
                answer += data
        head, _, body = answer.partition(b"\r\n\r\n")
        is_problem = b"application/problem+json" in head
        return int(head.split(b" ", 2)[1]), orjson.loads(body) if is_problem else {}

    def connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def _complete(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(body) >= int(lengths[0].partition(b":")[2])


@pytest.fixture
def edge(database: str, shop: Shop, tmp_path: Path) -> Iterator[Edge]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = ("uvicorn", "storecast.entrypoints.edge:app", "--port", str(port), "--http", "httptools")
    with process(tmp_path, "edge", *command):
        edge = Edge(port, database)
        wait_until(edge.alive, "the edge")
        yield edge
        # Whatever came: the next honest delivery is taken.
        answer = edge.exchange(request(ORDER, signed(ORDER, shop.domain)))
        assert answer == (200, {})


def request(body: bytes, headers: dict[str, str], *, framing: bytes | None = None) -> bytes:
    """A POST; ``framing`` instead of the right Content-Length."""
    lines = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers.items())
    length = b"Content-Length: %d\r\n" % len(body) if framing is None else framing
    return b"POST /webhooks HTTP/1.1\r\nHost: edge\r\n" + length + lines + b"\r\n" + body


def chunked(body: bytes, size: int = 65536) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_every_refusal_is_clear_and_stores_nothing(edge: Edge, shop: Shop) -> None:
    def changed(name: str, value: str | None, body: bytes = ORDER) -> bytes:
        return request(body, signed(body, shop.domain, **{name: value}))

    def of(body: bytes) -> bytes:
        return request(body, signed(body, shop.domain))

    large = b" " * (webhooks.MAX_BODY_BYTES + 1)
    twice = request(ORDER, signed(ORDER, shop.domain)).replace(
        b"\r\n\r\n", b"\r\nX-Shopify-Shop-Domain: rival.myshopify.com\r\n\r\n", 1
    )
    cases: dict[str, tuple[bytes, int, str | None]] = {
        "forged": (request(b"{}", signed(ORDER, shop.domain)), 401, "hmac_invalid"),
        "signature that is no ASCII": (changed("X_Shopify_Hmac_Sha256", "\xff\xfe"), 401, "hmac_invalid"),
        "unsigned": (changed("X_Shopify_Hmac_Sha256", None), 401, "hmac_invalid"),
        "too large": (of(large), 413, "too_large"),
        "too large, length unsaid": (
            request(chunked(large), signed(large, shop.domain), framing=b"Transfer-Encoding: chunked\r\n"),
            413,
            "too_large",
        ),
        "chunk without a size": (
            request(b"zz\r\n{}\r\n", signed(ORDER, shop.domain), framing=b"Transfer-Encoding: chunked\r\n"),
            400,
            None,
        ),
        "length that is no number": (
            request(ORDER, signed(ORDER, shop.domain), framing=b"Content-Length: many\r\n"),
            400,
            None,
        ),
        "no topic": (changed("X_Shopify_Topic", "orders/create'; DROP TABLE shops"), 422, "invalid"),
        "topic with a line break": (changed("X_Shopify_Topic", "orders/create\rX-Evil: 1"), 400, None),
        "domain twice": (twice, 422, "invalid"),
        "id beyond UTF-8": (changed("X_Shopify_Webhook_Id", "\xc3\x28"), 422, "invalid"),
        "id too long": (changed("X_Shopify_Webhook_Id", "x" * 129), 422, "invalid"),
        "event too long to index": (changed("X_Shopify_Event_Id", secrets.token_hex(8_000)), 422, "invalid"),
        "version too long": (changed("X_Shopify_API_Version", "2" * 33), 422, "invalid"),
        "another host": (changed("X_Shopify_Shop_Domain", "acme.myshopify.com.evil.com"), 422, "invalid"),
        "unknown shop": (changed("X_Shopify_Shop_Domain", "nobody.myshopify.com"), 404, "unknown_shop"),
        "huge header": (changed("X_Other", "x" * 1_000_000), 431, "headers_too_large"),
        "too deep": (of(DEEP), 422, "invalid"),
        "too deep in an object": (of(b'{"a":' + DEEP + b"}"), 422, "malformed_json"),
        "cut JSON": (of(ORDER[:-1]), 422, "malformed_json"),
        "bytes that are no UTF-8": (of(b'{"a": "\xff"}'), 422, "malformed_json"),
        "no number": (of(b'{"a": NaN}'), 422, "malformed_json"),
        "a list": (of(b"[]"), 422, "invalid"),
        "empty": (of(b""), 422, "malformed_json"),
        "read": (request(b"", {}).replace(b"POST", b"GET", 1), 405, "method_not_allowed"),
        "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400, None),
    }

    answers = {case: edge.exchange(sent) for case, (sent, _status, _code) in cases.items()}

    found = {case: (status, problem.get("code")) for case, (status, problem) in answers.items()}
    assert found == {case: (status, code) for case, (_sent, status, code) in cases.items()}
    assert edge.stored() == 0


def test_a_delivery_that_is_sent_again_is_stored_once_and_oddities_are_taken(edge: Edge, shop: Shop) -> None:
    repeated = request(ORDER, signed(ORDER, shop.domain))
    assert [edge.exchange(repeated)[0] for _ in range(3)] == [200, 200, 200]
    odd = signed(
        ORDER, shop.domain, X_Shopify_Triggered_At="0001-01-01T00:00:00+14:00", X_Shopify_Event_Id=None
    )
    assert edge.exchange(request(ORDER, odd))[0] == 200
    gone = signed(b"{}", "gone.myshopify.com", X_Shopify_Topic="customers/redact")
    assert edge.exchange(request(b"{}", gone))[0] == 200

    assert edge.stored() == 3 + 1  # the deliveries, and one job for their shop


@pytest.mark.parametrize(
    ("_case", "cut"),
    [
        ("in the headers", lambda whole: whole[:100]),
        ("before the body", lambda whole: whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"),
        ("in the body", lambda whole: whole[:-5]),
        (
            "in a chunk",
            lambda whole: (
                whole.replace(b"Content-Length: %d" % len(ORDER), b"Transfer-Encoding: chunked").partition(
                    b"\r\n\r\n"
                )[0]
                + b"\r\n\r\n10\r\n{"
            ),
        ),
    ],
)
def test_who_hangs_up_early_leaves_nothing(
    edge: Edge, shop: Shop, _case: str, cut: Callable[[bytes], bytes]
) -> None:
    with edge.connection() as line:
        line.sendall(cut(request(ORDER, signed(ORDER, shop.domain))))
        line.shutdown(socket.SHUT_WR)
        assert b" 200 " not in line.recv(65536)

    assert edge.stored() == 0


def test_a_body_that_never_ends_is_refused_in_time(edge: Edge, shop: Shop) -> None:
    longer = b"Content-Length: %d\r\n" % (len(ORDER) + 1)

    status, problem = edge.exchange(request(ORDER, signed(ORDER, shop.domain), framing=longer))

    assert (status, problem["code"]) == (408, "body_too_slow")
    assert edge.stored() == 0
