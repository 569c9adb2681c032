"""Imports of a run: one resource after the other, each from where its last committed chunk left off."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from storecast.jobs import workflows
from storecast.kit.types import ShopId
from storecast.sync import marks, refresh, repository, service
from storecast.sync.importer import MAX_REFUSALS_KEPT, ImportCounts, add_reasons
from storecast.sync.jobs import ImportResource, SettleSync
from storecast.sync.models import OPEN_STATES, SyncResource, SyncRun
from storecast.sync.resources import Resource, named
from storecast.worker import outbox

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ImportTask:
    """What an import has to read, and from where."""

    resource_id: int
    sync_run_id: int
    resource: Resource
    mode: str
    operation_gid: str | None
    cursor: str | None
    batch_size: int | None
    custom_query: str | None
    rows_done: int
    url: str | None
    bytes_done: int
    bytes_total: int | None
    lines_done: int
    as_of: datetime | None

    @property
    def complete(self) -> bool:
        """Whether the import leaves nothing of the resource out."""
        return self.custom_query is None


def claim_import(session: Session, shop_id: ShopId, resource_id: int) -> ImportTask | None:
    """What the import of a resource has to do; None when there is nothing left of it."""
    item = repository.find_resource(session, shop_id, resource_id)
    if item is None or item.state != "importing":
        return None
    run = repository.find(session, shop_id, item.sync_run_id)
    if run is None:
        return None
    return ImportTask(
        resource_id=item.id,
        sync_run_id=item.sync_run_id,
        resource=named(item.resource),
        mode=run.mode,
        operation_gid=item.operation_gid,
        cursor=item.cursor,
        batch_size=run.batch_size,
        custom_query=run.custom_query,
        rows_done=item.rows_done,
        url=item.url,
        bytes_done=item.bytes_done,
        bytes_total=item.bytes_total,
        lines_done=item.lines_done,
        as_of=item.operation_at,
    )


def record_chunk(
    session: Session,
    shop_id: ShopId,
    task: ImportTask,
    counts: ImportCounts,
    *,
    bytes_done: int = 0,
    cursor: str | None = None,
    expected: int | None = None,
) -> bool:
    """Note a chunk whose rows are in, or are in the same transaction; False when the run has been stopped.

    Of a bulk result ``bytes_done`` says how far it reaches, of pages ``cursor``.
    """
    item = repository.find_resource(session, shop_id, task.resource_id)
    if item is None or item.state != "importing":
        return False
    item.rows_done += counts.objects_done
    item.rows_refused += counts.rows_refused
    item.lines_done += counts.lines
    item.bytes_done, item.cursor = bytes_done, cursor
    item.objects_expected = item.objects_expected if expected is None else expected
    room = MAX_REFUSALS_KEPT - len(item.refusals)
    item.refusals = [*item.refusals, *({"line": r.line, "reason": r.reason} for r in counts.refusals[:room])]
    reasons = {reason: int(str(count)) for reason, count in item.refusal_counts.items()}
    add_reasons(reasons, counts.reasons)
    item.refusal_counts = dict(reasons)
    return True


def record_url(session: Session, shop_id: ShopId, task: ImportTask, url: str | None) -> None:
    """Keep the new address of a result whose old one has expired."""
    item = repository.find_resource(session, shop_id, task.resource_id)
    if item is not None and item.state == "importing":
        item.url = url


def record_skipped(session: Session, shop_id: ShopId, task: ImportTask, reason: str) -> None:
    """Go on to the next resource without this one."""
    run = repository.lock(session, shop_id, task.sync_run_id)
    item = repository.find_resource(session, shop_id, task.resource_id)
    if run is None or run.state not in OPEN_STATES or item is None or item.state != "importing":
        return
    skip(item, reason)
    session.flush()
    advance(session, shop_id, run, repository.list_resources(session, shop_id, run.id))


def skip(item: SyncResource, reason: str) -> None:
    """Leave a resource out, and say why."""
    item.state, item.skipped_reason = "skipped", reason
    log.warning("sync_resource_skipped", shop_id=item.shop_id, resource=item.resource, reason=reason)


def record_imported(session: Session, shop_id: ShopId, task: ImportTask) -> None:
    """Close a resource and go on to the next."""
    run = repository.lock(session, shop_id, task.sync_run_id)
    item = repository.find_resource(session, shop_id, task.resource_id)
    if run is None or run.state not in OPEN_STATES or item is None or item.state != "importing":
        return
    item.state = "done"
    if task.complete and item.operation_at is not None:
        marks.advance(session, shop_id, named(item.resource), item.operation_at)
    session.flush()
    log.info("sync_resource_done", shop_id=shop_id, resource=item.resource, rows=item.rows_done)
    advance(session, shop_id, run, repository.list_resources(session, shop_id, run.id))


def advance(session: Session, shop_id: ShopId, run: SyncRun, items: list[SyncResource]) -> None:
    """Start the next import when none runs and its turn has come, and what follows them when all are in."""
    waiting = [item for item in items if item.state not in ("done", "skipped")]
    if not waiting:
        workflows.start(
            session,
            shop_id,
            refresh.definition(run.id),
            unique_key=service.workflow_key(run.id),
            afterwards=SettleSync(run.id),
        )
    elif waiting[0].state == "ready":
        waiting[0].state = "importing"
        run.state = "importing"
        session.flush()
        outbox.add(session, shop_id, ImportResource(waiting[0].id), tags=[run.public_id])
