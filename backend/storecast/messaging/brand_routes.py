"""The shop's look: colours, font, logo and postal address of its messages."""

from fastapi import APIRouter

from storecast.messaging import schemas, service
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/brand", tags=["templates"])


@router.get("", dependencies=[require(Permission.READ)])
def read_brand(db: TenantDb, principal: CurrentPrincipal) -> schemas.BrandKit:
    """The look, with what stands in for what nobody has set."""
    return schemas.BrandKit.model_validate(service.brand_of(db, principal.shop_id), from_attributes=True)


@router.put("", dependencies=[require(Permission.EDIT)])
def change_brand(body: schemas.BrandKit, db: TenantDb, principal: CurrentPrincipal) -> schemas.BrandKit:
    """Set the whole look; drafts show it at once, messages that are being sent keep theirs."""
    service.set_brand(db, principal.shop_id, body, actor=principal.actor)
    return schemas.BrandKit.model_validate(service.brand_of(db, principal.shop_id), from_attributes=True)
