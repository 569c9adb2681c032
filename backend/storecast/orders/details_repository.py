"""SQL of what hangs on orders: transactions, refunds and fulfilments.

They come inside their order, so that its version guards them: what an order older than the stored one shows is not
taken, and what the stored version does not show any more goes.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.db.staging import Staging, Upsert, carry_on, look_up, stored
from storecast.kit.types import ShopId
from storecast.orders.models import OrderFulfillment, OrderRefund, OrderTransaction
from storecast.orders.records import FULFILLMENTS, ORDERS, REFUNDS, TRANSACTIONS, OrderDetails

_Model = type[OrderTransaction] | type[OrderRefund] | type[OrderFulfillment]

_TABLES: tuple[tuple[Staging, _Model], ...] = (
    (TRANSACTIONS, OrderTransaction),
    (REFUNDS, OrderRefund),
    (FULFILLMENTS, OrderFulfillment),
)


def _upsert(table: str, staging: Staging) -> Upsert:
    columns = [column for column in staging.columns if column != "order_updated_at"]
    return Upsert(
        table,
        inserted={column: f"newest.{column}" for column in columns},
        changed={column: f"EXCLUDED.{column}" for column in columns if column != "gid"},
        touched=False,
    )


_VERSION = "orders.shopify_updated_at = newest.order_updated_at"
_OF_STORED_VERSION = f"{look_up('orders', {'gid': 'newest.order_gid'})} WHERE {_VERSION}"


def _of_stored_versions(staging: Staging) -> str:
    orders = stored("orders", {"gid": f"SELECT order_gid FROM {staging.name}"})
    return f"JOIN {orders} ON orders.gid = newest.order_gid AND {_VERSION}"


def _drop_absent(table: str, staging: Staging) -> str:
    # Mostly there is none, and then no version is asked for.
    return f"""
    WITH absent AS MATERIALIZED (
      SELECT {table}.id, {table}.order_gid
      FROM {stored(table, {"order_gid": f"SELECT gid FROM {ORDERS.name}"})}
      WHERE {table}.gid NOT IN (SELECT gid FROM {staging.name})
    )
    DELETE FROM {table} WHERE shop_id = :shop_id AND id = ANY (ARRAY(
      SELECT absent.id FROM absent JOIN {ORDERS.name} AS staged ON staged.gid = absent.order_gid
      JOIN {stored("orders", {"gid": "SELECT order_gid FROM absent"})} ON orders.gid = staged.gid
      WHERE orders.shopify_updated_at = staged.shopify_updated_at
    ))
    """


def _given(staging: Staging) -> str:
    arrays = ", ".join(f"CAST(:{column} AS {kind}[])" for column, kind in staging.columns.items())
    given = f"unnest({arrays}) WITH ORDINALITY AS given ({', '.join(staging.columns)}, n)"
    newest = "ORDER BY gid, order_updated_at DESC, n DESC"
    return f"(SELECT DISTINCT ON (gid) * FROM {given} {newest}) AS newest"


_STAGED = [
    (
        text(_upsert(model.__tablename__, staging).many(staging, _of_stored_versions(staging))),
        text(_drop_absent(model.__tablename__, staging)),
    )
    for staging, model in _TABLES
]
_GIVEN = [
    text(_upsert(model.__tablename__, staging).few(f"{_given(staging)} {_OF_STORED_VERSION}"))
    for staging, model in _TABLES
]


_DROP_OTHERS = {
    model: text(
        f"DELETE FROM {model.__tablename__} WHERE shop_id = :shop_id AND order_gid = :order_gid AND gid <> ALL(:gids)"
    )
    for _staging, model in _TABLES
}


def upsert_staged(session: Session, shop_id: ShopId, details: OrderDetails) -> None:
    """Carry on what the staged orders showed; call it after the orders have been written."""
    for (staging, _), rows, (upsert, drop) in zip(_TABLES, _lists(details), _STAGED, strict=True):
        staging.fill(session, rows)
        session.execute(drop, {"shop_id": shop_id})
        if rows:
            carry_on(session, upsert, {"shop_id": shop_id})


def replace(session: Session, shop_id: ShopId, order_gid: str, details: OrderDetails) -> None:
    """Make these the transactions, refunds and fulfilments of one order that has just been written."""
    for (staging, model), rows, upsert in zip(_TABLES, _lists(details), _GIVEN, strict=True):
        if model is not OrderTransaction or details.all_transactions:
            kept = [row.gid for row in rows]
            session.execute(_DROP_OTHERS[model], {"shop_id": shop_id, "order_gid": order_gid, "gids": kept})
        if rows:
            columns = {name: [getattr(row, name) for row in rows] for name in staging.columns}
            session.execute(upsert, {"shop_id": shop_id, **columns})


def delete(session: Session, shop_id: ShopId, order_gid: str) -> None:
    for _, model in _TABLES:
        session.execute(sql_delete(model).where(model.shop_id == shop_id, model.order_gid == order_gid))


def _lists(details: OrderDetails) -> tuple[Sequence[Any], ...]:
    return details.transactions, details.refunds, details.fulfillments
