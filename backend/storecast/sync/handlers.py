"""Webhooks about the app itself and about bulk operations, and those that say less than has to be known.

The latter name an order, a collection or a segment that something happened to; Shopify is asked for the rest.
"""

from typing import Any

from sqlalchemy.orm import Session

from storecast.customers import shopify_segments
from storecast.jobs import departure
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.products import service as products
from storecast.shopify.ids import find_gid, find_instant, gid
from storecast.shops import service as shops
from storecast.sync import catch_up, operations, service
from storecast.sync.jobs import RefreshObject
from storecast.webhooks.registry import About, Delivery, on
from storecast.worker import outbox


@on("bulk_operations/finish")
def take_finished_operation(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Look at the run at once; the payload names the operation but not its result."""
    operation_gid = delivery.payload.get("admin_graphql_api_id")
    if isinstance(operation_gid, str):
        operations.wake(session, shop_id, operation_gid)


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


@on("collections/create", "collections/update", about=About("Collection"))
def take_collection(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """The payload does not say which products stand in it: ask Shopify."""
    outbox.add(session, shop_id, RefreshObject("collections", _named("Collection", delivery)))


@on("collections/delete", about=About("Collection", ends=True))
def drop_collection(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Remove the collection; its products stay."""
    products.forget_collection(session, shop_id, _named("Collection", delivery))


@on("segments/create", "segments/update", about=About("Segment"))
def take_segment(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Ask Shopify for the name and the query of a segment that the merchant keeps there."""
    outbox.add(session, shop_id, RefreshObject("segments", _named("Segment", delivery)))


@on("segments/delete", about=About("Segment", ends=True))
def drop_segment(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Remove the segment."""
    shopify_segments.forget(session, shop_id, _named("Segment", delivery))


@on("shop/update")
def take_shop(session: Session, shop_id: ShopId, _delivery: Delivery) -> None:
    """Ask Shopify what is true now: payloads overtake one another, and nothing stored says which is the newer."""
    service.refresh_shop(session, shop_id)


@on("orders/edited")
def take_edit(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """The payload names the lines that changed, `orders/updated` the order that came of it."""
    edit = delivery.payload.get("order_edit") or {}
    _expect_order(session, shop_id, delivery, edit, edit.get("committed_at") or edit.get("created_at"))


@on("refunds/create", "order_transactions/create")
def take_money(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Amounts and status stand in the order, which a payment or a refund changes."""
    payload = delivery.payload
    _expect_order(
        session, shop_id, delivery, payload, payload.get("processed_at") or payload.get("created_at")
    )


@on("fulfillments/create", "fulfillments/update")
def take_fulfillment(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """How far an order is on its way stands in the order."""
    _expect_order(session, shop_id, delivery, delivery.payload, delivery.payload.get("updated_at"))


def _named(kind: str, delivery: Delivery) -> str:
    gid = find_gid(kind, delivery.payload)
    if gid is None:
        raise Permanent(f"{delivery.topic} without an id")
    return gid


def _expect_order(
    session: Session, shop_id: ShopId, delivery: Delivery, payload: dict[str, Any], changed: object
) -> None:
    changed_at = find_instant(changed) or delivery.triggered_at
    if not payload.get("order_id") or changed_at is None:
        raise Permanent(f"{delivery.topic} without order or instant")
    catch_up.expect(session, shop_id, gid("Order", payload["order_id"]), changed_at, now=utcnow())
