"""Which handlers a topic has, and what its payloads are about.

Modules above register themselves; the drain calls them.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.shopify.ids import find_gid, find_instant

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified webhook."""

    topic: str
    webhook_id: str
    event_id: str | None
    triggered_at: datetime | None
    payload: Payload


@dataclass(frozen=True, slots=True)
class About:
    """What the payloads of a topic speak of, so that the drain can tell the stale ones.

    Reports on different aspects of an object do not compete: a newer profile says nothing of consent. A report that
    carries no instant of its own (``instant``) has that of X-Shopify-Triggered-At. An ``aspect`` may come out of the
    payload; without one the stored row keeps the order itself, as consent and tags do, which syncs report as well.
    ``ends`` says that the object is no more, ``heir`` which other one has taken its place.
    """

    kind: str
    aspect: str | Callable[[Payload], str] | None = "state"
    gid: Callable[[Payload], str | None] | None = None
    instant: Callable[[Payload], object] = lambda payload: payload.get("updated_at")
    ends: bool = False
    heir: Callable[[Payload], str | None] = lambda _payload: None

    def find_gid(self, payload: Payload) -> str | None:
        """The object's global id; None when the payload names none."""
        return find_gid(self.kind, payload) if self.gid is None else self.gid(payload)

    def find_aspect(self, payload: Payload) -> str | None:
        """What of the object the report is on; None when the inbox keeps no order of it."""
        return self.aspect(payload) if callable(self.aspect) else self.aspect

    def find_instant(self, payload: Payload) -> datetime | None:
        """When the report was true; None when it does not say. Raises ValueError for what is no instant."""
        return find_instant(self.instant(payload))


FOR_DEPARTED = frozenset({"app/uninstalled", "customers/data_request", "customers/redact", "shop/redact"})
"""The topics that are handled for a shop that has uninstalled the app: what it still sends of others is history."""

Handler = Callable[[Session, ShopId, Delivery], None]

_handlers: defaultdict[str, list[Handler]] = defaultdict(list)
_about: dict[str, About] = {}


def on(*topics: str, about: About | None = None) -> Callable[[Handler], Handler]:
    """Call the function for every delivery of the topics, in the transaction that marks the delivery done.

    Deliveries repeat and come out of order. Those about an object (``about``) that lose against a newer one, or come
    after its end, are not handed over; without it, the handler itself has to be indifferent to order.
    """

    def register(handler: Handler) -> Handler:
        for topic in topics:
            _handlers[topic].append(handler)
            if about is not None:
                _about[topic] = about
        return handler

    return register


def handlers(topic: str) -> list[Handler]:
    """The handlers of a topic, in the order of registration."""
    return list(_handlers.get(topic, ()))


def find_about(topic: str) -> About | None:
    """What the payloads of a topic are about; None when no object's order matters to it."""
    return _about.get(topic)


def topics() -> set[str]:
    """Every topic that has a handler."""
    return set(_handlers)
