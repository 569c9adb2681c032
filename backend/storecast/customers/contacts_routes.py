"""Imports of contacts, and customers as a file."""

from functools import partial
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from storecast.audit import access
from storecast.customers import contacts, export
from storecast.customers.contacts_schemas import (
    ContactFile,
    ContactImport,
    ContactMapping,
    ContactPreview,
    ContactRefusal,
    NewContactImport,
)
from storecast.db.session import tenant_session
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require
from storecast.shops.uploads import spooled_body

router = APIRouter(prefix="/customers", tags=["customers"])

_FILE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@router.post("/imports", status_code=201, dependencies=[require(Permission.EDIT)])
def create_contact_import(body: NewContactImport, db: TenantDb, principal: CurrentPrincipal) -> ContactImport:
    """Begin an import of contacts; its file follows. 409 ``scope_missing`` while the store does not allow it."""
    made = contacts.create(db, principal.shop_id, body, actor=principal.actor)
    return contacts.shape(db, principal.shop_id, made)


@router.get("/imports", dependencies=[require(Permission.READ)])
def list_contact_imports(
    db: TenantDb, principal: CurrentPrincipal, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Page[ContactImport]:
    """Imports of contacts, newest first."""
    return contacts.list_page(db, principal.shop_id, cursor)


@router.get("/imports/{import_id}", dependencies=[require(Permission.EDIT)])
def read_contact_import(import_id: str, db: TenantDb, principal: CurrentPrincipal) -> ContactFile:
    """How far an import is, and the columns of its file while it is not read."""
    found = contacts.read_file(db, principal.shop_id, contacts.get(db, principal.shop_id, import_id))
    access.note(db, principal.shop_id, principal.actor, "import", import_id, people=found.people_shown)
    return found


@router.put(
    "/imports/{import_id}/file",
    dependencies=[require(Permission.EDIT)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "email,first name\r\nada@example.com,Ada\r\n",
                }
            },
        }
    },
)
def upload_contacts(
    import_id: str,
    file: Annotated[BinaryIO, Depends(spooled_body(contacts.MAX_BYTES))],
    db: TenantDb,
    principal: CurrentPrincipal,
) -> ContactFile:
    """Upload the CSV file of an import (UTF-8, UTF-16 or Windows-1252, at most 160 MiB), or another in its place.

    Nothing is read of it but its first lines. A file that nobody starts is forgotten after a day.
    """
    found = contacts.upload(db, principal.shop_id, import_id, file)
    access.note(db, principal.shop_id, principal.actor, "import", import_id, people=found.people_shown)
    return found


@router.post("/imports/{import_id}/preview", dependencies=[require(Permission.EDIT)])
def preview_contacts(
    import_id: str, body: ContactMapping, db: TenantDb, principal: CurrentPrincipal
) -> ContactPreview:
    """What the first thousand rows would become if the columns meant this. Nothing is stored."""
    found = contacts.preview(db, principal.shop_id, import_id, body)
    access.note(db, principal.shop_id, principal.actor, "import", import_id, people=len(found.rows))
    return found


@router.post("/imports/{import_id}/start", status_code=202, dependencies=[require(Permission.EDIT)])
def start_contact_import(
    import_id: str, body: ContactMapping, db: TenantDb, principal: CurrentPrincipal
) -> ContactImport:
    """Read the file and write its contacts to Shopify; 409 ``contact_import_state`` when it has begun already."""
    started = contacts.start(db, principal.shop_id, import_id, body, actor=principal.actor)
    return contacts.shape(db, principal.shop_id, started)


@router.post("/imports/{import_id}/cancel", dependencies=[require(Permission.EDIT)])
def cancel_contact_import(import_id: str, db: TenantDb, principal: CurrentPrincipal) -> ContactImport:
    """Stop an import; customers that were made or changed by then stay."""
    stopped = contacts.cancel(db, principal.shop_id, import_id, actor=principal.actor)
    return contacts.shape(db, principal.shop_id, stopped)


@router.get("/imports/{import_id}/refusals", dependencies=[require(Permission.READ)])
def list_contact_refusals(
    import_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[ContactRefusal]:
    """Every refused row, by line."""
    return contacts.list_refusals(db, principal.shop_id, import_id, cursor)


@router.get(
    "/imports/{import_id}/refusals/export",
    dependencies=[require(Permission.READ)],
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "All refused rows",
            "content": {"text/csv": {"example": "line,reason,error\r\n17,broken_address,\r\n"}},
        }
    },
)
def export_contact_refusals(import_id: str, db: TenantDb, principal: CurrentPrincipal) -> StreamingResponse:
    """Every refused row with its line and reason, as CSV (RFC 4180); nothing of what the rows said."""
    found = contacts.get(db, principal.shop_id, import_id)
    unit_of_work = partial(tenant_session, principal.shop_id)
    return StreamingResponse(
        contacts.iter_refusals(unit_of_work, principal.shop_id, found.id),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="refused-{import_id}.csv"', **_FILE},
    )


@router.get(
    "/export",
    dependencies=[require(Permission.MANAGE)],
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The customers",
            "content": {"text/csv": {"example": "email,first_name\r\nada@example.com,Ada\r\n"}},
        }
    },
)
def export_customers(
    db: TenantDb,
    principal: CurrentPrincipal,
    segment_id: Annotated[str | None, Query(max_length=64)] = None,
) -> StreamingResponse:
    """All customers, or those of a segment, as CSV (RFC 4180, UTF-8). Exports are logged.

    Text that a spreadsheet would run as a formula begins with an apostrophe; an import takes it off again.
    """
    ids = export.begin(db, principal.shop_id, segment_id, actor=principal.actor)
    unit_of_work = partial(tenant_session, principal.shop_id)
    return StreamingResponse(
        export.iter_csv(unit_of_work, principal.shop_id, ids),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{segment_id or "customers"}.csv"', **_FILE},
    )
