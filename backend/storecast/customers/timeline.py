"""What happened with a customer: each module that knows something contributes its entries."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from storecast.customers.schemas import TimelineEntry
from storecast.kit.types import ShopId

Source = Callable[[Session, ShopId, int, int], Sequence[TimelineEntry]]
"""Entries of a customer id, newest first, at most so many."""

_sources: list[Source] = []


def contribute(source: Source) -> Source:
    """Ask the function whenever a timeline is read. Contributing it twice has no effect."""
    if source not in _sources:
        _sources.append(source)
    return source


def read(session: Session, shop_id: ShopId, customer_id: int, limit: int) -> list[TimelineEntry]:
    """The newest entries of all sources."""
    entries = [entry for source in _sources for entry in source(session, shop_id, customer_id, limit)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]
