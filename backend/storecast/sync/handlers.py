"""Webhooks about the app itself and about bulk operations."""

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.sync import operations, service
from storecast.webhooks.registry import Delivery, on


@on("bulk_operations/finish")
def take_finished_operation(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Look at the run at once; the payload names the operation but not its result."""
    gid = delivery.payload.get("admin_graphql_api_id")
    if isinstance(gid, str):
        operations.wake(session, shop_id, gid)


@on("app/uninstalled")
def take_uninstall(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Forget the tokens and stop what runs, unless the shop has been installed again since."""
    installed_at = shops.get(session, shop_id).installed_at
    if delivery.triggered_at and installed_at and delivery.triggered_at < installed_at:
        return
    service.cancel_open(session, shop_id)
    shops.uninstall(session, shop_id)


@on("app/scopes_update", "shop/update")
def take_shop(session: Session, shop_id: ShopId, _delivery: Delivery) -> None:
    """Ask Shopify what is true now: payloads overtake one another, and nothing stored says which is the newer."""
    service.refresh_shop(session, shop_id)
