"""Reading a bulk result over connections that break."""

import json
import tracemalloc
from collections.abc import Iterator

import httpx
import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from storecast.resilience.guard import Guard
from storecast.shopify import bulk, operations
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import OperationRefused, ShopifyUnreachable
from storecast.shopify.throttle import CostThrottle
from tests.shopify.test_client import SHOPIFY

URL = "https://files.example/result.jsonl"
UNGUARDED = Guard(None, None)


class Breaking(httpx.SyncByteStream):
    """Delivers some bytes and then breaks."""

    def __init__(self, content: bytes, *, breaks: bool) -> None:
        self._content = content
        self._breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        if self._breaks:
            raise httpx.ReadError("connection lost")


class FileServer:
    """Serves a file; ``cuts`` says after how many bytes each of the first answers breaks."""

    def __init__(self, content: bytes, *cuts: int, honours_range: bool = True) -> None:
        self._content = content
        self._cuts = list(cuts)
        self._honours_range = honours_range
        self.ranges: list[str | None] = []
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self._honours_range else 0
        if start >= len(self._content) and start:
            return httpx.Response(416)
        part = self._content[start:]
        cut = self._cuts.pop(0) if self._cuts else None
        stream = Breaking(part if cut is None else part[:cut], breaks=cut is not None)
        return httpx.Response(206 if start else 200, stream=stream)


def test_a_broken_download_goes_on_from_the_last_whole_line() -> None:
    server = FileServer(b"one\ntwo\nthree\n", 6)
    assert list(bulk.iter_lines(URL, http=server.client, guard=UNGUARDED)) == [
        (b"one", 4),
        (b"two", 8),
        (b"three", 14),
    ]
    assert server.ranges == [None, "bytes=4-"]


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    cuts=st.lists(st.integers(min_value=0, max_value=40), max_size=4),
    honours_range=st.booleans(),
)
def test_wherever_it_breaks_every_line_comes_once(
    lines: list[bytes], cuts: list[int], honours_range: bool
) -> None:
    content = b"".join(line + b"\n" for line in lines)
    server = FileServer(content, *cuts, honours_range=honours_range)
    read = list(bulk.iter_lines(URL, http=server.client, guard=UNGUARDED))
    assert [line for line, _ in read] == lines
    assert [content[:end].count(b"\n") for _, end in read] == list(range(1, len(lines) + 1))


def test_a_file_may_end_without_a_newline_and_be_begun_in_the_middle() -> None:
    server = FileServer(b"one\ntwo")
    assert list(bulk.iter_lines(URL, start_byte=4, http=server.client, guard=UNGUARDED)) == [(b"two", 7)]
    assert list(bulk.iter_lines(URL, start_byte=7, http=server.client, guard=UNGUARDED)) == []


def test_a_connection_that_never_gets_further_is_given_up() -> None:
    server = FileServer(b"one\n", *[0] * 20)
    with pytest.raises(ShopifyUnreachable):
        list(bulk.iter_lines(URL, http=server.client, guard=UNGUARDED))
    assert len(server.ranges) == 6


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_address_that_has_expired_says_so(status: int) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(status)))
    with pytest.raises(bulk.ResultExpired, match=str(status)):
        list(bulk.iter_lines(URL, http=client, guard=UNGUARDED))


def test_a_web_page_is_no_result() -> None:
    page = httpx.Response(200, html="<p>Sign in</p>")
    client = httpx.Client(transport=httpx.MockTransport(lambda _request: page))
    with pytest.raises(OperationRefused, match="web page"):
        list(bulk.iter_lines(URL, http=client, guard=UNGUARDED))


def test_a_file_that_ends_too_early_is_asked_for_the_rest_and_given_up_when_there_is_none() -> None:
    content = b"one\ntwo\nthree\n"
    short = httpx.Client(
        transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=b"one\ntw"))
    )
    lines: list[tuple[bytes | None, int]] = []
    with pytest.raises(ShopifyUnreachable, match="byte 4"):
        lines.extend(bulk.iter_lines(URL, size_bytes=len(content), http=short, guard=UNGUARDED))
    assert lines == [(b"one", 4)]
    whole = FileServer(content)
    rest = bulk.iter_lines(URL, start_byte=4, size_bytes=len(content), http=whole.client, guard=UNGUARDED)
    assert list(rest) == [(b"two", 8), (b"three", 14)]


class Endless(httpx.SyncByteStream):
    """One line of many megabytes between two short ones, made as it is read."""

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        yield b"first\n"
        for _ in range(self._blocks):
            yield b"x" * 2**20
        yield b"\nlast\n"


def test_a_line_that_is_too_long_is_dropped_as_it_comes_and_its_neighbours_are_kept() -> None:
    client = httpx.Client(
        transport=httpx.MockTransport(lambda _request: httpx.Response(200, stream=Endless(40)))
    )
    tracemalloc.start()
    read = list(bulk.iter_lines(URL, http=client, guard=UNGUARDED))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    long = 6 + 40 * 2**20 + 1
    assert read == [(b"first", 6), (None, long), (b"last", long + 5)]
    assert peak < 4 * bulk.MAX_LINE_BYTES


def test_a_search_becomes_an_argument_of_the_root_connection() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["variables"]["query"])
        node = {
            "id": "gid://shopify/BulkOperation/1",
            "status": "CREATED",
            "createdAt": "2026-11-22T00:00:00Z",
        }
        return httpx.Response(
            200, json={"data": {"bulkOperationRunQuery": {"bulkOperation": node, "userErrors": []}}}
        )

    client = AdminClient(
        SHOPIFY,
        "one.myshopify.com",
        "token",
        http=httpx.Client(transport=httpx.MockTransport(answer)),
        throttle=CostThrottle(),
        guard=UNGUARDED,
    )
    bulk.run_query(client, "bulk_orders", search="name:\"a\\b\" AND tag:'x'")
    bulk.run_query(client, "bulk_orders")
    narrowed, whole = sent
    (argument,) = parse(narrowed).definitions[0].selection_set.selections[0].arguments  # type: ignore[attr-defined]
    assert argument.value.value == "name:\"a\\b\" AND tag:'x'"
    assert whole == operations.load("bulk_orders").text
