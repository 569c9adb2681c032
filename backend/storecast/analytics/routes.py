"""The API of figures: home, analytics, and campaigns with what they brought."""

from typing import Annotated

from fastapi import APIRouter, Query

from storecast.analytics import home, service
from storecast.analytics.schemas import CampaignRow, Home, Overview, Recipient, Report
from storecast.audit import access
from storecast.campaigns.schemas import State
from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
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


@router.get("/campaigns")
def list_campaigns(
    db: TenantDb, principal: CurrentPrincipal, state: State | None = None, cursor: str | None = None
) -> Page[CampaignRow]:
    """Campaigns, newest first, with opens and clicks by people and attributed revenue."""
    return service.list_campaigns(db, principal.shop_id, state=state, cursor=cursor)


@router.get("/campaigns/{campaign_id}/report")
def read_report(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> Report:
    """What became of a campaign."""
    return service.report(db, principal.shop_id, campaign_id)


@router.get("/campaigns/{campaign_id}/recipients")
def list_recipients(
    campaign_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    state: str | None = None,
    cursor: str | None = None,
) -> Page[Recipient]:
    """The audience person by person."""
    page = service.list_recipients(db, principal.shop_id, campaign_id, state=state, cursor=cursor)
    access.note(db, principal.shop_id, principal.actor, "recipients", campaign_id, people=len(page.items))
    return page
