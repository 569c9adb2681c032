"""Rules of a synchronisation.

A run has one bulk operation a resource; all run at Shopify at once, but results are imported one after the other
in the order of `RESOURCES`, so that orders find their customers. Every step locks the run's row first and looks at
the states again: steps may repeat, meet or come late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.jobs import fates, workflows
from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shopify.bulk import BulkOperation, BulkStatus
from storecast.shops import availability
from storecast.shops import service as shops
from storecast.sync import refresh, repository, schemas
from storecast.sync.errors import SyncOver, SyncUnknown
from storecast.sync.importer import MAX_REFUSALS_KEPT, ImportCounts
from storecast.sync.jobs import (
    ImportResource,
    PollSync,
    RefreshShop,
    SettleSync,
    StartSync,
    StopOperations,
    WakeSync,
)
from storecast.sync.models import OPEN_STATES, SyncResource, SyncRun
from storecast.worker import outbox

log = structlog.get_logger(__name__)

PAGE = 20

FIRST_POLL_S = 1.0
MAX_POLL_S = 30.0
"""A webhook tells when an operation ends; polls are for the case that it does not come."""

OPERATION_SHARE = 0.3
"""How much of a resource's progress is Shopify's work; the rest is the import."""


@dataclass(frozen=True, slots=True)
class ImportTask:
    """What an import has to read, and from where."""

    resource_id: int
    sync_run_id: int
    resource: str
    url: str | None
    bytes_done: int
    bytes_total: int | None
    lines_done: int
    as_of: datetime | None


def start(session: Session, shop_id: ShopId, *, kind: str) -> SyncRun:
    """Begin a run; the one that is under way when there is one that something carries on."""
    run = repository.create(session, shop_id, public_id=public_id("syn"), kind=kind)
    if run is None:
        under_way = repository.find_open(session, shop_id)
        if under_way is not None and not close_abandoned(session, shop_id, under_way.id):
            return under_way
        return start(session, shop_id, kind=kind)  # the other one is over by now
    outbox.add(session, shop_id, StartSync(run.id), tags=[run.public_id])
    log.info("sync_started", shop_id=shop_id, sync_id=run.public_id, kind=kind)
    return run


def cancel(session: Session, shop_id: ShopId, sync_id: str) -> SyncRun:
    """Stop a run at its next chunk; raises SyncOver when it has ended."""
    run = stop(session, shop_id, _get(session, shop_id, sync_id).id)
    if run is None:
        raise SyncOver
    return run


def stop(session: Session, shop_id: ShopId, run_id: int) -> SyncRun | None:
    """Cancel a run; None when it is over."""
    run = repository.lock(session, shop_id, run_id)
    if run is None or run.state not in OPEN_STATES:
        return None
    _end(session, shop_id, run, "cancelled")
    outbox.add(session, shop_id, StopOperations(run.id), tags=[run.public_id])
    return run


def list_open(session: Session) -> list[tuple[int, ShopId]]:
    """Id and shop of every run that is not over. Needs a session that sees all shops."""
    return [(run_id, ShopId(shop_id)) for run_id, shop_id in repository.list_open(session)]


def close_abandoned(session: Session, shop_id: ShopId, run_id: int) -> bool:
    """End an open run as its last job ended, when nothing is left that could carry it on; whether it is over.

    The order counts. Only an import starts the workflow, and needs the run's lock for it; a workflow that ends stages
    what comes after it in the same commit. Jobs stage their next one before they end.
    """
    run = repository.lock(session, shop_id, run_id)
    if run is None or run.state not in OPEN_STATES:
        return True
    if workflows.is_under_way(session, shop_id, _workflow_key(run_id)):
        return False
    fate = fates.find_fate(session, shop_id, _terms(session, shop_id, run))
    if fate == "live":
        return False
    if fate == "cancelled":
        stop(session, shop_id, run_id)
    else:
        fail(session, shop_id, run_id, "A step of it failed; the task's page says why.")
    log.warning("sync_abandoned", shop_id=shop_id, sync_id=run.public_id, fate=fate)
    return True


def start_again(session: Session, shop_id: ShopId, run_id: int, job_id: UUID) -> SyncRun | None:
    """A new run when somebody tries a step of one again that failed or was cancelled; else None.

    They want the data, and a run that is over stays so. A step that only comes late is nobody's wish.
    """
    run = repository.find(session, shop_id, run_id)
    if run is None or run.state not in ("failed", "cancelled") or not fates.is_retry(session, job_id):
        return None
    return start(session, shop_id, kind=run.kind)


def find_run_of_import(session: Session, shop_id: ShopId, resource_id: int) -> int | None:
    """The run that a resource belongs to."""
    item = repository.find_resource(session, shop_id, resource_id)
    return None if item is None else item.sync_run_id


def cancel_open(session: Session, shop_id: ShopId) -> None:
    """Stop whatever runs, because the shop has left."""
    run = repository.find_open(session, shop_id)
    if run is not None:
        _end(session, shop_id, run, "cancelled")


def begin(session: Session, shop_id: ShopId, run_id: int) -> list[str]:
    """Mark a run as running; the resources whose operations still have to be started."""
    run = repository.lock(session, shop_id, run_id)
    if run is None or run.state not in OPEN_STATES:
        return []
    if run.state == "queued":
        run.state = "running"
        run.started_at = utcnow()
    return [
        item.resource
        for item in repository.list_resources(session, shop_id, run_id)
        if item.state == "pending"
    ]


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


def refresh_shop(session: Session, shop_id: ShopId) -> None:
    """Read the settings and scopes of an installed shop again; of one that has left, nothing can be read."""
    shop = shops.get(session, shop_id)
    if shop.state == "installed":
        outbox.add(session, shop_id, RefreshShop())
    availability.ask_soon(session, shop)


def take_late_uninstall(session: Session, shop_id: ShopId, left_at: datetime) -> None:
    """The shop left and came back before we heard of it: what the departure ended at Shopify starts anew.

    Nothing is to do when the install that followed was a new one to us: it has done that.
    """
    installed_at = shops.get(session, shop_id).installed_at
    if (installed_at is None or installed_at < left_at) and shops.begin_anew(session, shop_id):
        start(session, shop_id, kind="first")


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
        _advance(session, shop_id, run, items)
    return run.state in OPEN_STATES and any(item.state in ("pending", "requested") for item in items)


def claim_import(session: Session, shop_id: ShopId, resource_id: int) -> ImportTask | None:
    """What the import of a resource has to do; None when there is nothing left of it."""
    item = repository.find_resource(session, shop_id, resource_id)
    if item is None or item.state != "importing":
        return None
    return ImportTask(
        resource_id=item.id,
        sync_run_id=item.sync_run_id,
        resource=item.resource,
        url=item.url,
        bytes_done=item.bytes_done,
        bytes_total=item.bytes_total,
        lines_done=item.lines_done,
        as_of=item.operation_at,
    )


def record_chunk(
    session: Session, shop_id: ShopId, task: ImportTask, counts: ImportCounts, bytes_done: int
) -> bool:
    """Note a chunk in the transaction that holds its rows; False when the run has been stopped."""
    item = repository.find_resource(session, shop_id, task.resource_id)
    if item is None or item.state != "importing":
        return False
    item.rows_done += counts.objects_done
    item.rows_refused += counts.rows_refused
    item.lines_done += counts.lines
    item.bytes_done = bytes_done
    room = MAX_REFUSALS_KEPT - len(item.refusals)
    item.refusals = [*item.refusals, *({"line": r.line, "reason": r.reason} for r in counts.refusals[:room])]
    return True


def record_imported(session: Session, shop_id: ShopId, task: ImportTask) -> None:
    """Close a resource and go on to the next."""
    run = repository.lock(session, shop_id, task.sync_run_id)
    item = repository.find_resource(session, shop_id, task.resource_id)
    if run is None or run.state not in OPEN_STATES or item is None or item.state != "importing":
        return
    item.state = "done"
    session.flush()
    log.info("sync_resource_done", shop_id=shop_id, resource=item.resource, rows=item.rows_done)
    _advance(session, shop_id, run, repository.list_resources(session, shop_id, run.id))


def finish(session: Session, shop_id: ShopId, run_id: int) -> None:
    """Close a run whose resources are all in."""
    run = repository.lock(session, shop_id, run_id)
    if run is not None and run.state in OPEN_STATES:
        run.state = "done"
        run.finished_at = utcnow()
        log.info("sync_done", shop_id=shop_id, sync_id=run.public_id)


def settle(session: Session, shop_id: ShopId, run_id: int) -> None:
    """Fail a run that what follows its import has not closed."""
    fail(
        session, shop_id, run_id, "The data is in, but working with it failed; the workflow's page says why."
    )


def fail(session: Session, shop_id: ShopId, run_id: int, error: str) -> None:
    """End a run that cannot go on."""
    run = repository.lock(session, shop_id, run_id)
    if run is not None and run.state in OPEN_STATES:
        run.error = error
        _end(session, shop_id, run, "failed")


def read(session: Session, shop_id: ShopId, sync_id: str) -> schemas.SyncRun:
    """A run as the API shows it; raises SyncUnknown."""
    return _shown(session, shop_id, _get(session, shop_id, sync_id))


def show(session: Session, shop_id: ShopId, run: SyncRun) -> schemas.SyncRun:
    """A run that the caller has at hand, as the API shows it."""
    return _shown(session, shop_id, run)


def find_latest(session: Session, shop_id: ShopId) -> schemas.SyncRun | None:
    """The newest run, for the home page."""
    run = repository.find_latest(session, shop_id)
    return _shown(session, shop_id, run) if run is not None else None


def list_page(session: Session, shop_id: ShopId, *, cursor: str | None) -> Page[schemas.SyncRun]:
    """A page of runs, newest first."""
    after_id = decode_id_cursor(cursor or None)
    runs = repository.list_page(session, shop_id, after_id=after_id, limit=PAGE + 1)
    items = [_shown(session, shop_id, run) for run in runs[:PAGE]]
    return Page(items=items, next_cursor=encode_cursor(runs[PAGE - 1].id) if len(runs) > PAGE else None)


def _get(session: Session, shop_id: ShopId, sync_id: str) -> SyncRun:
    run = repository.find_by_public_id(session, shop_id, sync_id)
    if run is None:
        raise SyncUnknown
    return run


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
        item.state = "failed"
        run.error = (
            f"Shopify ended the bulk operation of {item.resource}: {look.error_code or look.status.value}"
        )
        _end(session, shop_id, run, "failed")


def _advance(session: Session, shop_id: ShopId, run: SyncRun, items: list[SyncResource]) -> None:
    """Start the next import when none runs and its turn has come, and what follows them when all are in."""
    waiting = [item for item in items if item.state != "done"]
    if not waiting:
        workflows.start(
            session,
            shop_id,
            refresh.definition(run.id),
            unique_key=_workflow_key(run.id),
            afterwards=SettleSync(run.id),
        )
    elif waiting[0].state == "ready":
        waiting[0].state = "importing"
        run.state = "importing"
        session.flush()
        outbox.add(session, shop_id, ImportResource(waiting[0].id), tags=[run.public_id])


def _workflow_key(run_id: int) -> str:
    return f"sync:{run_id}"


def _terms(session: Session, shop_id: ShopId, run: SyncRun) -> list[str]:
    """What the run's jobs are found by: their arguments."""
    items = repository.list_resources(session, shop_id, run.id)
    return [f"sync_run_id:{run.id}", *(f"sync_resource_id:{item.id}" for item in items)]


def _end(session: Session, shop_id: ShopId, run: SyncRun, state: str) -> None:
    run.state = state
    run.finished_at = utcnow()
    for item in repository.list_resources(session, shop_id, run.id):
        if item.state not in ("done", "failed"):
            item.state = "cancelled"
    log.info("sync_ended", shop_id=shop_id, sync_id=run.public_id, state=state)


def _shown(session: Session, shop_id: ShopId, run: SyncRun) -> schemas.SyncRun:
    items = repository.list_resources(session, shop_id, run.id)
    progress = 1.0 if run.state == "done" else sum(_progress(item) for item in items) / max(1, len(items))
    return schemas.SyncRun.model_validate(
        {
            "id": run.public_id,
            "kind": run.kind,
            "mode": run.mode,
            "state": run.state,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "error": run.error,
            "resources": [schemas.SyncResource.model_validate(item) for item in items],
            "progress": round(progress, 4),
        }
    )


def _progress(item: SyncResource) -> float:
    if item.state == "done":
        return 1.0
    if item.state in ("pending", "requested"):
        return 0.0
    imported = item.bytes_done / item.bytes_total if item.bytes_total else 0.0
    return OPERATION_SHARE + (1 - OPERATION_SHARE) * min(1.0, imported)
