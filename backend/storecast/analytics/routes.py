"""The API of figures: home, analytics, and (in `report_routes`) campaigns with what they brought."""

from typing import Annotated

from fastapi import APIRouter, Query

from storecast.analytics import home, report_routes, service
from storecast.analytics.schemas import Home, Overview
from storecast.kit.clock import utcnow
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(tags=["analytics"], dependencies=[require(Permission.READ)])

Days = Annotated[int, Query(ge=1, le=366)]


@router.get("/home")
def read_home(db: TenantDb, principal: CurrentPrincipal) -> Home:
    """What campaigns earned in the last 30 days, what waits for the merchant, and how the store stands."""
    return home.read(db, principal.shop_id, now=utcnow())


@router.get("/analytics/overview")
def read_overview(db: TenantDb, principal: CurrentPrincipal, days: Days = 30) -> Overview:
    """Revenue, its attributed share and the storefront's funnel, in days of the shop's time zone."""
    return service.overview(db, principal.shop_id, days=days, now=utcnow())


router.routes.extend(report_routes.router.routes)
