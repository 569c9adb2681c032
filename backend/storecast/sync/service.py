"""Rules of a run: begun, shown, ended.

A run has a row for each resource. All bulk operations run at Shopify at once (`operations`), but results are imported
one after the other in the order of `RESOURCES` (`imports`), so that orders find their customers. Every step locks the
run's row first and looks at the states again: steps may repeat, meet or come late.
"""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs import fates, workflows
from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shops import availability
from storecast.shops import service as shops
from storecast.sync import repository, resources, schemas
from storecast.sync.errors import SyncOver, SyncUnknown
from storecast.sync.jobs import RefreshShop, StartSync, StopOperations
from storecast.sync.models import OPEN_STATES, SyncResource, SyncRun
from storecast.sync.repository import Wish
from storecast.worker import outbox

log = structlog.get_logger(__name__)

PAGE = 20

OPERATION_SHARE = 0.3
"""How much of a resource's progress is Shopify's work; the rest is the import."""


def start(session: Session, shop_id: ShopId, *, kind: str, wish: Wish | None = None) -> SyncRun:
    """Begin a run; the one that is under way when there is one that something carries on."""
    wish = wish or Wish()
    run = repository.create(session, shop_id, public_id=public_id("syn"), kind=kind, wish=wish)
    if run is None:
        under_way = repository.find_open(session, shop_id)
        if under_way is not None and not close_abandoned(session, shop_id, under_way.id):
            return under_way
        return start(session, shop_id, kind=kind, wish=wish)  # the other one is over by now
    outbox.add(session, shop_id, StartSync(run.id), tags=[run.public_id])
    log.info("sync_started", shop_id=shop_id, sync_id=run.public_id, kind=kind)
    return run


def ask(session: Session, shop_id: ShopId, actor: str, wanted: schemas.SyncInput) -> schemas.SyncRun:
    """Begin a run that somebody wants; the one that is under way when there is one."""
    named = tuple(wanted.resources or resources.RESOURCES)
    wish = Wish(wanted.mode, named, wanted.batch_size, wanted.custom_query)
    run = start(session, shop_id, kind="manual", wish=wish)
    audit.record(session, shop_id, actor, "sync_started", run.public_id)
    return _shown(session, shop_id, run)


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
    end(session, shop_id, run, "cancelled")
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
    if workflows.is_under_way(session, shop_id, workflow_key(run_id)):
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
    """A new run when somebody tries a step again of one that is over and cannot be resumed; else None.

    They want the data. A step that only comes late is nobody's wish.
    """
    run = repository.find(session, shop_id, run_id)
    if run is None or run.state not in ("failed", "cancelled") or not fates.is_retry(session, job_id):
        return None
    items = repository.list_resources(session, shop_id, run_id)
    wish = Wish(
        run.mode, tuple(resources.named(item.resource) for item in items), run.batch_size, run.custom_query
    )
    return start(session, shop_id, kind=run.kind, wish=wish)


def search_of(session: Session, shop_id: ShopId, run_id: int) -> str | None:
    """What narrows a run."""
    run = repository.find(session, shop_id, run_id)
    return None if run is None else run.custom_query


def find_run_of_import(session: Session, shop_id: ShopId, resource_id: int) -> int | None:
    """The run that a resource belongs to."""
    item = repository.find_resource(session, shop_id, resource_id)
    return None if item is None else item.sync_run_id


def cancel_open(session: Session, shop_id: ShopId) -> None:
    """Stop whatever runs, because the shop has left."""
    run = repository.find_open(session, shop_id)
    if run is not None:
        end(session, shop_id, run, "cancelled")


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
        end(session, shop_id, run, "failed")


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


def workflow_key(run_id: int) -> str:
    """Under which what follows the import of a run is started."""
    return f"sync:{run_id}"


def _terms(session: Session, shop_id: ShopId, run: SyncRun) -> list[str]:
    """What the run's jobs are found by: their arguments."""
    items = repository.list_resources(session, shop_id, run.id)
    return [f"sync_run_id:{run.id}", *(f"sync_resource_id:{item.id}" for item in items)]


def end(session: Session, shop_id: ShopId, run: SyncRun, state: str) -> None:
    """Close a locked run and what of it is not over."""
    run.state = state
    run.finished_at = utcnow()
    for item in repository.list_resources(session, shop_id, run.id):
        if item.state not in ("done", "failed", "skipped"):
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
            "batch_size": run.batch_size,
            "custom_query": run.custom_query,
            "resources": [_shown_resource(item) for item in items],
            "progress": round(progress, 4),
        }
    )


def _shown_resource(item: SyncResource) -> schemas.SyncResource:
    shown = schemas.SyncResource.model_validate(item)
    by_count = sorted(item.refusal_counts.items(), key=lambda pair: (-int(str(pair[1])), pair[0]))
    shown.refused_by_reason = [schemas.RefusedByReason(reason=r, count=int(str(n))) for r, n in by_count]
    return shown


def _progress(item: SyncResource) -> float:
    if item.state in ("done", "skipped"):
        return 1.0
    if item.state in ("pending", "requested"):
        return 0.0
    if item.url is None and item.objects_expected:
        return min(1.0, item.rows_done / item.objects_expected)
    imported = item.bytes_done / item.bytes_total if item.bytes_total else 0.0
    return OPERATION_SHARE + (1 - OPERATION_SHARE) * min(1.0, imported)
