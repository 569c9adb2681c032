"""Everything that a synchronisation writes, as rows to compare: without keys and instants of our own making."""

from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerFacts, ShopifySegment
from storecast.db.base import Base
from storecast.orders.models import (
    AbandonedCheckout,
    Order,
    OrderFulfillment,
    OrderLine,
    OrderRefund,
    OrderTransaction,
)
from storecast.products.models import Collection, CollectionProduct, Product, ProductVariant

TABLES: tuple[type[Base], ...] = (
    Customer,
    Product,
    ProductVariant,
    Collection,
    CollectionProduct,
    Order,
    OrderLine,
    OrderTransaction,
    OrderRefund,
    OrderFulfillment,
    AbandonedCheckout,
    ShopifySegment,
)
OURS = {"id", "public_id", "created_at", "updated_at", "seen_at", "customer_id", "order_id", "product_id"}


def take(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table, in one order."""
    return {str(model.__tablename__): _rows(session, model) for model in TABLES}


def wipe(session: Session) -> None:
    """As before the first synchronisation."""
    session.execute(delete(CustomerFacts))
    for model in TABLES:
        session.execute(delete(model))


def _rows(session: Session, model: type[Base]) -> list[tuple[Any, ...]]:
    columns = [column for column in model.__table__.columns if column.name not in OURS]
    return sorted((tuple(row) for row in session.query(*columns)), key=repr)
