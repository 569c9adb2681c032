"""Composable queries over orders that facts, segments, analytics and privacy join."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Select, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from storecast.customers.behaviour import KEPT
from storecast.kit.types import ShopId
from storecast.orders.models import AbandonedCheckout, Order, OrderLine


def counted(shop_id: ShopId | BindParameter[int]) -> Select[*tuple[Any, ...]]:
    """The orders that count as purchases: neither tests nor cancelled.

    Columns: id, customer_id, name, placed_at, currency, paid_minor (total less refunds), checkout_token,
    discount_codes, client_id, journey, gid.
    """
    return select(
        Order.id,
        Order.customer_id,
        Order.name,
        Order.placed_at,
        Order.currency,
        (Order.total_minor - Order.refunded_minor).label("paid_minor"),
        Order.checkout_token,
        Order.discount_codes,
        Order.client_id,
        Order.journey,
        Order.gid,
    ).where(Order.shop_id == shop_id, Order.cancelled_at.is_(None), Order.test.is_(False))


def totals_by_customer(shop_id: ShopId) -> Select[Any]:
    """Per customer: orders_count, total_spent_minor, first_order_at, last_order_at and ordered_at, as facts need them.

    The last are the newest instants, the newest first.
    """
    return _totals(counted(shop_id).where(Order.customer_id.is_not(None)))


def _totals(orders: Select[Any]) -> Select[Any]:
    purchase = orders.subquery()
    return select(
        purchase.c.customer_id,
        func.count().label("orders_count"),
        func.sum(purchase.c.paid_minor).label("total_spent_minor"),
        func.min(purchase.c.placed_at).label("first_order_at"),
        func.max(purchase.c.placed_at).label("last_order_at"),
        func.array_agg(aggregate_order_by(purchase.c.placed_at, purchase.c.placed_at.desc()))[1:KEPT].label(
            "ordered_at"
        ),
    ).group_by(purchase.c.customer_id)


TOTALS_OF_SOME = _totals(
    counted(bindparam("shop_id", type_=BigInteger)).where(
        Order.customer_id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    )
)
"""The same of the customers :ids of the shop :shop_id, as a constant: orders come one by one, and to build and compile
it for each took longer than to run it."""


def with_products(shop_id: ShopId, product_gids: Select[str] | str) -> Select[int | None]:
    """The orders that hold one of the products: order_id, which is null while the order is not known."""
    wanted = OrderLine.product_gid
    return select(OrderLine.order_id).where(
        OrderLine.shop_id == shop_id,
        wanted == product_gids if isinstance(product_gids, str) else wanted.in_(product_gids),
    )


def versions(shop_id: ShopId, *, placed_since: datetime | None = None) -> Select[*tuple[Any, ...]]:
    """Every order by gid and ``version``, the instant of Shopify's last change."""
    query = select(Order.gid, Order.shopify_updated_at.label("version")).where(Order.shop_id == shop_id)
    return query if placed_since is None else query.where(Order.placed_at >= placed_since)


def checkout_versions(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """Every abandoned checkout, likewise."""
    return select(AbandonedCheckout.gid, AbandonedCheckout.shopify_updated_at.label("version")).where(
        AbandonedCheckout.shop_id == shop_id
    )


def bought_products(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """The lines of orders that count: order_id, customer_id, placed_at, product_gid, quantity."""
    orders = counted(shop_id).subquery("purchases")
    return (
        select(
            orders.c.id.label("order_id"),
            orders.c.customer_id,
            orders.c.placed_at,
            OrderLine.product_gid,
            OrderLine.quantity,
        )
        .join(orders, orders.c.id == OrderLine.order_id)
        .where(OrderLine.shop_id == shop_id, OrderLine.product_gid.is_not(None))
    )


def order_lines(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """Every line: order_id, id, product_gid, title, quantity, price_minor."""
    return select(
        OrderLine.order_id,
        OrderLine.id,
        OrderLine.product_gid,
        OrderLine.title,
        OrderLine.quantity,
        OrderLine.price_minor,
    ).where(OrderLine.shop_id == shop_id)


def open_checkouts(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """Checkouts that were begun and not paid: customer_gid, recovery_url, begun_at, total_minor, currency."""
    return select(
        AbandonedCheckout.customer_gid,
        AbandonedCheckout.recovery_url,
        AbandonedCheckout.begun_at,
        AbandonedCheckout.total_minor,
        AbandonedCheckout.currency,
    ).where(AbandonedCheckout.shop_id == shop_id, AbandonedCheckout.completed_at.is_(None))
