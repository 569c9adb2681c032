"""Pixel batches a second on disk before the answer, beside an app that only reads the body.

`N=20000 make bench-edge`. Batches of five events over 64 connections (CONNECTIONS); client, edge and PostgreSQL share
this machine's cores, and both servers are one uvicorn process with uvloop and httptools. Every acknowledged event is
counted in the database afterwards. Webhooks have their own: `make bench-webhooks`.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import orjson
import psycopg

from benchmarks.http_load import free_port, load, post, serving, uvicorn
from benchmarks.meter import Meter, own_postgres
from benchmarks.report import Mark, finish
from benchmarks.stage import PIXEL_KEY, stage

REQUESTS = int(os.environ.get("N", "20000"))
EVENTS_PER_BATCH = 5


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
        return post("/pixel/v1/events", "Content-Type: text/plain\r\n", body)

    return make


def count(dsn: str) -> int:
    """Events on disk."""
    with psycopg.connect(dsn) as connection:
        return int(connection.execute("SELECT count(*) FROM pixel_events").fetchall()[0][0])


def main() -> None:
    """Run the reference and the edge, and report."""
    warm, port = min(REQUESTS, 1000), free_port()
    with stage() as at:
        with serving(uvicorn("benchmarks.bench_edge:reads_the_body", port), port, at.environment):
            load(port, pixel_maker(), warm)
            bare = load(port, pixel_maker(), REQUESTS)
        print(bare.line("reads the body"))
        with serving(uvicorn("storecast.entrypoints.edge:app", port), port, at.environment) as process:
            load(port, pixel_maker(), warm)
            meter = Meter({"edge": [process.pid], "postgres": own_postgres()})
            pixel = load(port, pixel_maker(), REQUESTS)
            meter.look()
        print(pixel.line("edge"))
        lost = (REQUESTS + warm - pixel.refused) * EVENTS_PER_BATCH - count(at.dsn)
        finish(
            "edge",
            value=pixel.rate,
            unit=f"batches of {EVENTS_PER_BATCH} pixel events/s on disk before the answer",
            reference="ASGI app that only reads the body, requests/s",
            reference_value=bare.rate,
            peak_mib=meter.peak_mib,
            marks=[
                Mark("pixel_batches_per_s", pixel.rate),
                Mark("pixel_events_per_s", pixel.rate * EVENTS_PER_BATCH),
                Mark("pixel_p99_ms", pixel.percentile_ms(0.99), sense="<="),
                Mark("acknowledged_and_missing", lost, 0, "<="),
                Mark("refused", pixel.refused, 0, "<="),
            ],
        )


if __name__ == "__main__":
    main()
