"""Contacts on their way to Shopify, which is the master of customers: one bulk mutation after the other.

New ones are made with their consent in one mutation, which Shopify refuses when the address is there by then: nobody's
newer word is overwritten. Known ones get what they lack (`customerSet` leaves alone what it is not given; of lists it
would keep nothing, so tags are added by `tagsAdd`), and a consent that is newer than the one Shopify last told of.
Where somebody said something else while ours was on its way, the later word is sent after it.
An operation that nobody saw the end of is followed by the same again, after a look at who is a customer by now.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.orm import Session

from storecast.customers import contacts_repository
from storecast.customers.jobs import WriteConsent, WriteContacts
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shopify import bulk, bulk_import
from storecast.shopify.bulk import BulkStatus
from storecast.shopify.client import AdminClient
from storecast.shops import tokens
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

LINES_PER_OPERATION = 100_000
"""A line of ours is under 900 bytes, Shopify takes 100 MB."""

POLL = timedelta(seconds=5)
RESULTS_AT_ONCE = 5_000

_OPERATIONS = {
    "create": "customer_create",
    "update": "customer_set",
    "tags": "tags_add",
    "consent": "customer_email_consent_update",
}


_written: list[Callable[[Session, ShopId, int], None]] = []


def provide_written(written: Callable[[Session, ShopId, int], None]) -> None:
    """Make known who asks the people of a file to confirm, once they are written."""
    if written not in _written:
        _written.append(written)


def run(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    import_id: int,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Carry an import on from where it stands: to its end, or to the next look at Shopify's operation."""
    with unit_of_work() as session:
        imported = contacts_repository.lock(session, shop_id, import_id)
        if imported is None or imported.state not in ("writing", "cancelled"):
            return
        cancelled, phase, gid = imported.state == "cancelled", imported.phase, imported.bulk_gid
        counts = dict(imported.counts)
    progress(counts.get("rows", 0) - counts.get("waiting", 0), counts.get("rows", 0))
    if gid is not None and phase is not None:
        client = tokens.admin_client(unit_of_work, shop_id)
        if not _look(unit_of_work, shop_id, client, import_id, phase, gid, cancelled=cancelled):
            return
    if cancelled:
        _finish(unit_of_work, shop_id, import_id)
        return
    _start(unit_of_work, shop_id, import_id)


def _start(unit_of_work: UnitOfWork, shop_id: ShopId, import_id: int) -> None:
    with unit_of_work() as session:
        # Customers that were made meanwhile, by us or by themselves, are none to make again.
        contacts_repository.plan(session, shop_id, import_id)
        phase = contacts_repository.next_phase(session, shop_id, import_id)
        imported = contacts_repository.lock(session, shop_id, import_id)
        if imported is None or imported.state != "writing":
            return
        name = imported.public_id
        if phase is not None:
            imported.phase = phase
            contacts_repository.take(session, shop_id, import_id, phase, LINES_PER_OPERATION)
    if phase is None:
        _finish(unit_of_work, shop_id, import_id)
        return
    client = tokens.admin_client(unit_of_work, shop_id)
    path = bulk_import.upload(client, _lines(unit_of_work, shop_id, import_id, phase))
    operation = bulk_import.run(client, _OPERATIONS[phase], path, client_identifier=name)
    with unit_of_work() as session:
        imported = contacts_repository.lock(session, shop_id, import_id)
        if imported is not None:
            imported.bulk_gid, imported.requested_at = operation.gid, utcnow()
            outbox.add(session, shop_id, WriteContacts(import_id), run_at=utcnow() + POLL)


def _lines(unit_of_work: UnitOfWork, shop_id: ShopId, import_id: int, phase: str) -> Iterator[dict[str, Any]]:
    with unit_of_work() as session:
        for row in contacts_repository.iter_taken(session, shop_id, import_id):
            yield variables(phase, row)


def variables(phase: str, row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """What a phase says of a contact."""
    if phase == "tags":
        return {"id": row.gid, "tags": row.tags}
    if phase == "consent":
        return {"input": {"customerId": row.gid, "emailMarketingConsent": _consent(row)}}
    given = {"firstName": row.first_name, "lastName": row.last_name, "phone": row.phone}
    named = {name: value for name, value in given.items() if value is not None}
    if phase == "update":
        return {"identifier": {"id": row.gid}, "input": named}
    made = {"email": row.email, **named}
    if row.tags:
        made["tags"] = row.tags
    if row.country:
        made["addresses"] = [
            {"countryCode": row.country, **{k: named[k] for k in ("firstName", "lastName") if k in named}}
        ]
    if row.consent_state:
        made["emailMarketingConsent"] = _consent(row)
    return {"input": made}


def _consent(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    # A list knows that somebody agreed, not that they confirmed it by a link.
    level = {"marketingOptInLevel": "SINGLE_OPT_IN"} if row.consent_state == "subscribed" else {}
    return {
        "marketingState": row.consent_state.upper(),
        "consentUpdatedAt": row.consent_at.isoformat(),
        **level,
    }


def _look(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    client: AdminClient,
    import_id: int,
    phase: str,
    gid: str,
    *,
    cancelled: bool,
) -> bool:
    """Take the results of the operation when it is over; whether it is."""
    operation = bulk.get_operation(client, gid)
    if operation.status is BulkStatus.RUNNING:
        if cancelled:
            bulk.cancel(client, gid)
        with unit_of_work() as session:
            outbox.add(session, shop_id, WriteContacts(import_id), run_at=utcnow() + POLL)
        return False
    if operation.url is not None:
        _take_results(unit_of_work, shop_id, import_id, phase, operation.url)
    with unit_of_work() as session:
        imported = contacts_repository.lock(session, shop_id, import_id)
        if imported is None:
            return False
        imported.bulk_gid = None
        if operation.status is BulkStatus.COMPLETED:
            contacts_repository.refuse_unanswered(session, shop_id, import_id)
        elif not cancelled:
            log.warning(
                "contacts_operation_failed",
                contact_import=imported.public_id,
                error_code=operation.error_code,
            )
            imported.state, imported.finished_at = "failed", utcnow()
            imported.error = operation.error_code or operation.status.value
        imported.counts = contacts_repository.counts(session, shop_id, import_id)
        if imported.state == "failed":
            contacts_repository.tidy(session, shop_id, import_id)
        return imported.state != "failed"


def _take_results(unit_of_work: UnitOfWork, shop_id: ShopId, import_id: int, phase: str, url: str) -> None:
    outcomes: dict[int, str | None] = {}

    def record() -> None:
        with unit_of_work() as session:
            contacts_repository.record(session, shop_id, import_id, phase, outcomes)

    for result in bulk_import.iter_results(url):
        outcomes[result.line] = result.error
        if len(outcomes) >= RESULTS_AT_ONCE:
            record()
            outcomes.clear()
    record()


def _finish(unit_of_work: UnitOfWork, shop_id: ShopId, import_id: int) -> None:
    with unit_of_work() as session:
        imported = contacts_repository.lock(session, shop_id, import_id)
        if imported is None:
            return
        for gid in contacts_repository.overtaken(session, shop_id, import_id):
            outbox.add(session, shop_id, WriteConsent(gid, "email"))
        imported.counts = contacts_repository.counts(session, shop_id, import_id)
        contacts_repository.tidy(session, shop_id, import_id)
        if (imported.mapping or {}).get("confirm"):
            for written in _written:
                written(session, shop_id, import_id)
        imported.phase, imported.bulk_gid = None, None
        if imported.state == "writing":
            imported.state, imported.finished_at = "done", utcnow()
        log.info("contacts_written", contact_import=imported.public_id, **imported.counts)
