"""Conditions over what customers did: opened, clicked, viewed, added to cart, started checkout, ordered.

The newest instants of each are kept on a customer's facts (`customers.behaviour`), so that "at least n times since
then" is one comparison with the n-th of them. Each condition has a `count` beside it, which says how often it really
was.

A condition about one product, collection or campaign is an EXISTS over those who did it: it becomes a join that reads
only them, or leaves only them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import TIMESTAMP

from storecast.events import selectables as events
from storecast.kit.types import ShopId
from storecast.orders import selectables as orders
from storecast.products import selectables as products
from storecast.segments.rules import Happening

Columns = Mapping[str, ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A happening in one shop: of which kind, since when, and the subject as the roll-up knows it."""

    shop_id: ShopId
    kind: str
    happening: Happening
    since: datetime | None
    subject_id: str

    def _in_window(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        return at.is_not(None) if self.since is None else at >= literal(self.since, TIMESTAMP(timezone=True))


def happened(asked: Asked, columns: Columns) -> ColumnElement[bool]:
    """Whether it happened often enough."""
    if asked.happening.subject is None:
        return _happened(asked, columns)
    found = _who(asked).subquery()
    return exists().where(found.c.customer_id == columns["id"])


def _happened(asked: Asked, columns: Columns) -> ColumnElement[bool]:
    times = asked.happening.times
    if asked.kind == "ordered":
        # The same from a number is a tenth of what it costs to open an array.
        if asked.since is None:
            return columns["orders_count"] >= times
        if times == 1:
            return asked._in_window(columns["last_order_at"])
    instants: Any = columns[f"{asked.kind}_at"]
    return asked._in_window(instants[times])


def count(asked: Asked, columns: Columns) -> ColumnElement[Any]:
    """How often it happened, of what is kept."""
    if asked.kind == "ordered":
        found = _orders_of(asked).subquery()
        counted = select(func.count()).where(found.c.customer_id == columns["id"])
    elif asked.happening.subject is None:
        return cast(_within(asked, columns[f"{asked.kind}_at"]), Integer)
    else:
        done = _done(asked).subquery()
        counted = select(func.coalesce(func.sum(_within(asked, done.c.recent_at)), 0)).where(
            done.c.customer_id == columns["id"]
        )
    return cast(counted.scalar_subquery(), Integer)


def _within(asked: Asked, instants: ColumnElement[Any]) -> ColumnElement[Any]:
    if asked.since is None:
        return func.coalesce(func.cardinality(instants), 0)
    at = func.unnest(instants).column_valued("at")
    return select(func.count()).where(asked._in_window(at)).scalar_subquery()


def _who(asked: Asked) -> Select[Any]:
    """Those who did it often enough: customer_id."""
    if asked.kind == "ordered":
        return _orders(asked)
    times, done = asked.happening.times, _done(asked)
    columns = done.selected_columns
    who = done.with_only_columns(columns.customer_id)
    if asked.happening.subject == "collection" and times > 1:
        # More than so many of one product need not be told apart, and a comparison is a tenth of an unnest.
        firsts = [asked._in_window(columns.recent_at[nth]) for nth in range(1, times + 1)]
        often = sum((func.count().filter(first) for first in firsts[1:]), func.count())
        return who.where(firsts[0]).group_by(columns.customer_id).having(often >= times)
    return who.where(asked._in_window(columns.recent_at[times]))


def _done(asked: Asked) -> Select[int, list[datetime]]:
    """What is kept of it: customer_id, recent_at."""
    about = events.interests(asked.shop_id, asked.kind)
    subject = about.selected_columns.subject
    found = about.with_only_columns(about.selected_columns.customer_id, about.selected_columns.recent_at)
    if asked.happening.subject == "collection":
        return found.where(subject.in_(products.in_collection(asked.shop_id, asked.subject_id)))
    return found.where(subject == asked.subject_id)


def _orders(asked: Asked) -> Select[Any]:
    found = _orders_of(asked)
    if asked.happening.times == 1:
        return found
    customer_id = found.selected_columns.customer_id
    return found.group_by(customer_id).having(func.count() >= asked.happening.times)


def _orders_of(asked: Asked) -> Select[Any]:
    placed = orders.counted(asked.shop_id)
    columns = placed.selected_columns
    found = placed.with_only_columns(columns.customer_id).where(columns.customer_id.is_not(None))
    if asked.since is not None:
        found = found.where(asked._in_window(columns.placed_at))
    if asked.happening.subject is None:
        return found
    wanted: Select[str] | str = asked.subject_id
    if asked.happening.subject == "collection":
        wanted = products.in_collection(asked.shop_id, asked.subject_id)
    return found.where(columns.id.in_(orders.with_products(asked.shop_id, wanted)))
