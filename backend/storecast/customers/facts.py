"""SQL that turns order totals into `customer_facts`, scores for recency, frequency and monetary value included.

Everything is one statement over a set of customers, the whole shop or a few, and writes only rows that change.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, ScalarSelect, Select, case, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from storecast.customers.models import Customer, CustomerFacts
from storecast.kit.types import ShopId

FIFTHS = 5
FREQUENCY_BREAKS = ((10, 5), (5, 4), (3, 3), (2, 2), (1, 1))
"""Orders from which on a customer has the score. Fixed, so that a score says the same in every shop."""

_COLUMNS = (
    "orders_count",
    "total_spent_minor",
    "average_order_minor",
    "first_order_at",
    "last_order_at",
    "rfm_recency",
    "rfm_frequency",
    "rfm_monetary",
)


def write_all(session: Session, shop_id: ShopId, totals: Select[Any]) -> None:
    """Recompute the facts of every customer of the shop; scores are fifths of those who have ordered.

    Ties are broken by id: scoring the same orders twice gives the same scores.
    """
    base = _base(shop_id, totals).cte("base")
    buyers = (
        select(
            base.c.customer_id,
            func.ntile(FIFTHS).over(order_by=(base.c.last_order_at, base.c.customer_id)).label("rfm_recency"),
            func.ntile(FIFTHS)
            .over(order_by=(base.c.total_spent_minor, base.c.customer_id))
            .label("rfm_monetary"),
        )
        .where(base.c.orders_count > 0)
        .cte("buyers")
    )
    source = _selected(base, buyers.c.rfm_recency, buyers.c.rfm_monetary)
    _write(session, source.outerjoin_from(base, buyers, buyers.c.customer_id == base.c.customer_id))


def write_some(session: Session, shop_id: ShopId, totals: Select[Any], ids: Sequence[int]) -> None:
    """Recompute the facts of a few customers.

    Each is placed among the others' scores: theirs is that of the nearest one not above them, an index probe
    instead of a sort of the shop. The next `write_all` puts the fifths right again.
    """
    base = _base(shop_id, totals).where(Customer.id.in_(ids)).cte("base")
    recency = _nearest(shop_id, base, "last_order_at", "rfm_recency", ids)
    monetary = _nearest(shop_id, base, "total_spent_minor", "rfm_monetary", ids)
    _write(session, _selected(base, recency, monetary))


def _base(shop_id: ShopId, totals: Select[Any]) -> Select[Any]:
    per_customer = totals.subquery()
    orders = func.coalesce(per_customer.c.orders_count, 0)
    spent = func.coalesce(per_customer.c.total_spent_minor, 0)
    return (
        select(
            Customer.shop_id,
            Customer.id.label("customer_id"),
            orders.label("orders_count"),
            spent.label("total_spent_minor"),
            case((orders > 0, func.round(spent / func.nullif(orders, 0))), else_=0).label(
                "average_order_minor"
            ),
            per_customer.c.first_order_at,
            per_customer.c.last_order_at,
        )
        .outerjoin(per_customer, per_customer.c.customer_id == Customer.id)
        .where(Customer.shop_id == shop_id)
    )


def _selected(base: CTE, recency: ColumnElement[Any], monetary: ColumnElement[Any]) -> Select[Any]:
    frequency = case(*[(base.c.orders_count >= orders, score) for orders, score in FREQUENCY_BREAKS])
    ordered = base.c.orders_count > 0
    return select(
        *base.c,
        case((ordered, recency)).label("rfm_recency"),
        frequency.label("rfm_frequency"),
        case((ordered, monetary)).label("rfm_monetary"),
    )


def _nearest(shop_id: ShopId, base: CTE, measure: str, score: str, ids: Sequence[int]) -> ColumnElement[Any]:
    other = aliased(CustomerFacts)
    measured, scored = getattr(other, measure), getattr(other, score)
    nearest: ScalarSelect[Any] = (
        select(scored)
        .where(
            other.shop_id == shop_id,
            measured <= base.c[measure],
            scored.is_not(None),
            other.customer_id.not_in(ids),
        )
        .order_by(measured.desc(), other.customer_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(nearest, literal(1))


def _write(session: Session, source: Select[Any]) -> None:
    columns = ["shop_id", "customer_id", *_COLUMNS]
    statement = insert(CustomerFacts).from_select(columns, source)
    offered = [statement.excluded[name] for name in _COLUMNS]
    stored = [getattr(CustomerFacts, name) for name in _COLUMNS]
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["customer_id"],
            set_={name: statement.excluded[name] for name in _COLUMNS} | {"updated_at": func.now()},
            where=tuple_(*stored).is_distinct_from(tuple_(*offered)),
        )
    )
