"""Bulk JSONL → upserted customers, orders and lines, in rows a second, beside a raw COPY of the same rows.

`N=100000 make bench-sync` (N orders). The importer runs in a process of its own, as in a worker, reading the file
line by line; its peak memory is read from the kernel when it ends.
"""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg

from benchmarks.report import Mark, finish
from benchmarks.stage import Stage, stage

ORDERS = int(os.environ.get("N", "100000"))
LINES_PER_ORDER = 3
ORDERS_PER_CUSTOMER = 3
START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """What the importing process reports."""

    rows: int
    seconds: float
    peak_mib: float
    refused: int


def money(minor: int) -> dict[str, Any]:
    """A MoneyBag as Shopify writes it."""
    return {"shopMoney": {"amount": f"{minor // 100}.{minor % 100:02d}", "currencyCode": "USD"}}


def customers() -> Iterator[dict[str, Any]]:
    """Customers in the shape of the app's bulk query."""
    for number in range(ORDERS // ORDERS_PER_CUSTOMER):
        at = START.isoformat()
        yield {
            "id": f"gid://shopify/Customer/{number}", "firstName": "Ada", "lastName": f"Number {number}",
            "locale": "en", "tags": ["vip", "bench"], "createdAt": at, "updatedAt": at,
            "defaultEmailAddress": {
                "emailAddress": f"customer{number}@example.com", "marketingState": "SUBSCRIBED",
                "marketingOptInLevel": "SINGLE_OPT_IN", "marketingUpdatedAt": at, "openTrackingLevel": "UNKNOWN",
            },
            "defaultAddress": {"city": "Oslo", "province": None, "countryCodeV2": "NO"},
        }  # fmt: skip


def orders() -> Iterator[dict[str, Any]]:
    """Orders, each followed by its lines."""
    people = max(1, ORDERS // ORDERS_PER_CUSTOMER)
    for number in range(ORDERS):
        at = (START + timedelta(minutes=number % 500_000)).isoformat()
        gid = f"gid://shopify/Order/{number}"
        yield {
            "id": gid, "name": f"#{number}", "email": f"customer{number % people}@example.com", "processedAt": at,
            "updatedAt": at, "test": False, "cancelledAt": None, "displayFinancialStatus": "PAID",
            "displayFulfillmentStatus": "FULFILLED", "discountCodes": [],
            "customer": {"id": f"gid://shopify/Customer/{number % people}"},
            "totalPriceSet": money(4500), "subtotalPriceSet": money(4500), "totalDiscountsSet": money(0),
            "totalTaxSet": money(0), "totalShippingPriceSet": money(0), "totalRefundedSet": money(0),
            "customerJourneySummary": {"ready": True, "lastVisit": None},
        }  # fmt: skip
        for line in range(LINES_PER_ORDER):
            yield {
                "id": f"gid://shopify/LineItem/{number * LINES_PER_ORDER + line}", "title": "A record",
                "quantity": 1, "product": {"id": "gid://shopify/Product/1"}, "variant": None,
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


def import_files(at: Stage, files: dict[str, Path], answers: "multiprocessing.Queue[Run]") -> None:
    """Import as the sync job does: a transaction a chunk, then what depends on all of them."""
    os.environ.update(at.environment)
    from storecast.db.session import tenant_session
    from storecast.kit.chunks import batched
    from storecast.kit.types import ShopId
    from storecast.orders import service as orders
    from storecast.sync import importer, resources

    shop_id = ShopId(at.shop_id)
    rows = refused = 0
    started = time.perf_counter()
    for name, file in files.items():
        what = resources.named(name)
        with file.open("rb") as lines:
            for chunk in batched(lines, importer.CHUNK_LINES):
                with tenant_session(shop_id) as session:
                    counts = importer.import_chunk(session, shop_id, what, chunk)
                rows, refused = rows + counts.rows_done, refused + counts.rows_refused
        with tenant_session(shop_id) as session:
            importer.finish(session, shop_id, what)
    with tenant_session(shop_id) as session:
        orders.rescore(session, shop_id)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    answers.put(Run(rows, seconds, peak, refused))


def run(at: Stage, files: dict[str, Path]) -> Run:
    """One import in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[Run] = context.Queue()
    process = context.Process(target=import_files, args=(at, files, answers))
    process.start()
    answer = answers.get(timeout=1800)
    process.join()
    return answer


def raw_copy(dsn: str) -> tuple[int, float]:
    """The limit: the rows that the import made, as binary COPY into tables without keys or indexes."""
    rows, seconds = 0, 0.0
    with psycopg.connect(dsn) as connection:
        for table in ("customers", "orders", "order_lines"):
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


def main() -> None:
    """Import, import again unchanged, and report."""
    with stage() as at:
        files = {"customers": at.folder / "customers.jsonl", "orders": at.folder / "orders.jsonl"}
        lines = write(files["customers"], customers()) + write(files["orders"], orders())
        size_mib = sum(file.stat().st_size for file in files.values()) / 2**20
        print(f"{lines:,} lines, {size_mib:,.0f} MiB")
        first = run(at, files)
        print(f"first load  {first.rows / first.seconds:12,.0f} rows/s   {first.peak_mib:.0f} MiB")
        again = run(at, files)
        print(f"unchanged   {again.rows / again.seconds:12,.0f} rows/s   {again.peak_mib:.0f} MiB")
        rows, seconds = raw_copy(at.dsn)
        print(f"raw COPY    {rows / seconds:12,.0f} rows/s")
        finish(
            "sync",
            value=first.rows / first.seconds,
            unit="rows/s from JSONL to upserted rows",
            reference="binary COPY of the same rows into tables without keys, rows/s",
            reference_value=rows / seconds,
            peak_mib=max(first.peak_mib, again.peak_mib),
            marks=[
                Mark("first_load_rows_per_s", first.rows / first.seconds),
                Mark("unchanged_rows_per_s", again.rows / again.seconds),
                Mark("importer_peak_mib", max(first.peak_mib, again.peak_mib), 300, "<="),
                Mark("rows_refused", first.refused + again.refused, 0, "<="),
                Mark("rows_missing", lines - rows, 0, "<="),
            ],
        )


if __name__ == "__main__":
    main()
