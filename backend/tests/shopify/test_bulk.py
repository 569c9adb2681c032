"""Reading a bulk result over connections that break."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.resilience.guard import Guard
from storecast.shopify import bulk
from storecast.shopify.errors import OperationRefused, ShopifyUnreachable

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


def test_a_file_that_is_gone_is_no_result() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(403)))
    with pytest.raises(ShopifyUnreachable, match="403"):
        list(bulk.iter_lines(URL, http=client, guard=UNGUARDED))


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    server = FileServer(b"x" * (bulk.MAX_LINE_BYTES + 1))
    with pytest.raises(OperationRefused, match="never ends"):
        list(bulk.iter_lines(URL, http=server.client, guard=UNGUARDED))
