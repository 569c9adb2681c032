"""What a run has brought in, as the shop has it now: pages for programs, files for people.

Webhooks go on where a run ended, so rows are those of this moment and never older; a run that did not read a resource
has no results of it. Who is shown people's data is noted in the transaction that reads it.
"""

from collections.abc import Iterator
from typing import Literal

import orjson
from sqlalchemy.orm import Session

from storecast.audit import access
from storecast.audit import service as audit
from storecast.customers.stored import CUSTOMERS, SEGMENTS
from storecast.db.stored import Row, Stored, count_people, read_page, version_of
from storecast.kit import csv_rows
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.pages import decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.orders.stored import (
    ABANDONED_CHECKOUTS,
    FULFILLMENTS,
    ORDER_LINES,
    ORDERS,
    REFUNDS,
    TRANSACTIONS,
)
from storecast.products.stored import COLLECTIONS, PRODUCTS, VARIANTS
from storecast.shops import service as shops
from storecast.shops.unit_of_work import UnitOfWork
from storecast.sync import repository
from storecast.sync.errors import ResultsUnknown, SyncUnknown
from storecast.sync.resources import Resource
from storecast.sync.results_cache import process_cache

ResultResource = Literal[
    "customers",
    "products",
    "variants",
    "collections",
    "orders",
    "order_lines",
    "transactions",
    "refunds",
    "fulfillments",
    "abandoned_checkouts",
    "segments",
]
ExportFormat = Literal["csv", "jsonl"]

PAGE = 100
CHUNK = 500
"""Orders with all that hangs on them are about 2 KB each."""

MEDIA_TYPES: dict[ExportFormat, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}

_STORED: dict[ResultResource, tuple[Resource, Stored]] = {
    "customers": ("customers", CUSTOMERS),
    "products": ("products", PRODUCTS),
    "variants": ("products", VARIANTS),
    "collections": ("collections", COLLECTIONS),
    "orders": ("orders", ORDERS),
    "order_lines": ("orders", ORDER_LINES),
    "transactions": ("orders", TRANSACTIONS),
    "refunds": ("orders", REFUNDS),
    "fulfillments": ("orders", FULFILLMENTS),
    "abandoned_checkouts": ("abandoned_checkouts", ABANDONED_CHECKOUTS),
    "segments": ("segments", SEGMENTS),
}
"""What is handed out, and the resource of a run that brings it."""


def read(
    session: Session,
    shop_id: ShopId,
    actor: str,
    sync_id: str,
    resource: ResultResource,
    *,
    cursor: str | None,
) -> bytes:
    """A page as JSON, ``{"items": […], "next_cursor": …}``; raises SyncUnknown or ResultsUnknown."""
    stored = _stored_of(session, shop_id, sync_id, resource)
    after = _after(cursor)
    currency = shops.get(session, shop_id).currency
    version = version_of(session, shop_id, stored, after=after, limit=PAGE + 1)
    people = min(version.rows, PAGE) if stored.person is not None else 0
    access.note(session, shop_id, actor, "results", sync_id, people=people)
    # Rows that come between the two reads are kept under a version that nobody will ask for.
    name = f"{resource}:{currency}:{version.digest}"
    kept = process_cache().find(shop_id, name)
    if kept is not None:
        return kept
    page = _json(read_page(session, shop_id, stored, currency=currency, after=after, limit=PAGE + 1))
    process_cache().keep(shop_id, name, page)
    return page


def begin_export(
    session: Session,
    shop_id: ShopId,
    actor: str,
    sync_id: str,
    resource: ResultResource,
    *,
    form: ExportFormat,
) -> None:
    """Write down that somebody takes all rows with them; raises SyncUnknown or ResultsUnknown."""
    stored = _stored_of(session, shop_id, sync_id, resource)
    people = count_people(session, shop_id, stored)
    access.note(session, shop_id, actor, "export", sync_id, people=people)
    audit.record(
        session,
        shop_id,
        actor,
        "sync_results_exported",
        sync_id,
        resource=resource,
        format=form,
        people=people,
    )


def iter_export(
    unit_of_work: UnitOfWork, shop_id: ShopId, resource: ResultResource, *, form: ExportFormat
) -> Iterator[bytes]:
    """All rows, a chunk at a time. No transaction is open while the caller takes what it got, however slowly."""
    _, stored = _STORED[resource]
    if form == "csv":
        yield csv_rows.encode([stored.names])
    after = ""
    while True:
        with unit_of_work() as session:
            currency = shops.get(session, shop_id).currency
            rows = read_page(session, shop_id, stored, currency=currency, after=after, limit=CHUNK)
        if rows:
            yield _lines(rows) if form == "jsonl" else csv_rows.encode(_cells(stored, row) for row in rows)
        if len(rows) < CHUNK:
            return
        after = rows[-1].gid


def _stored_of(session: Session, shop_id: ShopId, sync_id: str, resource: ResultResource) -> Stored:
    run = repository.find_by_public_id(session, shop_id, sync_id)
    if run is None:
        raise SyncUnknown
    brought_by, stored = _STORED[resource]
    if all(item.resource != brought_by for item in repository.list_resources(session, shop_id, run.id)):
        raise ResultsUnknown(resource=resource)
    return stored


def _after(cursor: str | None) -> str:
    if not cursor:
        return ""
    (after,) = decode_cursor(cursor, 1)
    if not isinstance(after, str) or not after.startswith("gid://") or not after.isprintable():
        raise Invalid(
            "The cursor is not one that this list handed out.",
            errors=[FieldError("/cursor", "unknown cursor", "cursor_invalid")],
        )
    return after


def _json(found: list[Row]) -> bytes:
    items = ",".join(row.json for row in found[:PAGE])
    cursor = f'"{encode_cursor(found[PAGE - 1].gid)}"' if len(found) > PAGE else "null"
    return f'{{"items":[{items}],"next_cursor":{cursor}}}'.encode()


def _lines(rows: list[Row]) -> bytes:
    return "".join(f"{row.json}\n" for row in rows).encode()


def _cells(stored: Stored, row: Row) -> list[str]:
    values = orjson.loads(row.json)
    return [csv_rows.cell(values[name]) for name in stored.names]
