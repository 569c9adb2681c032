"""Synchronisation: start, watch, stop."""

from typing import Annotated

from fastapi import APIRouter, Query

from storecast.audit import service as audit
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require
from storecast.sync import reconcile, schemas, service
from storecast.sync.repository import Wish
from storecast.sync.resources import RESOURCES

router = APIRouter(prefix="/syncs", tags=["syncs"])


@router.post("", status_code=202, dependencies=[require(Permission.OPERATE)])
def start_sync(body: schemas.SyncInput, db: TenantDb, principal: CurrentPrincipal) -> schemas.SyncRun:
    """Pull the store's data anew, all of it or what is asked for; answers with the run under way when there is one."""
    wish = Wish(body.mode, tuple(body.resources or RESOURCES), body.batch_size, body.custom_query)
    run = service.start(db, principal.shop_id, kind="manual", wish=wish)
    audit.record(db, principal.shop_id, principal.actor, "sync_started", run.public_id)
    return service.show(db, principal.shop_id, run)


@router.get("", dependencies=[require(Permission.READ)])
def list_syncs(
    db: TenantDb, principal: CurrentPrincipal, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Page[schemas.SyncRun]:
    """Runs, newest first."""
    return service.list_page(db, principal.shop_id, cursor=cursor)


@router.get("/reconciliations", dependencies=[require(Permission.READ)])
def list_reconciliations(
    db: TenantDb, principal: CurrentPrincipal, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Page[schemas.Reconciliation]:
    """Comparisons with Shopify and what they repaired, newest first."""
    return reconcile.list_page(db, principal.shop_id, cursor=cursor)


@router.get("/{sync_id}", dependencies=[require(Permission.READ)])
def read_sync(sync_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.SyncRun:
    """One run with its progress."""
    return service.read(db, principal.shop_id, sync_id)


@router.delete("/{sync_id}", dependencies=[require(Permission.OPERATE)])
def cancel_sync(sync_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.SyncRun:
    """Stop a run at its next chunk; what has been imported stays."""
    run = service.cancel(db, principal.shop_id, sync_id)
    audit.record(db, principal.shop_id, principal.actor, "sync_cancelled", run.public_id)
    return service.show(db, principal.shop_id, run)
