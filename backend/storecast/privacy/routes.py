"""The API of privacy requests, for those who have to answer them."""

from fastapi import APIRouter

from storecast.kit.pages import Page
from storecast.privacy import service
from storecast.privacy.schemas import PrivacyRequestDetail, PrivacyRequestRow
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/privacy/requests", tags=["privacy"], dependencies=[require(Permission.MANAGE)])


@router.get("")
def list_privacy_requests(
    db: TenantDb, principal: CurrentPrincipal, cursor: str | None = None
) -> Page[PrivacyRequestRow]:
    """Requests of customers, newest first."""
    return service.list_page(db, principal.shop_id, cursor=cursor)


@router.get("/{request_id}")
def read_privacy_request(request_id: int, db: TenantDb, principal: CurrentPrincipal) -> PrivacyRequestDetail:
    """A request; for a data request with everything that is stored of the customer."""
    return service.get(db, principal.shop_id, request_id)
