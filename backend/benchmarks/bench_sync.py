"""Bulk JSONL → upserted customers, orders, transactions and lines, in rows a second, beside a raw COPY and dlt.

`N=1000000 make bench-sync` (N lines). The importer runs in a process of its own, as in a worker, reading the files
line by line; its peak memory is read from the kernel when it ends. The same files are loaded a second time with a
tenth of the objects changed. dlt, the usual tool, loads the first files as Arrow tables in an environment of its own.
A hundredth of the lines is imported before, to see what a line costs while the tables are small.
"""

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import psycopg

from benchmarks.peers import python_of
from benchmarks.report import Mark, finish
from benchmarks.stage import Stage, stage

LINES = int(os.environ.get("N", "1000000"))
LINES_PER_ORDER = 3
ORDERS_PER_CUSTOMER = 3
FAMILY = 1 + ORDERS_PER_CUSTOMER * (1 + LINES_PER_ORDER)
"""Lines of a customer with all orders."""
SMALL_LINES = min(LINES, max(10_000, LINES // 100))
START = datetime(2025, 1, 1, tzinfo=UTC)
TABLES = ("customers", "orders", "order_lines", "order_transactions")
DLT_LOCK = Path(__file__).parent / "dlt.lock"


@dataclass(frozen=True, slots=True)
class Files:
    """The results of two bulk operations."""

    customers: Path
    orders: Path
    lines: int


@dataclass(frozen=True, slots=True)
class Run:
    """What the importing process reports."""

    lines: int
    seconds: float
    peak_mib: float
    refused: int

    @property
    def lines_per_s(self) -> float:
        return self.lines / self.seconds


def money(minor: int) -> dict[str, Any]:
    """A MoneyBag as Shopify writes it."""
    return {"shopMoney": {"amount": f"{minor // 100}.{minor % 100:02d}", "currencyCode": "USD"}}


def changed(number: int, later: bool) -> bool:
    """Whether the second load shows another state of the object: a tenth of them."""
    return later and number % 10 == 0


def customers(count: int, *, later: bool = False) -> Iterator[dict[str, Any]]:
    """Customers in the shape of the app's bulk query."""
    for number in range(count):
        new = changed(number, later)
        at = (START + timedelta(days=400 * new)).isoformat()
        yield {
            "id": f"gid://shopify/Customer/{number}", "firstName": "Ada", "lastName": f"Number {number}",
            "locale": "en", "tags": ["vip", "bench"], "createdAt": at, "updatedAt": at,
            "defaultEmailAddress": {
                "emailAddress": f"customer{number}@example.com", "marketingState": "SUBSCRIBED",
                "marketingOptInLevel": "SINGLE_OPT_IN", "marketingUpdatedAt": at, "openTrackingLevel": "UNKNOWN",
            },
            "defaultAddress": {"city": "Bergen" if new else "Oslo", "province": None, "countryCodeV2": "NO"},
        }  # fmt: skip


def orders(count: int, people: int, *, later: bool = False) -> Iterator[dict[str, Any]]:
    """Orders with their payment, each followed by its lines."""
    for number in range(count):
        new = changed(number, later)
        placed_at = START + timedelta(minutes=number % 500_000)
        at, gid = placed_at.isoformat(), f"gid://shopify/Order/{number}"
        total = money(4500 + number % 1000 * 25 + 1500 * new)
        yield {
            "id": gid, "name": f"#{number}", "email": f"customer{number % people}@example.com", "processedAt": at,
            "updatedAt": (placed_at + timedelta(days=400 * new)).isoformat(), "test": False, "cancelledAt": None,
            "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "FULFILLED", "discountCodes": [],
            "customer": {"id": f"gid://shopify/Customer/{number % people}"},
            "totalPriceSet": total, "subtotalPriceSet": total, "totalDiscountsSet": money(0),
            "totalTaxSet": money(0), "totalShippingPriceSet": money(0), "totalRefundedSet": money(0),
            "customerJourneySummary": {"ready": True, "lastVisit": None},
            "transactions": [{
                "id": f"gid://shopify/OrderTransaction/{number}", "kind": "SALE", "status": "SUCCESS",
                "gateway": "bogus", "test": False, "processedAt": at, "amountSet": total,
            }],
        }  # fmt: skip
        for line in range(LINES_PER_ORDER):
            yield {
                "id": f"gid://shopify/LineItem/{number * LINES_PER_ORDER + line}", "title": "A record",
                "quantity": 1 + new, "product": {"id": f"gid://shopify/Product/{line}"}, "variant": None,
                "originalUnitPriceSet": money(1500), "__parentId": gid,
            }  # fmt: skip


def write(file: Path, rows: Iterator[dict[str, Any]]) -> int:
    """Write JSONL; returns the number of lines."""
    count = 0
    with file.open("wb") as out:
        for row in rows:
            out.write(orjson.dumps(row) + b"\n")
            count += 1
    return count


def write_files(folder: Path, lines: int, *, later: bool = False) -> Files:
    """Results of about so many lines: whole families."""
    people = max(1, lines // FAMILY)
    customer_file, order_file = folder / f"customers-{lines}.jsonl", folder / f"orders-{lines}.jsonl"
    written = write(customer_file, customers(people, later=later))
    written += write(order_file, orders(people * ORDERS_PER_CUSTOMER, people, later=later))
    return Files(customer_file, order_file, written)


def import_files(
    environment: dict[str, str], shop: int, files: Files, answers: "multiprocessing.Queue[Run]"
) -> None:
    """Import as the sync job does: a transaction a chunk, two at a time, then what depends on all of them."""
    os.environ.update(environment)
    from storecast.db.session import commit_without_waiting, past_deadlocks, tenant_session
    from storecast.kit.types import ShopId
    from storecast.sync import importer
    from storecast.sync.lanes import in_lanes
    from storecast.sync.resources import KINDS, Resource

    shop_id = ShopId(shop)
    parts: list[tuple[Resource, Path]] = [("customers", files.customers), ("orders", files.orders)]
    lines = refused = 0
    started = time.perf_counter()

    def import_chunk(what: Resource, chunk: list[importer.Piece], families: bool) -> importer.ImportCounts:
        with tenant_session(shop_id) as session:
            commit_without_waiting(session)
            chunk_lines = [line for line, _ in chunk]
            return importer.import_chunk(session, shop_id, what, chunk_lines, families=families)

    def take_over(what: Resource, chunk: tuple[list[importer.Piece], bool]) -> importer.ImportCounts:
        return past_deadlocks(partial(import_chunk, what, *chunk))

    for what, file in parts:
        with file.open("rb") as source:
            chunks = importer.in_chunks(((line, 0) for line in source), families=KINDS[what].families)
            with in_lanes(partial(take_over, what), chunks) as told:
                for _, counts in told:
                    lines, refused = lines + counts.rows_done, refused + counts.rows_refused
        with tenant_session(shop_id) as session:
            importer.finish(session, shop_id, what)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    answers.put(Run(lines, seconds, peak, refused))


def run(at: Stage, files: Files) -> Run:
    """One import in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[Run] = context.Queue()
    process = context.Process(target=import_files, args=(at.environment, at.shop_id, files, answers))
    process.start()
    answer = answers.get(timeout=3600)
    process.join()
    return answer


def raw_copy(dsn: str) -> tuple[int, float]:
    """The limit: the rows that the import made, as binary COPY into tables without keys or indexes."""
    rows, seconds = 0, 0.0
    with psycopg.connect(dsn) as connection:
        for table in TABLES:
            with connection.cursor() as cursor:
                with cursor.copy(f"COPY {table} TO STDOUT (FORMAT BINARY)") as copy:
                    blocks = [bytes(block) for block in copy]
                counted = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()
                cursor.execute(f"CREATE TABLE raw_{table} AS SELECT * FROM {table} WITH NO DATA")
                connection.commit()
                started = time.perf_counter()
                with cursor.copy(f"COPY raw_{table} FROM STDIN (FORMAT BINARY)") as copy:
                    for block in blocks:
                        copy.write(block)
                connection.commit()
                seconds += time.perf_counter() - started
                rows += counted[0] if counted else 0
    return rows, seconds


def empty(dsn: str) -> None:
    """Make the next load a first one."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")


def dlt(at: Stage, files: Files) -> float:
    """Lines a second of the peer; it insists on a password, which the socket does not ask for."""
    dsn = at.dsn.replace("storecast@/", "storecast:none@localhost/")
    script = Path(__file__).parent / "dlt_load.py"
    paths = (python_of(DLT_LOCK), script, at.folder / "dlt", files.customers, files.orders)
    python, *arguments = map(str, paths)
    command = [python, arguments[0], dsn, *arguments[1:]]
    ran = subprocess.run(
        command,
        env={**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"dlt failed: {ran.stderr[-2000:]}")
    told = json.loads(ran.stdout.splitlines()[-1])
    return float(told["lines"] / told["seconds"])


def main() -> None:
    """Load a few lines, load all, load them again with changes, and report."""
    with stage() as at:
        small = run(at, write_files(at.folder, SMALL_LINES))
        empty(at.dsn)
        files = write_files(at.folder, LINES)
        size_mib = sum(file.stat().st_size for file in (files.customers, files.orders)) / 2**20
        print(f"{files.lines:,} lines, {size_mib:,.0f} MiB")
        first = run(at, files)
        print(f"first load    {first.lines_per_s:12,.0f} lines/s   {first.peak_mib:.0f} MiB")
        rows, seconds = raw_copy(at.dsn)
        raw = rows / seconds
        print(f"raw COPY      {raw:12,.0f} rows/s")
        peer = dlt(at, files)
        print(f"dlt           {peer:12,.0f} lines/s")
        again = run(at, write_files(at.folder, LINES, later=True))
        print(f"a tenth new   {again.lines_per_s:12,.0f} lines/s   {again.peak_mib:.0f} MiB")
        peak = max(first.peak_mib, again.peak_mib)
        finish(
            "sync",
            value=rows / first.seconds,
            unit="rows/s from JSONL to upserted rows",
            reference="binary COPY of the same rows into tables without keys, rows/s",
            reference_value=raw,
            peak_mib=peak,
            marks=[
                Mark("first_load_to_raw_copy", rows / first.seconds / raw, 0.20),
                Mark("tenth_changed_to_raw_copy", rows / again.seconds / raw, 0.25),
                Mark("first_load_to_dlt", first.lines_per_s / peer, 4),
                Mark("importer_peak_mib", peak, 300, "<="),
                Mark("cost_of_a_line_to_that_of_few", small.lines_per_s / first.lines_per_s, 1.25, "<="),
                Mark("first_load_lines_per_s", first.lines_per_s),
                Mark("tenth_changed_lines_per_s", again.lines_per_s),
                Mark("lines_refused", first.refused + again.refused, 0, "<="),
                Mark("lines_missing", files.lines - first.lines, 0, "<="),
            ],
        )


if __name__ == "__main__":
    main()
