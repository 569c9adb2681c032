"""Webhooks about the app itself and about bulk operations."""

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.shopify.shop import ShopProfile
from storecast.shops import service as shops
from storecast.sync import service
from storecast.webhooks.registry import Delivery, on


@on("bulk_operations/finish")
def take_finished_operation(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Look at the run at once; the payload names the operation but not its result."""
    gid = delivery.payload.get("admin_graphql_api_id")
    if isinstance(gid, str):
        service.wake(session, shop_id, gid)


@on("app/uninstalled")
def take_uninstall(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Forget the tokens and stop what runs, unless the shop has been installed again since."""
    installed_at = shops.get(session, shop_id).installed_at
    if delivery.triggered_at and installed_at and delivery.triggered_at < installed_at:
        return
    service.cancel_open(session, shop_id)
    shops.uninstall(session, shop_id)


@on("app/scopes_update")
def take_scopes(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Record what the merchant has granted."""
    current = delivery.payload.get("current")
    if isinstance(current, list):
        shops.change_scopes(session, shop_id, [str(scope) for scope in current])


@on("shop/update")
def take_shop(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Take over the settings that the merchant has changed."""
    payload, shop = delivery.payload, shops.get(session, shop_id)
    profile = ShopProfile(
        name=str(payload.get("name") or shop.name),
        email=payload.get("customer_email") or payload.get("email") or shop.email,
        currency=str(payload.get("currency") or shop.currency),
        timezone=str(payload.get("iana_timezone") or shop.timezone),
        plan=payload.get("plan_display_name") or shop.plan,
        # The payload names a host without its scheme, and not always the primary one: the next sync reads it.
        storefront_url=shop.storefront_url,
        scopes=(),
    )
    shops.refresh_profile(session, shop_id, profile)
