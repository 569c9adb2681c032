"""The shop's look: colours, font, logo and postal address of its messages."""

from dataclasses import replace

from fastapi import APIRouter

from storecast.messaging import schemas, service
from storecast.messaging.brand import Brand
from storecast.messaging.gallery import BY_KEY, sample
from storecast.shops import service as shops
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/brand", tags=["templates"])

_SHOWN = BY_KEY["welcome-favourites"]
"""A message with everything that the look touches: logo, colours, text, buttons, products, the footer's address."""


@router.get("", dependencies=[require(Permission.READ)])
def read_brand(db: TenantDb, principal: CurrentPrincipal) -> schemas.BrandKit:
    """The look, with what stands in for what nobody has set."""
    return schemas.BrandKit.model_validate(service.brand_of(db, principal.shop_id), from_attributes=True)


@router.put("", dependencies=[require(Permission.EDIT)])
def change_brand(body: schemas.BrandKit, db: TenantDb, principal: CurrentPrincipal) -> schemas.BrandKit:
    """Set the whole look; drafts show it at once, messages that are being sent keep theirs."""
    service.set_brand(db, principal.shop_id, body, actor=principal.actor)
    return schemas.BrandKit.model_validate(service.brand_of(db, principal.shop_id), from_attributes=True)


@router.post("/picture", dependencies=[require(Permission.READ)])
def picture_brand(
    body: schemas.BrandKit, db: TenantDb, principal: CurrentPrincipal
) -> schemas.TemplatePicture:
    """What a message would look like with this look. Nothing is stored."""
    shop = service.shop_facts(db, shops.get(db, principal.shop_id))
    brand = Brand(body.accent, body.background, body.font, body.logo_url, body.address)
    return schemas.TemplatePicture(html=sample.picture(_SHOWN.html, replace(shop, brand=brand)))
