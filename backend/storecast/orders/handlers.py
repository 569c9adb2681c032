"""Webhooks about orders, and the deletion of customers, whom orders point at."""

from typing import Any

from sqlalchemy.orm import Session

from storecast.customers import service as customers
from storecast.customers import timeline
from storecast.customers.records import record_from_webhook
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.orders import service
from storecast.orders.webhook_payload import read_details, read_lines, read_order
from storecast.shopify.ids import find_gid
from storecast.webhooks.registry import Delivery, on

timeline.contribute(service.timeline_of)


@on("orders/create", "orders/updated", "orders/cancelled")
def take_order(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Take over the order and, when the shop does not have them yet, its customer."""
    order = read_order(delivery.payload)
    _make_customer_known(session, shop_id, order.customer_gid, delivery.payload.get("customer"))
    service.record(
        session, shop_id, order, read_lines(delivery.payload), read_details(delivery.payload, order)
    )


@on("customers/delete")
def drop_customer(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Remove the customer; their orders stay."""
    customer_gid = find_gid("Customer", delivery.payload)
    if customer_gid is None:
        raise Permanent("a customer without id")
    service.forget_customer(session, shop_id, customer_gid)


@on("orders/delete")
def drop_order(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Remove an order that the merchant deleted."""
    order_gid = find_gid("Order", delivery.payload)
    if order_gid is None:
        raise Permanent("an order without id")
    service.forget(session, shop_id, order_gid)


def _make_customer_known(session: Session, shop_id: ShopId, customer_gid: str | None, payload: Any) -> None:
    # The order's copy of the customer may be a shortened one: it makes a missing customer, never changes one.
    if customer_gid is None or customers.ids_by_gid(session, shop_id, [customer_gid]):
        return
    payload = payload if isinstance(payload, dict) else {}
    # Without an instant of its own it is the oldest report there can be.
    customers.record_profile(
        session,
        shop_id,
        record_from_webhook(
            {**payload, "admin_graphql_api_id": customer_gid, "updated_at": "1970-01-01T00:00:00+00:00"}
        ),
    )
