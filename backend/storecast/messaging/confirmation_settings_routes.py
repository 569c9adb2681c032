"""Whether people confirm a subscription by a link in a mail."""

from fastapi import APIRouter

from storecast.audit import service as audit
from storecast.shops import schemas, settings_page
from storecast.shops import service as shops
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/settings", tags=["settings"])


@router.put("/double-opt-in", dependencies=[require(Permission.MANAGE)])
def change_double_opt_in(
    body: schemas.DoubleOptInInput, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Settings:
    """Say whether files of contacts may ask people to confirm by mail. Who is subscribed stays so."""
    shops.set_double_opt_in(db, principal.shop_id, on=body.enabled)
    audit.record(
        db, principal.shop_id, principal.actor, "double_opt_in_changed", "settings", enabled=body.enabled
    )
    return settings_page.read(db, principal.shop_id)
