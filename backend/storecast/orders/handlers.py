"""Webhooks about orders, and the deletion and merging of customers, whom orders point at."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storecast.customers import service as customers
from storecast.customers import timeline
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.orders import service
from storecast.orders.webhook_payload import read_details, read_lines, read_order
from storecast.shopify.ids import find_gid, find_instant
from storecast.webhooks import erased, objects
from storecast.webhooks.registry import About, Delivery, Payload, on

timeline.contribute(service.timeline_of)


def _merged_away(payload: Payload) -> str | None:
    """The customer that a merge ended; None while it is not done, or when it failed."""
    gone = payload.get("admin_graphql_api_customer_deleted_id")
    return str(gone) if gone and str(payload.get("status")).lower() == "completed" else None


def _merged_into(payload: Payload) -> str | None:
    kept = payload.get("admin_graphql_api_customer_kept_id")
    return str(kept) if kept else None


@on(
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/cancelled",
    "orders/fulfilled",
    "orders/partially_fulfilled",
    about=About("Order"),
)
def take_order(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Take over the order and, when the shop does not have them yet, its customer.

    Whatever the topic, the payload is the whole order: what was paid, fulfilled or paid back stands in it.
    """
    order = read_order(delivery.payload)
    customer_gid = _make_customer_known(
        session, shop_id, order.customer_gid, delivery.payload.get("customer"), order.shopify_updated_at
    )
    order = order._replace(customer_gid=customer_gid)
    service.record(
        session, shop_id, order, read_lines(delivery.payload), read_details(delivery.payload, order)
    )


@on("customers/delete", about=About("Customer", ends=True))
def drop_customer(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Remove the customer; their orders stay."""
    customer_gid = find_gid("Customer", delivery.payload)
    if customer_gid is None:
        raise Permanent("a customer without id")
    service.forget_customer(session, shop_id, customer_gid)


@on("customers/merge", about=About("Customer", gid=_merged_away, ends=True, heir=_merged_into))
def merge_customers(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Hand the orders of the one customer to the other, when Shopify says that both are one now.

    Their profile, consent and tags after the merge come by the topics of these.
    """
    gone, kept = _merged_away(delivery.payload), _merged_into(delivery.payload)
    if gone is not None and kept is not None:
        service.merge_customers(session, shop_id, gone_gid=gone, kept_gid=kept)


@on("checkouts/create", "checkouts/update", about=About("AbandonedCheckout"))
def take_checkout(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Make the buyer known, whatever comes of the checkout."""
    buyer = delivery.payload.get("customer")
    at = find_instant(delivery.payload.get("updated_at")) or delivery.triggered_at
    if isinstance(buyer, dict) and at is not None:
        _make_customer_known(session, shop_id, find_gid("Customer", buyer), buyer, at)


@on("checkouts/delete", about=About("AbandonedCheckout", ends=True))
def drop_checkout(_session: Session, _shop_id: ShopId, _delivery: Delivery) -> None:
    """That it is gone is all that is kept of it: no late report brings it back."""


@on("orders/delete", about=About("Order", ends=True))
def drop_order(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Remove an order that the merchant deleted."""
    order_gid = find_gid("Order", delivery.payload)
    if order_gid is None:
        raise Permanent("an order without id")
    service.forget(session, shop_id, order_gid)


def _make_customer_known(
    session: Session, shop_id: ShopId, customer_gid: str | None, payload: Any, at: datetime
) -> str | None:
    """Make the order's customer if the shop lacks them; returns whose order it is, which a merge may have changed.

    One who was erased is not made; that the order was theirs makes it an anonymous one when it is recorded.
    """
    if customer_gid is None or customers.has_profile(session, shop_id, customer_gid):
        return customer_gid
    if erased.find(session, shop_id, [customer_gid]):
        return customer_gid
    gone = objects.find_gone(session, shop_id, [customer_gid])
    if customer_gid in gone:
        return gone[customer_gid] or customer_gid
    customers.record_copy(session, shop_id, customer_gid, payload if isinstance(payload, dict) else {}, at)
    return customer_gid
