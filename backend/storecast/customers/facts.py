"""SQL that turns order totals into `customer_facts`, scores for recency, frequency and monetary value included.

Everything is one statement over a set of customers, the whole shop or a few, and writes only rows that change.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    Update,
    all_,
    any_,
    bindparam,
    case,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.orm import Session, aliased

from storecast.customers.models import Customer, CustomerFacts
from storecast.db.planning import planned
from storecast.kit.types import ShopId

_SHOP: BindParameter[int] = bindparam("shop_id", type_=BigInteger)
_IDS: BindParameter[Any] = bindparam("ids", type_=ARRAY(BigInteger))

FIFTHS = 5
FREQUENCY_BREAKS = ((10, 5), (5, 4), (3, 3), (2, 2), (1, 1))
"""Orders from which on a customer has the score. Fixed, so that a score says the same in every shop."""

_COLUMNS = (
    "orders_count",
    "total_spent_minor",
    "average_order_minor",
    "first_order_at",
    "last_order_at",
    "ordered_at",
    "rfm_recency",
    "rfm_frequency",
    "rfm_monetary",
)


_HOLD = text("""
    SELECT customer_id FROM customer_facts WHERE shop_id = :shop_id AND customer_id = ANY(:ids)
     ORDER BY customer_id FOR NO KEY UPDATE
""")


def hold(session: Session, shop_id: ShopId, ids: Collection[int]) -> None:
    """Lock facts in the order of their keys, as orders, events and sendings all do: nobody deadlocks."""
    if len(ids) > 1:
        session.execute(_HOLD, {"shop_id": shop_id, "ids": list(ids)})


# After a first sync nothing is known of the tables yet, and a loop over all customers for each customer looks cheap.
_JOINED_BY_HASH = {"enable_nestloop": "off"}


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
    with planned(session, _JOINED_BY_HASH):
        session.execute(
            _update(source.outerjoin_from(base, buyers, buyers.c.customer_id == base.c.customer_id))
        )


def write_some(session: Session, shop_id: ShopId, totals: Select[Any], ids: Sequence[int]) -> None:
    """Recompute the facts of a few customers.

    Each is placed among the others' scores: theirs is that of the nearest one not above them, an index probe
    instead of a sort of the shop. The next `write_all` puts the fifths right again.
    """
    hold(session, shop_id, ids)
    statement, parameters = _some(totals)
    session.connection().exec_driver_sql(statement, {**parameters, "shop_id": shop_id, "ids": ids})


@lru_cache(maxsize=4)
def _some(totals: Select[Any]) -> tuple[str, dict[str, Any]]:
    """The statement of `write_some` as text, and its constants: each order needs it, and to build it costs most."""
    base = _base(_SHOP, totals).where(Customer.id == any_(_IDS)).cte("base")
    recency = _nearest(base, "last_order_at", "rfm_recency")
    monetary = _nearest(base, "total_spent_minor", "rfm_monetary")
    made = _update(_selected(base, recency, monetary)).compile(dialect=psycopg.dialect())  # type: ignore[no-untyped-call]
    return made.string, made.params


def _base(shop_id: ShopId | BindParameter[int], totals: Select[Any]) -> Select[Any]:
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
            per_customer.c.ordered_at,
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


def _nearest(base: CTE, measure: str, score: str) -> ColumnElement[Any]:
    other = aliased(CustomerFacts)
    measured, scored = getattr(other, measure), getattr(other, score)
    nearest: ScalarSelect[Any] = (
        select(scored)
        .where(
            other.shop_id == _SHOP,
            measured <= base.c[measure],
            scored.is_not(None),
            other.customer_id != all_(_IDS),
        )
        .order_by(measured.desc(), other.customer_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(nearest, literal(1))


def _update(source: Select[Any]) -> Update:
    given = source.subquery("given")
    offered = [given.c[name] for name in _COLUMNS]
    stored = [getattr(CustomerFacts, name) for name in _COLUMNS]
    return (
        update(CustomerFacts)
        .where(
            CustomerFacts.customer_id == given.c.customer_id,
            tuple_(*stored).is_distinct_from(tuple_(*offered)),
        )
        .values(dict(zip(_COLUMNS, offered, strict=True)) | {"updated_at": func.now()})
        .execution_options(synchronize_session=False)
    )
