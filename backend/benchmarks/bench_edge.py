"""Webhooks and pixel batches a second, acknowledged after commit, beside an app that only reads the body.

`N=20000 make bench-edge`. Client, edge and PostgreSQL share this machine's cores; both servers are one uvicorn
process with uvloop and httptools, both are asked over the same number of connections with one request in flight
on each. Every acknowledged row is counted in the database afterwards.
"""

import asyncio
import base64
import contextlib
import hmac
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import orjson
import psutil
import psycopg
import uvloop

from benchmarks.report import Mark, finish
from benchmarks.stage import BACKEND, PIXEL_KEY, SECRET, SHOP, stage

REQUESTS = int(os.environ.get("N", "20000"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "64"))
EVENTS_PER_BATCH = 5
BODY_BYTES = 2048


async def reads_the_body(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """The reference: the least that an ASGI app can do with a request."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of the client."""

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int


class _Connection(asyncio.Protocol):
    """One request in flight; the next one goes out as soon as the answer is in."""

    def __init__(self, make: Callable[[], bytes | None], done: asyncio.Event, times: list[float]) -> None:
        self._make, self._done, self._times = make, done, times
        self._sent = 0.0
        self._answer = b""
        self.refused = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if not found or (length and len(body) < int(length[1])):
            return
        if not head.startswith(b"HTTP/1.1 20"):
            self.refused += 1
        self._answer = b""
        self._times.append(time.perf_counter() - self._sent)
        self._next()

    def _next(self) -> None:
        request = self._make()
        if request is None:
            self._transport.close()
            self._done.set()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]


async def load(port: int, make: Callable[[], bytes], requests: int) -> Figures:
    """Send the requests over all connections and time each answer."""
    left = requests

    def take() -> bytes | None:
        nonlocal left
        left -= 1
        return make() if left >= 0 else None

    loop = asyncio.get_running_loop()
    times: list[float] = []
    events = [asyncio.Event() for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda event=event: _Connection(take, event, times), "127.0.0.1", port)  # type: ignore[misc]
        for event in events
    ]
    await asyncio.gather(*(event.wait() for event in events))
    seconds = time.perf_counter() - started
    times.sort()
    return Figures(
        rate=len(times) / seconds,
        p50_ms=times[len(times) // 2] * 1000,
        p95_ms=times[int(len(times) * 0.95)] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        refused=sum(protocol.refused for _transport, protocol in pairs),
    )


def post(path: str, headers: str, body: bytes) -> tuple[bytes, bytes]:
    """The bytes of a request around the place where its own id goes."""
    head, tail = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n{headers}".split("{id}", 1)
        if "{id}" in headers
        else (f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n{headers}", "")
    )
    return head.encode(), tail.encode() + b"\r\n" + body


def webhook_maker() -> Callable[[], bytes]:
    """Signed 2 KB deliveries, each with an id of its own."""
    body = orjson.dumps({"id": 1, "note": "x" * (BODY_BYTES - 22)})
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    headers = (
        f"X-Shopify-Topic: orders/updated\r\nX-Shopify-Hmac-Sha256: {signature}\r\n"
        f"X-Shopify-Shop-Domain: {SHOP}\r\nX-Shopify-Triggered-At: 2026-11-21T22:00:00Z\r\n"
        "X-Shopify-Webhook-Id: {id}\r\n"
    )
    head, tail = post("/webhooks", headers, body)
    return lambda: head + uuid4().hex.encode() + tail


def pixel_maker() -> Callable[[], bytes]:
    """Batches of five events, each with ids of their own."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    event = {
        "name": "product_viewed", "at": at, "client_id": "c0ffee", "seq": 3, "url": "https://shop.example/products/a",
        "referrer": "https://shop.example/", "product_gid": "gid://shopify/Product/1", "value": "12.50",
        "currency": "USD", "consent": {"analytics": True, "marketing": True},
    }  # fmt: skip

    def make() -> bytes:
        events = [{**event, "id": str(uuid4())} for _ in range(EVENTS_PER_BATCH)]
        body = orjson.dumps({"v": 1, "key": PIXEL_KEY, "events": events})
        return b"".join(post("/pixel/v1/events", "Content-Type: text/plain\r\n", body))

    return make


@contextlib.contextmanager
def server(app: str, environment: dict[str, str]) -> Iterator[tuple[int, psutil.Process]]:
    """One uvicorn process on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(
            sys.executable,
            "-m",
            "uvicorn",
            app,
            "--port",
            str(port),
            "--loop",
            "uvloop",
            "--http",
            "httptools",
        ),
        *("--no-access-log", "--log-level", "warning"),
    ]
    running = subprocess.Popen(
        command, cwd=BACKEND, env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or running.poll() is not None:
                    raise
                time.sleep(0.05)
        yield port, psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait(20)


def count(dsn: str, table: str) -> int:
    """Rows of a table."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Run the reference and the edge, and report."""
    with stage() as at:
        with server("benchmarks.bench_edge:reads_the_body", at.environment) as (port, _process):
            uvloop.run(load(port, webhook_maker(), min(REQUESTS, 2000)))
            bare = uvloop.run(load(port, webhook_maker(), REQUESTS))
            print(
                f"bare app    {bare.rate:10,.0f} requests/s   p50 {bare.p50_ms:.1f} ms   p99 {bare.p99_ms:.1f} ms"
            )
        with server("storecast.entrypoints.edge:app", at.environment) as (port, process):
            warm = min(REQUESTS, 2000)
            uvloop.run(load(port, webhook_maker(), warm))
            hooks = uvloop.run(load(port, webhook_maker(), REQUESTS))
            stored = count(at.dsn, "webhook_inbox")
            print(
                f"webhooks    {hooks.rate:10,.0f} requests/s   p50 {hooks.p50_ms:.1f} ms   p99 {hooks.p99_ms:.1f} ms"
            )
            pixel = uvloop.run(load(port, pixel_maker(), REQUESTS // 2))
            events = count(at.dsn, "pixel_events")
            print(
                f"pixel       {pixel.rate:10,.0f} batches/s    p50 {pixel.p50_ms:.1f} ms   p99 {pixel.p99_ms:.1f} ms"
            )
            peak = process.memory_info().rss / 2**20
        lost = (
            REQUESTS
            + warm
            - hooks.refused
            - stored
            + (REQUESTS // 2 - pixel.refused) * EVENTS_PER_BATCH
            - events
        )
        finish(
            "edge",
            value=hooks.rate,
            unit="webhooks/s on disk before the answer",
            reference="ASGI app that only reads the body, requests/s",
            reference_value=bare.rate,
            peak_mib=peak,
            marks=[
                Mark("webhooks_per_s", hooks.rate),
                Mark("webhooks_p99_ms", hooks.p99_ms, sense="<="),
                Mark("pixel_batches_per_s", pixel.rate),
                Mark("pixel_events_per_s", pixel.rate * EVENTS_PER_BATCH),
                Mark("pixel_p99_ms", pixel.p99_ms, sense="<="),
                Mark("acknowledged_and_missing", lost, 0, "<="),
                Mark("refused", hooks.refused + pixel.refused, 0, "<="),
            ],
        )


if __name__ == "__main__":
    main()
