"""Orders of people who were erased: the figures count, and nothing leads to the person.

An order is one of those when it was at the erasure, or when its customer is an erased one; then it is marked itself, so
that its lines and later reports, which may name nobody, are known as well.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.orders.records import LINES, ORDERS, LineRecord, OrderRecord
from storecast.webhooks import erased


def strip(
    session: Session, shop_id: ShopId, order: OrderRecord, lines: Sequence[LineRecord]
) -> tuple[OrderRecord, Sequence[LineRecord]]:
    """The order and its lines, without the person if they were erased."""
    named = {order.gid, order.customer_gid} if order.customer_gid else {order.gid}
    if not erased.find(session, shop_id, named):
        return order, lines
    erased.mark(session, shop_id, [order.gid])
    order = order._replace(
        name="",
        customer_gid=None,
        email=None,
        cart_token=None,
        checkout_token=None,
        landing_site=None,
        journey=None,
    )
    return order, [line._replace(title="") for line in lines]


def strip_staged_orders(session: Session, shop_id: ShopId) -> None:
    """The same in the staging table."""
    found = erased.list_staged(session, shop_id, ORDERS.name, "gid", "customer_gid")
    if found:
        erased.mark(session, shop_id, found)
        session.execute(
            text(
                f"UPDATE {ORDERS.name} SET name = '', customer_gid = NULL, email = NULL, cart_token = NULL,"
                " checkout_token = NULL, landing_site = NULL, journey = NULL WHERE gid = ANY(:gids)"
            ),
            {"gids": found},
        )


def strip_staged_lines(session: Session, shop_id: ShopId) -> None:
    """The same of staged lines; they may hold a product that was made for somebody."""
    found = erased.list_staged(session, shop_id, LINES.name, "order_gid")
    if found:
        session.execute(text(f"UPDATE {LINES.name} SET title = '' WHERE gid = ANY(:gids)"), {"gids": found})
