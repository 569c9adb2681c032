"""Tags and metafields that are written to customers at Shopify: a few one by one, many by one bulk mutation.

A write is stored with its customers before anything is sent, and every step can be done again: adding a tag that is
there, removing one that is not and setting a metafield to its value change nothing. So a worker that dies, or an
operation whose end nobody saw, is followed by the same again. What Shopify refuses is kept with the customer that it
refused. The customers' own tags follow by what was done, as of just before it, and by the webhooks it causes.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
import structlog
from sqlalchemy import Select
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.customers import schemas, service, writing_repository
from storecast.customers.errors import CustomerUnknown, TooManyCustomers, WriteUnknown
from storecast.customers.jobs import RunWrite
from storecast.customers.models import CustomerWrite
from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.shopify import bulk, bulk_import
from storecast.shopify.bulk import BulkStatus
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import OperationRefused, UserErrors
from storecast.shops import tokens
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

Kind = Literal["tags_add", "tags_remove", "metafields"]

DIRECT = 50
"""Customers that are written one by one: half a Standard bucket. A bulk mutation takes seconds to begin."""

CHUNK = 10
"""Customers written between two records of how they went: what a killed worker does again."""

MAX_CUSTOMERS = 500_000
"""A line of ours is under 200 bytes, Shopify takes 100 MB."""

METAFIELDS_PER_CALL = 25
MAX_UPLOAD_BYTES = 90_000_000
_LONG_GID = "gid://shopify/Customer/" + "9" * 16

REFUSALS_SHOWN = 100
POLL = timedelta(seconds=10)
MAX_BULK_RUNS = 3

_OPERATIONS: dict[str, str] = {
    "tags_add": "tags_add",
    "tags_remove": "tags_remove",
    "metafields": "metafields_set",
}

_members: list[Callable[[Session, ShopId, str], Select[Any]]] = []


def provide_members(members: Callable[[Session, ShopId, str], Select[Any]]) -> None:
    """Make known who is in a segment: a query with ``id``, by the segment's public id."""
    if members not in _members:
        _members.append(members)


def members_of(session: Session, shop_id: ShopId, segment_id: str) -> Select[Any]:
    """Who is in a segment: a query with ``id``. Raises SegmentUnknown."""
    (members,) = _members
    return members(session, shop_id, segment_id)


@dataclass(frozen=True, slots=True)
class Target:
    """One customer of a write."""

    line: int
    gid: str
    metafields: list[dict[str, Any]] | None


def request_tags(
    session: Session,
    shop_id: ShopId,
    *,
    actor: str,
    add: Sequence[str],
    remove: Sequence[str],
    segment_id: str | None = None,
    customer_ids: Sequence[str] | None = None,
) -> list[CustomerWrite]:
    """Have tags added to and removed from customers; one write for each. Raises CustomerUnknown, TooManyCustomers."""
    ids = _chosen(session, shop_id, segment_id, customer_ids)
    changes: list[tuple[Kind, Sequence[str]]] = [("tags_add", add), ("tags_remove", remove)]
    writes = [_request(session, shop_id, kind, ids, tags=tags) for kind, tags in changes if tags]
    for write in writes:
        tags = list(write.tags)
        audit.record(
            session,
            shop_id,
            actor,
            "customers_tagged",
            write.public_id,
            kind=write.kind,
            tags=tags,
            customers=len(ids),
        )
    return writes


def request_same_metafields(
    session: Session,
    shop_id: ShopId,
    *,
    actor: str,
    metafields: list[dict[str, Any]],
    segment_id: str | None = None,
    customer_ids: Sequence[str] | None = None,
) -> CustomerWrite:
    """Have the same metafields set for customers. Raises CustomerUnknown, TooManyCustomers."""
    ids = _chosen(session, shop_id, segment_id, customer_ids)
    most = MAX_UPLOAD_BYTES // len(
        orjson.dumps(_variables("metafields", [], Target(0, _LONG_GID, metafields)))
    )
    if len(ids) > most:
        raise TooManyCustomers(most=most)
    write = _request(session, shop_id, "metafields", ids, same=metafields)
    # Which fields, not what is in them: an erasure must leave no such trace.
    fields = [f"{each['namespace']}.{each['key']}" for each in metafields]
    name = write.public_id
    audit.record(session, shop_id, actor, "customers_metafields_set", name, fields=fields, customers=len(ids))
    return write


def request_metafields(
    session: Session, shop_id: ShopId, values: dict[int, list[dict[str, Any]]]
) -> CustomerWrite:
    """Have metafields ``{namespace, key, type, value}`` set, by internal customer id; 25 a customer at most."""
    if any(len(metafields) > METAFIELDS_PER_CALL for metafields in values.values()):
        raise ValueError(f"Shopify sets {METAFIELDS_PER_CALL} metafields a call")
    return _request(session, shop_id, "metafields", sorted(values), metafields=values)


def get(session: Session, shop_id: ShopId, write_id: str) -> tuple[CustomerWrite, int, int]:
    """A write, how many customers are done and how many were refused; raises WriteUnknown."""
    write = writing_repository.find(session, shop_id, write_id)
    if write is None:
        raise WriteUnknown
    counts = writing_repository.counts(session, shop_id, write.id)
    return write, counts.get("done", 0), counts.get("refused", 0)


def shape(session: Session, shop_id: ShopId, write_id: str) -> schemas.Write:
    """A write as the API shows it; raises WriteUnknown."""
    write, done, refused = get(session, shop_id, write_id)
    refusals = writing_repository.refusals(session, shop_id, write.id, REFUSALS_SHOWN)
    return schemas.Write.model_validate(
        {
            "id": write.public_id,
            "kind": write.kind,
            "tags": write.tags,
            "state": write.state,
            "total": write.total,
            "done": done,
            "refused": refused,
            "refusals": [{"customer_id": who, "error": error or ""} for who, error in refusals],
            "error": write.error,
            "finished_at": write.finished_at,
        }
    )


def _chosen(
    session: Session, shop_id: ShopId, segment_id: str | None, customer_ids: Sequence[str] | None
) -> list[int]:
    if segment_id is not None:
        members = members_of(session, shop_id, segment_id)
        ids = writing_repository.ids_of(session, members, MAX_CUSTOMERS + 1)
        if len(ids) > MAX_CUSTOMERS:
            raise TooManyCustomers(most=MAX_CUSTOMERS)
        return ids
    known = writing_repository.ids_by_public_id(session, shop_id, customer_ids or ())
    if set(known) != set(customer_ids or ()):
        raise CustomerUnknown
    return sorted(known.values())


def _request(
    session: Session,
    shop_id: ShopId,
    kind: Kind,
    ids: Collection[int],
    *,
    tags: Sequence[str] = (),
    metafields: dict[int, list[dict[str, Any]]] | None = None,
    same: list[dict[str, Any]] | None = None,
) -> CustomerWrite:
    write = CustomerWrite(
        shop_id=shop_id,
        public_id=public_id("wrt"),
        kind=kind,
        tags=list(tags),
        total=len(ids),
        state="queued",
    )
    writing_repository.add(session, write, list(ids), metafields or {}, same)
    outbox.add(session, shop_id, RunWrite(write.id))
    return write


def run(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    write_id: int,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Carry a write on from where it stands: to its end, or to the next look at Shopify's operation."""
    with unit_of_work() as session:
        write = writing_repository.lock(session, shop_id, write_id)
        if write is None or write.state in ("done", "failed"):
            return
        write.state = "running"
        bulk_gid, runs, total = write.bulk_gid, write.bulk_runs, write.total
        session.flush()
    client = tokens.admin_client(unit_of_work, shop_id)
    if total <= DIRECT:
        _write_directly(unit_of_work, shop_id, client, write_id, progress, total)
    elif bulk_gid is None:
        _start_bulk(unit_of_work, shop_id, client, write_id)
    else:
        _look(unit_of_work, shop_id, client, write_id, bulk_gid, runs)


def _variables(kind: str, tags: list[str], target: Target) -> dict[str, Any]:
    if kind == "metafields":
        return {"metafields": [{**each, "ownerId": target.gid} for each in target.metafields or ()]}
    return {"id": target.gid, "tags": tags}


def _write_directly(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    client: AdminClient,
    write_id: int,
    progress: Callable[[int, int], None],
    total: int,
) -> None:
    while True:
        with unit_of_work() as session:
            write = writing_repository.get(session, shop_id, write_id)
            kind, tags = write.kind, list(write.tags)
            targets = [Target(*row) for row in writing_repository.pending(session, shop_id, write_id, CHUNK)]
            counts = writing_repository.counts(session, shop_id, write_id)
        progress(total - counts.get("pending", 0), total)
        if not targets:
            break
        at = utcnow()
        outcomes = {
            target.line: _write_one(client, kind, _variables(kind, tags, target)) for target in targets
        }
        with unit_of_work() as session:
            _record(session, shop_id, write_id, outcomes, at)
    with unit_of_work() as session:
        _finish(session, shop_id, write_id)


def _write_one(client: AdminClient, kind: str, variables: dict[str, Any]) -> str | None:
    """Why Shopify refused it, None when it did not."""
    try:
        client.mutate(_OPERATIONS[kind], variables)
    except (UserErrors, OperationRefused) as refused:
        return str(refused)[:500]
    return None


def _start_bulk(unit_of_work: UnitOfWork, shop_id: ShopId, client: AdminClient, write_id: int) -> None:
    with unit_of_work() as session:
        write = writing_repository.get(session, shop_id, write_id)
        kind, tags, name = write.kind, list(write.tags), write.public_id
        total = write.total
        targets = [Target(*row) for row in writing_repository.pending(session, shop_id, write_id, total)]
    if not targets:
        with unit_of_work() as session:
            _finish(session, shop_id, write_id)
        return
    path = bulk_import.upload(client, _lines(kind, tags, targets, total))
    operation = bulk_import.run(client, _OPERATIONS[kind], path, client_identifier=name)
    with unit_of_work() as session:
        write = writing_repository.get(session, shop_id, write_id)
        write.bulk_gid, write.bulk_runs, write.requested_at = operation.gid, write.bulk_runs + 1, utcnow()
        outbox.add(session, shop_id, RunWrite(write_id), run_at=utcnow() + POLL)


def _lines(kind: str, tags: list[str], targets: list[Target], total: int) -> Iterator[dict[str, Any]]:
    """A line for each customer in the order of their numbers; those who are done have a line that changes nothing."""
    waiting = {target.line: target for target in targets}
    last = targets[-1]
    for line in range(total):
        yield _variables(kind, tags, waiting.get(line, last))


def _look(
    unit_of_work: UnitOfWork, shop_id: ShopId, client: AdminClient, write_id: int, gid: str, runs: int
) -> None:
    operation = bulk.get_operation(client, gid)
    if operation.status is BulkStatus.RUNNING:
        with unit_of_work() as session:
            outbox.add(session, shop_id, RunWrite(write_id), run_at=utcnow() + POLL)
        return
    if operation.status is BulkStatus.COMPLETED and operation.url is not None:
        _take_results(unit_of_work, shop_id, write_id, operation.url)
    with unit_of_work() as session:
        if operation.status is BulkStatus.COMPLETED:
            _finish(session, shop_id, write_id)
            return
        write = writing_repository.get(session, shop_id, write_id)
        log.warning("customer_write_failed", write=write.public_id, error_code=operation.error_code)
        if runs >= MAX_BULK_RUNS or operation.status is BulkStatus.CANCELLED:
            write.state, write.finished_at = "failed", utcnow()
            write.error = operation.error_code or operation.status.value
            return
        write.bulk_gid = None
        outbox.add(session, shop_id, RunWrite(write_id), run_at=utcnow() + POLL)


RESULTS_AT_ONCE = 5_000


def _take_results(unit_of_work: UnitOfWork, shop_id: ShopId, write_id: int, url: str) -> None:
    with unit_of_work() as session:
        at = writing_repository.get(session, shop_id, write_id).requested_at
    outcomes: dict[int, str | None] = {}
    for result in bulk_import.iter_results(url):
        outcomes[result.line] = result.error
        if len(outcomes) >= RESULTS_AT_ONCE:
            with unit_of_work() as session:
                _record(session, shop_id, write_id, outcomes, at)
            outcomes = {}
    with unit_of_work() as session:
        _record(session, shop_id, write_id, outcomes, at)


def _record(
    session: Session, shop_id: ShopId, write_id: int, outcomes: dict[int, str | None], at: datetime
) -> None:
    """Note what became of customers, and change the tags of those whom Shopify changed."""
    write = writing_repository.get(session, shop_id, write_id)
    for gid in writing_repository.record(session, shop_id, write_id, outcomes):
        add = write.tags if write.kind == "tags_add" else ()
        remove = write.tags if write.kind == "tags_remove" else ()
        if add or remove:
            service.change_tags(session, shop_id, gid, add=add, remove=remove, at=at)


def _finish(session: Session, shop_id: ShopId, write_id: int) -> None:
    write = writing_repository.get(session, shop_id, write_id)
    write.state, write.finished_at = "done", utcnow()
    counts = writing_repository.counts(session, shop_id, write_id)
    log.info("customers_written", write=write.public_id, **counts)
