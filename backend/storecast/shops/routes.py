"""Settings of a shop."""

from functools import partial

from fastapi import APIRouter

from storecast.db.session import tenant_session
from storecast.shops import pixel, schemas, service, settings_page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/settings", tags=["settings"])


@router.get("", dependencies=[require(Permission.READ)])
def read_settings(db: TenantDb, principal: CurrentPrincipal) -> schemas.Settings:
    """Store, scopes, token, pixel, sender, attribution and webhooks at a glance."""
    return settings_page.read(db, principal.shop_id)


@router.put("/sender", dependencies=[require(Permission.MANAGE)])
def change_sender(body: schemas.SenderInput, db: TenantDb, principal: CurrentPrincipal) -> schemas.Settings:
    """Set who campaigns come from by default."""
    service.set_sender(db, principal.shop_id, name=body.name, email=body.email)
    return settings_page.read(db, principal.shop_id)


@router.post("/pixel/activate", dependencies=[require(Permission.MANAGE)])
def activate_pixel(principal: CurrentPrincipal) -> schemas.PixelSettings:
    """Create or update the storefront pixel now; a refusal by Shopify shows as state ``error``."""
    shop = pixel.activate(partial(tenant_session, principal.shop_id), principal.shop_id)
    return settings_page.pixel(shop)
