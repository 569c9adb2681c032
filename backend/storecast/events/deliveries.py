"""What events need to know of deliveries, which live in a module above: asked of whoever provides it."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId


class DeliveryRef(NamedTuple):
    """How a tracking token names a delivery."""

    campaign_id: int
    delivery_id: int


class DeliveryFact(NamedTuple):
    """Who got a delivery, when the mail server took it, and where it went; nowhere any more for who was erased."""

    customer_id: int
    accepted_at: datetime | None
    email: str | None = None


Lookup = Callable[[Session, ShopId, Collection[DeliveryRef]], dict[DeliveryRef, DeliveryFact]]

Arrivals = Callable[[Session, ShopId, Collection[int]], dict[int, datetime]]

_lookups: list[Lookup] = []
_arrivals: list[Arrivals] = []


def provide(lookup: Lookup) -> Lookup:
    """Let the function answer for the deliveries that it knows. Providing it twice has no effect."""
    if lookup not in _lookups:
        _lookups.append(lookup)
    return lookup


def find_facts(
    session: Session, shop_id: ShopId, refs: Collection[DeliveryRef]
) -> dict[DeliveryRef, DeliveryFact]:
    """The facts of the deliveries that exist in the shop."""
    facts: dict[DeliveryRef, DeliveryFact] = {}
    for lookup in _lookups:
        missing = [ref for ref in refs if ref not in facts]
        if missing:
            facts.update(lookup(session, shop_id, missing))
    return facts


def provide_arrivals(lookup: Arrivals) -> Arrivals:
    """Let the function say when mail last arrived at customers. Providing it twice has no effect."""
    if lookup not in _arrivals:
        _arrivals.append(lookup)
    return lookup


def last_arrivals(session: Session, shop_id: ShopId, customer_ids: Collection[int]) -> dict[int, datetime]:
    """When a server last took a message for these customers that has not come back since."""
    latest: dict[int, datetime] = {}
    for lookup in _arrivals:
        for customer_id, at in lookup(session, shop_id, customer_ids).items():
            latest[customer_id] = max(at, latest.get(customer_id, at))
    return latest
