"""A shop's buyers for tests: customers with the facts that groups are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import insert
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerFacts
from storecast.kit.clock import utcnow

_numbers = count(1)


@dataclass(frozen=True)
class Buyer:
    orders: int
    spent_minor: int
    days: float


def store(session: Session, shop_id: int, buyers: Iterable[Buyer], now: datetime | None = None) -> list[int]:
    """Insert them; returns their ids in the same order."""
    now = now or utcnow()
    listed = [(next(_numbers), buyer) for buyer in buyers]
    if not listed:
        return []
    ids = session.scalars(
        insert(Customer).returning(Customer.id, sort_by_parameter_order=True),
        [
            {
                "shop_id": shop_id,
                "public_id": f"cus_ai_{number}",
                "gid": f"gid://shopify/Customer/9{number}",
                "shopify_updated_at": now,
            }
            for number, _buyer in listed
        ],
    ).all()
    session.execute(
        insert(CustomerFacts),
        [
            {
                "shop_id": shop_id,
                "customer_id": customer_id,
                "orders_count": buyer.orders,
                "total_spent_minor": buyer.spent_minor,
                "last_order_at": now - timedelta(days=buyer.days) if buyer.orders else None,
            }
            for customer_id, (_number, buyer) in zip(ids, listed, strict=True)
        ],
    )
    return list(ids)


def mixed(each: int = 20) -> list[Buyer]:
    """Regulars, people who tried once lately, once long ago, and former regulars: as many of each."""
    return [
        buyer
        for i in range(each)
        for buyer in (
            Buyer(orders=9 + i % 4, spent_minor=80_000 + 900 * i, days=5 + i % 9),
            Buyer(orders=1, spent_minor=2_500 + 50 * i, days=10 + i % 12),
            Buyer(orders=1, spent_minor=2_400 + 50 * i, days=500 + 3 * i),
            Buyer(orders=8 + i % 5, spent_minor=70_000 + 900 * i, days=420 + 2 * i),
        )
    ]
