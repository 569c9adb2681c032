"""The API of tasks: what goes on in one shop, in plain terms."""

from fastapi import APIRouter

from storecast.jobs import merchant
from storecast.jobs.schemas import Tasks
from storecast.kit.clock import utcnow
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/tasks", tags=["tasks"])


@router.get("", dependencies=[require(Permission.READ)])
def get_tasks(db: TenantDb, principal: CurrentPrincipal) -> Tasks:
    """What runs in the shop, what needs somebody, what ended lately, and when each kind last went well."""
    may_retry = Permission.OPERATE in principal.permissions
    return merchant.get_tasks(db, principal.shop_id, may_retry=may_retry, now=utcnow())
