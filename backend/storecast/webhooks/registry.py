"""Which handlers a topic has. Modules above register themselves; the drain calls them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified webhook."""

    topic: str
    webhook_id: str
    event_id: str | None
    triggered_at: datetime | None
    payload: dict[str, Any]


FOR_DEPARTED = frozenset({"app/uninstalled", "customers/data_request", "customers/redact", "shop/redact"})
"""The topics that are handled for a shop that has uninstalled the app: what it still sends of others is history."""

Handler = Callable[[Session, ShopId, Delivery], None]

_handlers: defaultdict[str, list[Handler]] = defaultdict(list)


def on(*topics: str) -> Callable[[Handler], Handler]:
    """Call the function for every delivery of the topics, in the transaction that marks the delivery done.

    Deliveries repeat and come out of order: handlers compare the payload's own instants with what is stored.
    """

    def register(handler: Handler) -> Handler:
        for topic in topics:
            _handlers[topic].append(handler)
        return handler

    return register


def handlers(topic: str) -> list[Handler]:
    """The handlers of a topic, in the order of registration."""
    return list(_handlers.get(topic, ()))


def topics() -> set[str]:
    """Every topic that has a handler."""
    return set(_handlers)
