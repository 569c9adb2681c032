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
    """Who got a delivery, and when the mail server took it."""

    customer_id: int
    accepted_at: datetime | None


Lookup = Callable[[Session, ShopId, Collection[DeliveryRef]], dict[DeliveryRef, DeliveryFact]]

_lookups: list[Lookup] = []


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
