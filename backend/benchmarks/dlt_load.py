"""The lines of `bench_sync` loaded by dlt as Arrow tables: its peer, in an environment of its own.

`python dlt_load.py DSN FOLDER CUSTOMERS.jsonl ORDERS.jsonl` merges customers, orders and lines by their global ids, as
dlt does it fastest (typed columns, COPY of CSV), and prints how many lines it took in how many seconds.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import orjson
import pyarrow as pa

CHUNK_LINES = 50_000


def money(bag: dict[str, Any]) -> int:
    """Minor units of a MoneyBag."""
    return int(Decimal(bag["shopMoney"]["amount"]) * 100)


def customer(line: dict[str, Any]) -> dict[str, Any]:
    """The columns of a customer."""
    email, address = line["defaultEmailAddress"], line["defaultAddress"]
    return {
        "gid": line["id"], "email": email["emailAddress"], "email_state": email["marketingState"],
        "email_consent_at": datetime.fromisoformat(email["marketingUpdatedAt"]), "first_name": line["firstName"],
        "last_name": line["lastName"], "locale": line["locale"], "country": address["countryCodeV2"],
        "city": address["city"], "tags": ",".join(line["tags"]),
        "shopify_updated_at": datetime.fromisoformat(line["updatedAt"]),
    }  # fmt: skip


def order(line: dict[str, Any]) -> dict[str, Any]:
    """The columns of an order."""
    return {
        "gid": line["id"], "name": line["name"], "email": line["email"], "customer_gid": line["customer"]["id"],
        "currency": "USD", "total_minor": money(line["totalPriceSet"]),
        "subtotal_minor": money(line["subtotalPriceSet"]), "discount_minor": money(line["totalDiscountsSet"]),
        "tax_minor": money(line["totalTaxSet"]), "shipping_minor": money(line["totalShippingPriceSet"]),
        "refunded_minor": money(line["totalRefundedSet"]), "financial_status": line["displayFinancialStatus"],
        "fulfillment_status": line["displayFulfillmentStatus"], "test": line["test"],
        "placed_at": datetime.fromisoformat(line["processedAt"]),
        "shopify_updated_at": datetime.fromisoformat(line["updatedAt"]),
    }  # fmt: skip


def order_line(line: dict[str, Any]) -> dict[str, Any]:
    """The columns of a line."""
    return {
        "gid": line["id"], "order_gid": line["__parentId"], "product_gid": line["product"]["id"],
        "title": line["title"], "quantity": line["quantity"], "price_minor": money(line["originalUnitPriceSet"]),
    }  # fmt: skip


def tables(path: str, kind: str) -> Iterator[pa.Table]:
    """The file's objects of one kind, 50,000 lines of it at a time."""
    read = {"customers": customer, "orders": order, "order_lines": order_line}[kind]
    rows: list[dict[str, Any]] = []
    with Path(path).open("rb") as file:
        for raw in file:
            if (b'"__parentId":' in raw) is (kind == "order_lines"):
                rows.append(read(orjson.loads(raw)))
            if len(rows) == CHUNK_LINES:
                yield pa.Table.from_pylist(rows)
                rows = []
    if rows:
        yield pa.Table.from_pylist(rows)


def main() -> None:
    """Load and report."""
    dsn, folder, customers, orders = sys.argv[1:]
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=folder, destination=dlt.destinations.postgres(dsn), dataset_name="dlt_bench"
    )
    started = time.perf_counter()
    for kind, path in (("customers", customers), ("orders", orders), ("order_lines", orders)):
        resource = dlt.resource(tables(path, kind), name=kind, write_disposition="merge", primary_key="gid")
        pipeline.run(resource, loader_file_format="csv")
    seconds = time.perf_counter() - started
    with pipeline.sql_client() as client:
        counted = [
            client.execute_sql(f"SELECT count(*) FROM {kind}")[0][0]  # our own names
            for kind in ("customers", "orders", "order_lines")
        ]
    print(json.dumps({"lines": sum(counted), "seconds": seconds}))


if __name__ == "__main__":
    main()
