"""The API of the fleet."""

from fastapi import APIRouter

from storecast.fleet import service
from storecast.fleet.schemas import Workers
from storecast.kit.clock import utcnow
from storecast.shops.access import Permission, TenantDb, require

router = APIRouter(tags=["workers"])


@router.get("/workers", dependencies=[require(Permission.READ)])
def get_workers(session: TenantDb) -> Workers:
    """The processes that do the work, those in trouble first."""
    return service.list_workers(session, now=utcnow())
