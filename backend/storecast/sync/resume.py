"""A failed run goes on when somebody tries one of its steps again: the same operations, from the last byte noted.

A run that somebody cancelled stays over, as does one that a later run has taken the place of.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.jobs import fates
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.sync import imports, operations, repository
from storecast.sync.jobs import StartSync
from storecast.sync.models import SyncResource, SyncRun
from storecast.worker import outbox

log = structlog.get_logger(__name__)

RESULT_KEPT = timedelta(days=6)
"""Shopify serves a result for seven days; what is left of one must do for the rest of an import."""


def resume(session: Session, shop_id: ShopId, run_id: int, job_id: UUID) -> SyncRun | None:
    """Open a failed run again and stage what carries it on; None when this is no retry, or it cannot go on."""
    run = repository.lock(session, shop_id, run_id)
    latest = repository.find_latest(session, shop_id)
    if run is None or run.state != "failed" or latest is not run or not fates.is_retry(session, job_id):
        return None
    run.state, run.error, run.finished_at = "running", None, None
    log.info("sync_resumed", shop_id=shop_id, sync_id=run.public_id)
    items = repository.list_resources(session, shop_id, run_id)
    for item in items:
        _reopen(item, run.mode, utcnow())
    session.flush()
    if run.started_at is None:
        run.state = "queued"
        outbox.add(session, shop_id, StartSync(run.id), tags=[run.public_id])
        return run
    imports.advance(session, shop_id, run, items)
    if operations.awaits(session, shop_id, run_id):
        operations.poll_later(session, shop_id, run_id, after_round=0)
    return run


def _reopen(item: SyncResource, mode: str, now: datetime) -> None:
    """Put a resource back to where it was before the run ended; what Shopify ended or has thrown away starts over."""
    if item.state not in ("cancelled", "failed"):
        return
    if item.state == "failed" or (item.operation_at is not None and item.operation_at < now - RESULT_KEPT):
        item.operation_gid = item.operation_at = item.url = item.cursor = None
        item.objects_expected = item.bytes_total = None
        item.rows_done = item.rows_refused = item.bytes_done = item.lines_done = 0
        item.refusals, item.refusal_counts = [], {}
    readable = item.url is not None or (mode == "paginated" and item.operation_at is not None)
    item.state = "ready" if readable else "requested" if item.operation_gid is not None else "pending"
