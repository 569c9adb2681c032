"""Synchronisation: start, watch, stop, and take what it brought."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from storecast.audit import service as audit
from storecast.db.session import tenant_session
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require
from storecast.sync import reconcile, results, schemas, service

router = APIRouter(prefix="/syncs", tags=["syncs"])


@router.post("", status_code=202, dependencies=[require(Permission.OPERATE)])
def start_sync(body: schemas.SyncInput, db: TenantDb, principal: CurrentPrincipal) -> schemas.SyncRun:
    """Pull the store's data anew, all of it or what is asked for; answers with the run under way when there is one."""
    return service.ask(db, principal.shop_id, principal.actor, body)


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


@router.get("/{sync_id}/results", dependencies=[require(Permission.READ)], response_model=schemas.ResultPage)
def read_sync_results(
    sync_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    resource: results.ResultResource = "customers",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """What is stored of a resource that the run read, in the order of Shopify's ids; changes since then are in it.

    Orders come with their lines, transactions, refunds and fulfilments. Amounts are in minor units of `currency`.
    """
    page = results.read(db, principal.shop_id, principal.actor, sync_id, resource, cursor=cursor)
    return Response(page, media_type="application/json")


@router.get(
    "/{sync_id}/results/export",
    dependencies=[require(Permission.MANAGE)],
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "All rows",
            "content": {
                "text/csv": {"example": "gid,title\r\ngid://shopify/Product/1,Mug\r\n"},
                "application/jsonl": {"example": '{"gid":"gid://shopify/Product/1","title":"Mug"}\n'},
            },
        }
    },
)
def export_sync_results(
    sync_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    resource: results.ResultResource = "customers",
    format: results.ExportFormat = "csv",  # the name in the address
) -> StreamingResponse:
    """The same rows, all of them, as a file: CSV (RFC 4180, UTF-8) or one JSON object a line. Exports are logged.

    In CSV lists are JSON in their cell, and text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    results.begin_export(db, principal.shop_id, principal.actor, sync_id, resource, form=format)
    unit_of_work = partial(tenant_session, principal.shop_id)
    return StreamingResponse(
        results.iter_export(unit_of_work, principal.shop_id, resource, form=format),
        media_type=results.MEDIA_TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="{resource}-{sync_id}.{format}"',
            "Cache-Control": "no-store",
        },
    )
