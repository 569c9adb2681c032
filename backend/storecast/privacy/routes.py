"""The API of privacy, for those who have to answer requests."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
from storecast.privacy import access_page, retention, schemas, service
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/privacy", tags=["privacy"], dependencies=[require(Permission.MANAGE)])

RequestId = Annotated[int, Path(gt=0, lt=2**63)]


@router.get("/requests")
def list_privacy_requests(
    db: TenantDb, principal: CurrentPrincipal, cursor: str | None = None
) -> Page[schemas.PrivacyRequestRow]:
    """Requests for people's data and its erasure, newest first."""
    return service.list_page(db, principal.shop_id, cursor=cursor, now=utcnow())


@router.post("/requests", status_code=202)
def create_privacy_request(
    body: schemas.NewPrivacyRequest, db: TenantDb, principal: CurrentPrincipal
) -> schemas.PrivacyRequestDetail:
    """Export or erase what is held on one customer; it is done in the background."""
    return service.ask(db, principal.shop_id, principal.actor, body, now=utcnow())


@router.get("/requests/{request_id}")
def read_privacy_request(
    request_id: RequestId, db: TenantDb, principal: CurrentPrincipal
) -> schemas.PrivacyRequestDetail:
    """A request with its proof: how many rows of each table there were before and after."""
    return service.get(db, principal.shop_id, request_id, now=utcnow())


@router.post("/requests/{request_id}/rerun", status_code=202)
def rerun_privacy_request(
    request_id: RequestId, db: TenantDb, principal: CurrentPrincipal
) -> schemas.PrivacyRequestDetail:
    """Start an open request now, or make the archive of a data request anew, with a new passphrase."""
    return service.rerun(db, principal.shop_id, principal.actor, request_id, now=utcnow())


@router.post("/requests/{request_id}/passphrase")
def show_archive_passphrase(
    request_id: RequestId, db: TenantDb, principal: CurrentPrincipal
) -> schemas.ArchivePassphrase:
    """The passphrase of the archive. It is shown once; 409 ``privacy_passphrase_shown`` afterwards."""
    return service.show_passphrase(db, principal.shop_id, principal.actor, request_id, now=utcnow())


@router.post("/requests/{request_id}/link")
def create_archive_link(
    request_id: RequestId, db: TenantDb, principal: CurrentPrincipal
) -> schemas.ArchiveLink:
    """An address that downloads the archive until its time is over."""
    return service.make_link(db, principal.shop_id, request_id, now=utcnow())


@router.get(
    "/archives/{token}",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}, "description": "The encrypted archive"}},
)
def download_archive(token: str, db: TenantDb, principal: CurrentPrincipal) -> Response:
    """Download an archive by its link; each download is logged, ten an hour at most."""
    request_id, body = service.download(db, principal.shop_id, principal.actor, token, now=utcnow())
    name = f"personal-data-{request_id}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type="application/zip", headers=headers)


@router.get("/retention")
def list_retention_periods() -> list[schemas.Retention]:
    """How long each kind of personal data is kept, and what enforces it."""
    return retention.periods()


@router.get("/access")
def list_personal_data_access(
    db: TenantDb, principal: CurrentPrincipal, cursor: str | None = None
) -> Page[schemas.Access]:
    """Who was shown personal data, newest first."""
    return access_page.read(db, principal.shop_id, cursor=cursor)
