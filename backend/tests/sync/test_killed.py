"""A worker that is killed in the middle of a file, and two chunks that wait for each other."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import psycopg
import pytest
from sqlalchemy import select, text

from storecast.db.session import past_deadlocks, tenant_session
from storecast.entrypoints.modules import register_jobs
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.sync import importer
from storecast.sync.importer import CHUNK_LINES
from storecast.sync.jobs import ImportResource
from storecast.sync.models import SyncResource, SyncRun
from storecast.worker import outbox
from storecast.worker.ledger import connect
from storecast.worker.reconcile import reconcile
from tests.simulated_shopify import BACKEND, Worker
from tests.sync.test_importer import JUNE, MAY, customer, money

ORDERS = CHUNK_LINES * 4 // 5
"""With three lines each: three chunks, of which the first is noted when the third is in work, and some more."""
SERVED_AT_FIRST = 0.97
TRIES, PAUSE_S = 1200, 0.05
WORK = """
import sys
from storecast.entrypoints.modules import register_jobs
from tests.simulated_shopify import Worker
register_jobs()
Worker(sys.argv[1]).run_until_idle()
"""


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(TRIES):
        if condition():
            return
        time.sleep(PAUSE_S)
    raise AssertionError("it never came")


def result_file() -> bytes:
    price = money("10.00")
    lines: list[dict[str, object]] = []
    for number in range(ORDERS):
        gid = f"gid://shopify/Order/{number}"
        lines.append({"id": gid, "name": "", "processedAt": MAY, "updatedAt": MAY, "totalPriceSet": price})
        ids = (f"gid://shopify/LineItem/{number * 3 + place}" for place in range(3))
        line = {"title": "", "quantity": 1, "originalUnitPriceSet": price, "__parentId": gid}
        lines += [{"id": each, **line} for each in ids]
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


@contextmanager
def served(content: bytes, *, stop_at: int, go_on: Event) -> Iterator[tuple[str, list[str | None]]]:
    """The address of a file of which the first request gets so many bytes, and the ranges that were asked for."""
    ranges: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            try:
                if len(ranges) == 1:
                    self.wfile.write(content[start:stop_at])
                    go_on.wait()
                else:
                    self.wfile.write(content[start:])
            except ConnectionError:
                pass

        def log_message(self, format: str, *args: object) -> None:  # the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/result.jsonl", ranges
    finally:
        go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def stage_import(shop_id: ShopId, url: str, size: int) -> int:
    """A run whose orders are to be imported; what it still waits for keeps it open afterwards."""
    with tenant_session(shop_id) as session:
        run = SyncRun(shop_id=shop_id, public_id="syn_1", kind="first", mode="bulk", state="importing")
        session.add(run)
        session.flush()
        orders = SyncResource(
            shop_id=shop_id, sync_run_id=run.id, resource="orders", state="importing", url=url,
            operation_gid="gid://shopify/BulkOperation/1", operation_at=utcnow(), bytes_total=size,
        )  # fmt: skip
        waiting = SyncResource(shop_id=shop_id, sync_run_id=run.id, resource="segments", state="requested")
        session.add_all([orders, waiting])
        session.flush()
        outbox.add(session, shop_id, ImportResource(orders.id))
        return orders.id


def test_an_import_whose_worker_is_killed_goes_on_at_the_last_byte_and_loses_and_doubles_nothing(
    database: str, shop_id: ShopId
) -> None:
    content = result_file()
    with served(content, stop_at=int(len(content) * SERVED_AT_FIRST), go_on=Event()) as (url, ranges):
        resource_id = stage_import(shop_id, url, len(content))

        def noted() -> int:
            with tenant_session(shop_id) as session:
                return session.scalars(
                    select(SyncResource.bytes_done).where(SyncResource.id == resource_id)
                ).one()

        process = subprocess.Popen([sys.executable, "-c", WORK, database], cwd=BACKEND, env=os.environ)
        try:
            wait_for(noted)
        finally:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        reached = noted()
        assert 0 < reached < len(content)

        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("UPDATE outbox SET lease_until = now() - interval '1 second'")
        with connect(database) as relay:
            reconcile(relay)
        register_jobs()
        worker = Worker(database)
        worker.run_until_idle()
        worker.close()

    assert ranges == [None, f"bytes={reached}-"]
    with tenant_session(shop_id) as session:
        item = session.get_one(SyncResource, resource_id)
        assert (item.state, item.bytes_done, item.lines_done) == ("done", len(content), 4 * ORDERS)
        assert (item.rows_done, item.rows_refused) == (ORDERS, 0)
        counted = session.execute(
            text("SELECT count(*), count(DISTINCT order_id), min(n), max(n) FROM (SELECT order_id, count(*) OVER"
                 " (PARTITION BY order_id) AS n FROM order_lines) AS lines")
        ).one()  # fmt: skip
        assert tuple(counted) == (3 * ORDERS, ORDERS, 3, 3)
        assert session.scalar(text("SELECT count(*) FROM orders")) == ORDERS


def test_chunks_that_wait_for_each_other_both_get_through(shop_id: ShopId) -> None:
    """Each writes a customer, then waits for one that a third holds, and then wants the one that the other wrote."""
    tried: list[int] = []

    def import_customers(chunk: int, *numbers: int) -> None:
        def once() -> None:
            tried.append(chunk)
            with tenant_session(shop_id) as session:
                lines = [customer(number, updated=JUNE, firstName="New") for number in numbers]
                importer.import_chunk(session, shop_id, "customers", lines)

        past_deadlocks(once)

    with tenant_session(shop_id) as session:
        importer.import_chunk(session, shop_id, "customers", [customer(number) for number in range(1, 5)])
    with ThreadPoolExecutor(2) as pool:
        with tenant_session(shop_id) as third:
            third.execute(text("SELECT FROM customers WHERE gid LIKE '%/3' OR gid LIKE '%/4' FOR UPDATE"))
            both = [pool.submit(import_customers, 1, 1, 3, 2), pool.submit(import_customers, 2, 2, 4, 1)]
            wait_for(lambda: waiting() == len(both))
        for each in both:
            each.result(timeout=60)

    assert sorted(tried) in ([1, 1, 2], [1, 2, 2])
    with tenant_session(shop_id) as session:
        names = session.execute(text("SELECT first_name FROM customers ORDER BY gid")).scalars().all()
        assert names == ["New", "New", "New", "New"]


def waiting() -> int:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return int(found[0]) if found else 0
