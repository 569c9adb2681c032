"""SQL of orders and their lines."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from storecast.db import staging
from storecast.db.staging import Upsert
from storecast.kit.types import ShopId
from storecast.orders.models import Order, OrderLine
from storecast.orders.records import LINES, ORDERS, LineRecord, OrderRecord

_MAY_BE_ABSENT = ("landing_site", "journey", "cart_token", "checkout_token")
"""One source says these, the other does not: what is known stays."""


_ORDERS = Upsert(
    "orders",
    inserted={
        "customer_id": "customers.id",
        **{column: f"newest.{column}" for column in ORDERS.columns},
        # JSON travels as text: COPY would make a JSON string of it.
        "journey": "CAST(newest.journey AS jsonb)",
    },
    changed={
        "customer_id": "EXCLUDED.customer_id",
        **{column: f"EXCLUDED.{column}" for column in ORDERS.columns if column != "gid"},
        **{column: f"coalesce(EXCLUDED.{column}, orders.{column})" for column in _MAY_BE_ABSENT},
    },
    guard="orders.shopify_updated_at <= EXCLUDED.shopify_updated_at",
)
_THEIR_CUSTOMERS = staging.stored("customers", {"gid": f"SELECT customer_gid FROM {ORDERS.name}"})
_UPSERT_STAGED = text(
    _ORDERS.many(ORDERS, f"LEFT JOIN {_THEIR_CUSTOMERS} ON customers.gid = newest.customer_gid")
)
_THEIR_CUSTOMER = staging.look_up("customers", {"gid": "newest.customer_gid"})
_UPSERT_ONE = text(f"{_ORDERS.few(f'{ORDERS.values()} AS newest {_THEIR_CUSTOMER}')} RETURNING orders.id")

# A bulk result shows its lines as they were when the operation began: those of an order that has changed since came
# by webhook and are newer. The parent of a line may not have been read yet.
_THEIR_ORDERS = staging.stored("orders", {"gid": f"SELECT order_gid FROM {LINES.name}"})
_UPSERT_LINES = text(
    Upsert(
        "order_lines",
        inserted={"order_id": "orders.id", **{column: f"newest.{column}" for column in LINES.columns}},
        changed={column: f"EXCLUDED.{column}" for column in ("order_id", *LINES.columns) if column != "gid"},
        touched=False,
    ).many(
        LINES,
        f"""LEFT JOIN {_THEIR_ORDERS} ON orders.gid = newest.order_gid
    WHERE orders.id IS NULL OR orders.shopify_updated_at <= coalesce(CAST(:as_of AS timestamptz), 'infinity')""",
    )
)

_DROP_LINES = text(f"""
    WITH shown AS MATERIALIZED (
      SELECT orders.id FROM {staging.stored("orders", {"gid": f"SELECT gid FROM {ORDERS.name}"})}
      JOIN {ORDERS.name} AS staged USING (gid) WHERE orders.shopify_updated_at <= staged.shopify_updated_at
    )
    DELETE FROM order_lines WHERE shop_id = :shop_id AND id = ANY (ARRAY(
      SELECT order_lines.id FROM {staging.stored("order_lines", {"order_id": "SELECT id FROM shown"})}
      WHERE order_lines.gid NOT IN (SELECT gid FROM {LINES.name})
    ))
""")

# Only orders that were there before this transaction, and show any line at all, can have lost one.
_LOST_LINES = text(f"""
    WITH shown AS MATERIALIZED (
      SELECT orders.id FROM {_THEIR_ORDERS} JOIN {ORDERS.name} AS staged USING (gid)
      WHERE orders.created_at < now() AND orders.shopify_updated_at <= staged.shopify_updated_at
    )
    SELECT order_lines.id FROM {staging.stored("order_lines", {"order_id": "SELECT id FROM shown"})}
    WHERE order_lines.gid NOT IN (SELECT gid FROM {LINES.name})
""")

_REPLACE_LINES = text(f"""
    WITH offered AS (
      SELECT * FROM unnest(
        CAST(:order_gid AS text[]), CAST(:gid AS text[]), CAST(:product_gid AS text[]), CAST(:variant_gid AS text[]),
        CAST(:title AS text[]), CAST(:quantity AS bigint[]), CAST(:price_minor AS bigint[])
      ) AS line ({", ".join(LINES.columns)})
    ), gone AS (
      DELETE FROM order_lines
      WHERE shop_id = :shop_id AND order_id = :order_id AND gid NOT IN (SELECT gid FROM offered)
    )
    INSERT INTO order_lines (shop_id, order_id, {", ".join(LINES.columns)})
    SELECT :shop_id, :order_id, {", ".join(LINES.columns)} FROM offered
    ON CONFLICT (shop_id, gid) DO UPDATE SET
      order_id = EXCLUDED.order_id,
      {", ".join(f"{column} = EXCLUDED.{column}" for column in LINES.columns if column != "gid")}
""")


_CUSTOMER_IDS = text(
    "SELECT customer_id FROM orders WHERE shop_id = :shop_id AND gid = ANY(:gids) AND customer_id IS NOT NULL"
)


def upsert_staged_orders(session: Session, shop_id: ShopId) -> int:
    """Carry the staged orders on; rows older than what is stored change nothing. Returns the rows written."""
    return staging.carry_on(session, _UPSERT_STAGED, {"shop_id": shop_id})


def upsert_staged_lines(session: Session, shop_id: ShopId, *, as_of: datetime | None) -> None:
    """Carry the staged lines on, except those of orders that changed after ``as_of``."""
    staging.carry_on(session, _UPSERT_LINES, {"shop_id": shop_id, "as_of": as_of})


def drop_lines_of_staged(session: Session, shop_id: ShopId) -> None:
    """Of the staged orders, unless a newer report is stored, drop the lines that are not staged."""
    session.execute(_DROP_LINES, {"shop_id": shop_id})


def list_lost_lines(session: Session, shop_id: ShopId) -> Sequence[int]:
    """Lines that are stored of orders with staged lines, unless a newer report is stored, and are not staged."""
    return session.scalars(_LOST_LINES, {"shop_id": shop_id}).all()


def drop_lines(session: Session, shop_id: ShopId, ids: Sequence[int]) -> None:
    session.execute(sql_delete(OrderLine).where(OrderLine.shop_id == shop_id, OrderLine.id.in_(ids)))


def list_written(session: Session, shop_id: ShopId) -> list[tuple[int, int | None]]:
    """Id and customer of the staged orders that this transaction has written."""
    found = session.execute(
        text(f"""
        SELECT orders.id, orders.customer_id FROM orders
        WHERE orders.shop_id = :shop_id AND orders.gid IN (SELECT gid FROM {ORDERS.name})
          AND orders.updated_at = now() ORDER BY orders.id
        """),
        {"shop_id": shop_id},
    )
    return [(row.id, row.customer_id) for row in found]


def upsert_one(session: Session, shop_id: ShopId, record: OrderRecord) -> int | None:
    """Write one order; its id when it was new or changed, None when what is stored is newer or the same."""
    written: int | None = session.scalar(_UPSERT_ONE, {"shop_id": shop_id, **record._asdict()})
    return written


def replace_lines(session: Session, shop_id: ShopId, order_id: int, lines: Sequence[LineRecord]) -> None:
    """Make these the lines of an order."""
    columns = {name: [getattr(line, name) for line in lines] for name in LINES.columns}
    session.execute(_REPLACE_LINES, {"shop_id": shop_id, "order_id": order_id, **columns})


def link(session: Session, shop_id: ShopId) -> None:
    """Tie orders to customers and lines to orders that were read after them."""
    session.execute(
        text("""
        UPDATE orders SET customer_id = customers.id FROM customers
        WHERE orders.shop_id = :shop_id AND orders.customer_id IS NULL AND orders.customer_gid IS NOT NULL
          AND customers.shop_id = :shop_id AND customers.gid = orders.customer_gid
        """),
        {"shop_id": shop_id},
    )
    session.execute(
        text("""
        UPDATE order_lines SET order_id = orders.id FROM orders
        WHERE order_lines.shop_id = :shop_id AND order_lines.order_id IS NULL
          AND orders.shop_id = :shop_id AND orders.gid = order_lines.order_gid
        """),
        {"shop_id": shop_id},
    )


def delete(session: Session, shop_id: ShopId, gid: str) -> None:
    session.execute(sql_delete(OrderLine).where(OrderLine.shop_id == shop_id, OrderLine.order_gid == gid))
    session.execute(sql_delete(Order).where(Order.shop_id == shop_id, Order.gid == gid))


def unlink_customer(session: Session, shop_id: ShopId, customer_id: int) -> None:
    session.execute(
        update(Order)
        .where(Order.shop_id == shop_id, Order.customer_id == customer_id)
        .values(customer_id=None)
        .execution_options(synchronize_session=False)
    )


def move_to_customer(
    session: Session, shop_id: ShopId, gid: str, *, kept_gid: str, kept_id: int | None
) -> None:
    """Make the orders of a customer another one's."""
    session.execute(
        update(Order)
        .where(Order.shop_id == shop_id, Order.customer_gid == gid)
        .values(customer_id=kept_id, customer_gid=kept_gid)
        .execution_options(synchronize_session=False)
    )


def updated_at(session: Session, shop_id: ShopId, gid: str) -> datetime | None:
    """When the order as it is stored was last changed at Shopify; None when the shop has none such."""
    return session.scalar(select(Order.shopify_updated_at).where(Order.shop_id == shop_id, Order.gid == gid))


def find(session: Session, shop_id: ShopId, order_id: int) -> Order | None:
    return session.scalar(select(Order).where(Order.shop_id == shop_id, Order.id == order_id))


def customer_ids(session: Session, shop_id: ShopId, gids: Collection[str]) -> set[int]:
    """The customers that the orders have now."""
    return set(session.scalars(_CUSTOMER_IDS, {"shop_id": shop_id, "gids": list(gids)}))


def list_of_customer(session: Session, shop_id: ShopId, customer_id: int, limit: int) -> Sequence[Order]:
    return session.scalars(
        select(Order)
        .where(Order.shop_id == shop_id, Order.customer_id == customer_id)
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(limit)
    ).all()


def count(session: Session, shop_id: ShopId) -> int:
    return session.scalar(select(func.count()).where(Order.shop_id == shop_id)) or 0
