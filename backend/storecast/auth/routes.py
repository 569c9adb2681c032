"""The session of a request."""

from fastapi import APIRouter

from storecast.auth import schemas
from storecast.shops import service as shops
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(tags=["session"])


@router.get("/session", dependencies=[require(Permission.READ)])
def read_session(db: TenantDb, principal: CurrentPrincipal) -> schemas.Session:
    """Who is signed in, in which store, with which permissions."""
    shop = shops.get(db, principal.shop_id)
    return schemas.Session(
        shop=schemas.SessionShop.model_validate(shop, from_attributes=True),
        user=schemas.SessionUser(
            id=principal.user_id, name=principal.name, email=principal.email, role=principal.role
        ),
        door=principal.door,
        permissions=sorted(permission.value for permission in principal.permissions),
    )
