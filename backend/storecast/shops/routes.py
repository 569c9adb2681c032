"""Settings of a shop."""

from collections.abc import Callable
from functools import partial

from fastapi import APIRouter

from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shopify.shop import fetch_profile
from storecast.shops import pixel, schemas, service, settings_page, tokens
from storecast.shops.access import CurrentPrincipal, Permission, Principal, TenantDb, require
from storecast.shops.models import Shop
from storecast.shops.unit_of_work import UnitOfWork

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


@router.get("/scopes", dependencies=[require(Permission.READ)])
def read_scopes(db: TenantDb, principal: CurrentPrincipal) -> schemas.FeatureList:
    """Which feature needs which access scopes, and whether the store has granted them.

    Inside the Shopify admin the missing ones are asked for with App Bridge (`shopify.scopes.request`); elsewhere
    `admin_url` leads there.
    """
    return settings_page.feature_list(db, principal.shop_id)


@router.post("/scopes/refresh", dependencies=[require(Permission.MANAGE)])
def refresh_scopes(principal: CurrentPrincipal) -> schemas.FeatureList:
    """Ask Shopify now what the store has granted: the webhook that says so may take a while.

    Doing it again changes nothing.
    """
    unit_of_work = partial(tenant_session, principal.shop_id)
    profile = fetch_profile(tokens.admin_client(unit_of_work, principal.shop_id))
    with unit_of_work() as session:
        service.refresh_profile(session, principal.shop_id, profile)
        return settings_page.feature_list(session, principal.shop_id)


@router.post("/pixel/activate", dependencies=[require(Permission.MANAGE)])
def activate_pixel(principal: CurrentPrincipal) -> schemas.PixelSettings:
    """Create or update the storefront pixel now; a refusal by Shopify shows as state ``error`` with its reason.

    Doing it again changes nothing.
    """
    return _after(principal, pixel.activate)


@router.post("/pixel/check", dependencies=[require(Permission.MANAGE)])
def check_pixel(principal: CurrentPrincipal) -> schemas.PixelSettings:
    """Compare the pixel at Shopify with what it should be, and correct it. One that is switched off stays off.

    Doing it again changes nothing.
    """
    return _after(principal, pixel.maintain)


@router.post("/pixel/deactivate", dependencies=[require(Permission.MANAGE)])
def deactivate_pixel(principal: CurrentPrincipal) -> schemas.PixelSettings:
    """Take the pixel off the storefront until somebody activates it again. Doing it again changes nothing."""
    return _after(principal, pixel.deactivate)


def _after(principal: Principal, act: Callable[[UnitOfWork, ShopId], Shop]) -> schemas.PixelSettings:
    unit_of_work = partial(tenant_session, principal.shop_id)
    act(unit_of_work, principal.shop_id)
    with unit_of_work() as session:
        return settings_page.pixel_of(session, principal.shop_id)
