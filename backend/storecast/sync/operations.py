"""Bulk operations of a run: which are to be started, and what each look at them changes."""

from datetime import timedelta

from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shopify.bulk import BulkOperation, BulkStatus
from storecast.shops import service as shops
from storecast.sync import imports, repository, service
from storecast.sync.jobs import PollSync, WakeSync
from storecast.sync.models import OPEN_STATES, SyncResource, SyncRun
from storecast.sync.resources import Resource, missing_scope, named
from storecast.worker import outbox

FIRST_POLL_S = 1.0
MAX_POLL_S = 30.0
"""A webhook tells when an operation ends; polls are for the case that it does not come."""


def begin(session: Session, shop_id: ShopId, run_id: int) -> bool:
    """Mark a run as running; False when nothing of it is to be started or looked at."""
    run = repository.lock(session, shop_id, run_id)
    if run is None or run.state not in OPEN_STATES:
        return False
    if run.state == "queued":
        run.state = "running"
        run.started_at = utcnow()
    session.flush()
    return awaits(session, shop_id, run_id)


def claim_startable(session: Session, shop_id: ShopId, run_id: int) -> list[Resource]:
    """The resources whose bulk operations still have to be started.

    What the granted scopes do not open is skipped with the reason. A run by pages has nothing to start: its first
    import is staged.
    """
    run = repository.lock(session, shop_id, run_id)
    if run is None or run.state not in OPEN_STATES:
        return []
    items = repository.list_resources(session, shop_id, run_id)
    scopes = shops.get(session, shop_id).scopes
    for item in items:
        lacking = missing_scope(named(item.resource), scopes)
        if item.state == "pending" and lacking is not None:
            imports.skip(item, f"The app has not been granted {lacking}.")
        elif item.state == "pending" and run.mode == "paginated":
            item.state, item.operation_at = "ready", utcnow()
    session.flush()
    imports.advance(session, shop_id, run, items)
    return [named(item.resource) for item in items if item.state == "pending"]


def record_requested(
    session: Session, shop_id: ShopId, run_id: int, resource: str, operation: BulkOperation
) -> None:
    """Note the operation that Shopify started for a resource."""
    repository.lock(session, shop_id, run_id)
    for item in repository.list_resources(session, shop_id, run_id):
        if item.resource == resource and item.state == "pending":
            item.state = "requested"
            item.operation_gid = operation.gid
            item.operation_at = operation.created_at


def awaits(session: Session, shop_id: ShopId, run_id: int) -> bool:
    """Whether operations of an open run are still to be started or looked at."""
    run = repository.find(session, shop_id, run_id)
    return (
        run is not None
        and run.state in OPEN_STATES
        and any(
            item.state in ("pending", "requested")
            for item in repository.list_resources(session, shop_id, run_id)
        )
    )


def poll_later(session: Session, shop_id: ShopId, run_id: int, *, after_round: int) -> None:
    """Stage the next look, later the longer the run takes."""
    delay_s = min(MAX_POLL_S, FIRST_POLL_S * 1.5**after_round)
    outbox.add(
        session, shop_id, PollSync(run_id, after_round + 1), run_at=utcnow() + timedelta(seconds=delay_s)
    )


def wake(session: Session, shop_id: ShopId, operation_gid: str) -> None:
    """Look at the run of an operation now; operations of others are ignored."""
    item = repository.find_by_operation(session, shop_id, operation_gid)
    if item is not None and item.state == "requested":
        outbox.add(session, shop_id, WakeSync(item.sync_run_id))


def open_operations(session: Session, shop_id: ShopId, run_id: int) -> list[str]:
    """The operations of a run that were not over when last looked at."""
    run = repository.find(session, shop_id, run_id)
    if run is None or run.state not in OPEN_STATES:
        return []
    return _operations(session, shop_id, run_id, "requested")


def cancelled_operations(session: Session, shop_id: ShopId, run_id: int) -> list[str]:
    """The operations of a cancelled run."""
    return _operations(session, shop_id, run_id, "cancelled")


def record_looks(session: Session, shop_id: ShopId, run_id: int, looks: list[BulkOperation]) -> bool:
    """Take over what Shopify says of a run's operations and move the run on; whether some still run."""
    run = repository.lock(session, shop_id, run_id)
    if run is None or run.state not in OPEN_STATES:
        return False
    by_gid = {look.gid: look for look in looks}
    items = repository.list_resources(session, shop_id, run_id)
    for item in items:
        look = by_gid.get(item.operation_gid or "")
        if look is not None and item.state == "requested":
            _apply_look(session, shop_id, run, item, look)
    if run.state in OPEN_STATES:
        imports.advance(session, shop_id, run, items)
    return run.state in OPEN_STATES and any(item.state in ("pending", "requested") for item in items)


def _operations(session: Session, shop_id: ShopId, run_id: int, state: str) -> list[str]:
    items = repository.list_resources(session, shop_id, run_id)
    return [item.operation_gid for item in items if item.operation_gid and item.state == state]


def _apply_look(
    session: Session, shop_id: ShopId, run: SyncRun, item: SyncResource, look: BulkOperation
) -> None:
    item.objects_expected = look.root_object_count
    if look.status is BulkStatus.COMPLETED:
        item.state = "ready"
        item.url, item.bytes_total = look.url, look.file_bytes
    elif look.status in (BulkStatus.FAILED, BulkStatus.CANCELLED):
        if look.error_code == "ACCESS_DENIED":
            imports.skip(item, "Shopify does not let the app read this (ACCESS_DENIED).")
            return
        item.state = "failed"
        run.error = (
            f"Shopify ended the bulk operation of {item.resource}: {look.error_code or look.status.value}"
        )
        service.end(session, shop_id, run, "failed")
