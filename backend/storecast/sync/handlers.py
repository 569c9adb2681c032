"""Webhooks about the app itself and about bulk operations."""

from sqlalchemy.orm import Session

from storecast.jobs import departure
from storecast.kit.types import ShopId
from storecast.shopify.ids import find_instant
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
    if delivery.triggered_at and shops.was_here_after(session, shop_id, delivery.triggered_at):
        service.take_late_uninstall(session, shop_id, delivery.triggered_at)
        return
    service.cancel_open(session, shop_id)
    shops.uninstall(session, shop_id)
    departure.stop_everything(session, shop_id)


@on("app/scopes_update")
def take_scopes(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Switch features on and off at once; the job that asks Shopify settles what notices in disorder left open."""
    current, at = delivery.payload.get("current"), find_instant(delivery.payload.get("updated_at"))
    if isinstance(current, list) and all(isinstance(scope, str) for scope in current) and at is not None:
        shops.change_scopes(session, shop_id, current, at=at)
    service.refresh_shop(session, shop_id)


@on("shop/update")
def take_shop(session: Session, shop_id: ShopId, _delivery: Delivery) -> None:
    """Ask Shopify what is true now: payloads overtake one another, and nothing stored says which is the newer."""
    service.refresh_shop(session, shop_id)
