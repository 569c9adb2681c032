"""Comparing what we hold with what Shopify has, and repairing the difference.

A bulk query of ids and versions is held against ours. Whatever differs is asked for again by its id, so that the newest
answer decides and not the comparison, which is as old as the bulk query: what Shopify then has is imported, what it
has not is removed as a deletion webhook would. Rows that were made meanwhile are found to be there.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

import structlog
from sqlalchemy.orm import Session

from storecast.customers import shopify_segments
from storecast.kit.chunks import batched
from storecast.kit.clock import utcnow
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.orders import checkouts
from storecast.orders import service as orders
from storecast.products import service as products
from storecast.shopify import bulk
from storecast.shopify.bulk import BulkOperation, BulkStatus
from storecast.shopify.client import AdminClient
from storecast.shops import service as shops
from storecast.shops.unit_of_work import UnitOfWork
from storecast.sync import importer, marks, pages, repository, schemas
from storecast.sync import reconcile_repository as differences
from storecast.sync.resources import KINDS, RESOURCES, Resource, missing_scope, named

log = structlog.get_logger(__name__)

PAGE = 30

MAX_REPAIRS = 20_000
"""Of one resource in one night, two minutes of queries. What is left is found again the next night."""

SUSPICIOUS_SURPLUS = 100
"""So many rows and more than half of ours: rather a mistake at the source than a wish of the merchant's. None goes."""

SHOWN_DAYS = 59
"""Shopify shows orders of the last sixty days unless the app holds `read_all_orders`; a day is left for the edge."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a reconciliation has to do next."""

    resource: Resource
    operation_gid: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Both counts, and the ids of each kind of difference, at most `MAX_REPAIRS` of each."""

    theirs: int
    ours: int
    missing: list[str]
    stale: list[str]
    surplus: list[str]


WITHOUT_ERASED = frozenset({"customers", "abandoned_checkouts"})
"""What is not kept of people who were erased. Their orders are, without them."""


def begin(session: Session, shop_id: ShopId) -> list[int]:
    """Open a reconciliation of every resource that was imported once; none while a run reads everything anyway."""
    shop = shops.get(session, shop_id)
    if shop.state != "installed" or repository.find_open(session, shop_id) is not None:
        return []
    opened = (
        differences.open_new(session, shop_id, resource)
        for resource in RESOURCES
        if missing_scope(resource, shop.scopes) is None and marks.find(session, shop_id, resource) is not None
    )
    return [reconciliation_id for reconciliation_id in opened if reconciliation_id is not None]


def claim(session: Session, shop_id: ShopId, reconciliation_id: int) -> Claim | None:
    """What is to be done; None when it is over."""
    row = differences.lock(session, shop_id, reconciliation_id)
    if row is None or row.state not in ("pending", "requested"):
        return None
    return Claim(named(row.resource), row.operation_gid)


def record_requested(
    session: Session, shop_id: ShopId, reconciliation_id: int, operation: BulkOperation
) -> None:
    """Note the bulk operation that lists Shopify's versions."""
    row = differences.lock(session, shop_id, reconciliation_id)
    if row is not None and row.state == "pending":
        row.state, row.operation_gid, row.operation_at = "requested", operation.gid, operation.created_at


def close(
    session: Session, shop_id: ShopId, reconciliation_id: int, state: str, *, error: str | None = None
) -> None:
    """End a reconciliation."""
    row = differences.lock(session, shop_id, reconciliation_id)
    if row is not None and row.state in ("pending", "requested"):
        row.state, row.error, row.finished_at = state, error, utcnow()
        log.info(
            "sync_reconciled", shop_id=shop_id, resource=row.resource, state=state, repaired=row.repaired
        )


def settle(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    reconciliation_id: int,
    resource: Resource,
    client: AdminClient,
    operation: BulkOperation,
) -> None:
    """Compare with the result of an operation that has ended, repair, and close."""
    if operation.status is not BulkStatus.COMPLETED:
        denied = operation.error_code == "ACCESS_DENIED"
        error = f"Shopify ended the bulk operation: {operation.error_code or operation.status.value}"
        with unit_of_work() as session:
            close(session, shop_id, reconciliation_id, "skipped" if denied else "failed", error=error)
        return
    found = compare(unit_of_work, shop_id, resource, operation)
    with unit_of_work() as session:
        _note(session, shop_id, reconciliation_id, found)
    if len(found.surplus) >= SUSPICIOUS_SURPLUS and 2 * len(found.surplus) > found.ours:
        error = "More than half of the rows are gone at Shopify; nothing was removed."
        with unit_of_work() as session:
            close(session, shop_id, reconciliation_id, "failed", error=error)
        return
    for gids in batched([*found.missing, *found.stale, *found.surplus], pages.MAX_PAGE):
        _repair(unit_of_work, shop_id, reconciliation_id, resource, client, gids)
    with unit_of_work() as session:
        importer.finish(session, shop_id, resource)
        close(session, shop_id, reconciliation_id, "done")


def compare(
    unit_of_work: UnitOfWork, shop_id: ShopId, resource: Resource, operation: BulkOperation
) -> Difference:
    """Hold Shopify's versions against ours; a file keeps them first, so that no transaction waits for the network."""
    with tempfile.TemporaryFile() as spool:
        if operation.url is not None:
            for line, _ in bulk.iter_lines(operation.url, size_bytes=operation.file_bytes):
                if line:
                    spool.write(line + b"\n")
        with unit_of_work() as session:
            shop = shops.get(session, shop_id)
            limited = resource == "orders" and "read_all_orders" not in shop.scopes
            since = operation.created_at - timedelta(days=SHOWN_DAYS) if limited else None
            theirs = differences.stage_theirs(session, _versions(spool, KINDS[resource].changed))
            if resource in WITHOUT_ERASED:
                theirs -= differences.drop_erased(session, shop_id)
            return Difference(
                theirs,
                differences.count_ours(session, shop_id, resource, orders_since=since),
                differences.list_missing(session, shop_id, resource, MAX_REPAIRS),
                differences.list_stale(session, shop_id, resource, MAX_REPAIRS),
                differences.list_surplus(session, shop_id, resource, MAX_REPAIRS, orders_since=since),
            )


def list_page(session: Session, shop_id: ShopId, *, cursor: str | None) -> Page[schemas.Reconciliation]:
    """A page of reconciliations, newest first."""
    rows = differences.list_page(session, shop_id, after_id=decode_id_cursor(cursor or None), limit=PAGE + 1)
    items = [schemas.Reconciliation.model_validate(row) for row in rows[:PAGE]]
    return Page(items=items, next_cursor=encode_cursor(rows[PAGE - 1].id) if len(rows) > PAGE else None)


def _versions(spool: BinaryIO, changed: str) -> Iterator[tuple[str, datetime]]:
    spool.seek(0)
    for line in spool:
        node = json.loads(line)
        yield node["id"], datetime.fromisoformat(node[changed])


def _note(session: Session, shop_id: ShopId, reconciliation_id: int, found: Difference) -> None:
    row = differences.lock(session, shop_id, reconciliation_id)
    if row is not None:
        row.theirs, row.ours = found.theirs, found.ours
        row.missing, row.stale, row.surplus = len(found.missing), len(found.stale), len(found.surplus)


def _repair(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    reconciliation_id: int,
    resource: Resource,
    client: AdminClient,
    gids: list[str],
) -> None:
    read_at = utcnow()
    lines, absent = pages.read_by_ids(client, resource, gids)
    with unit_of_work() as session:
        counts = importer.import_chunk(session, shop_id, resource, lines, as_of=read_at, whole=True)
        if resource == "orders":
            orders.follow_import(session, shop_id)
        for gid in absent:
            forget(session, shop_id, resource, gid)
        row = differences.lock(session, shop_id, reconciliation_id)
        if row is not None:
            row.repaired += counts.objects_done + len(absent)


def forget(session: Session, shop_id: ShopId, resource: Resource, gid: str) -> None:
    """What the deletion webhook of the resource does."""
    if resource == "customers":
        orders.forget_customer(session, shop_id, gid)
    elif resource == "products":
        products.forget(session, shop_id, gid)
    elif resource == "collections":
        products.forget_collection(session, shop_id, gid)
    elif resource == "orders":
        orders.forget(session, shop_id, gid)
    elif resource == "abandoned_checkouts":
        checkouts.forget(session, shop_id, gid)
    else:
        shopify_segments.forget(session, shop_id, gid)
