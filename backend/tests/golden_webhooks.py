"""Webhook bodies as Shopify writes them, from golden files, as the deliveries that handlers get."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from storecast.webhooks.registry import Delivery

FOLDER = Path(__file__).parent / "golden" / "webhooks"


@cache
def _text(topic: str) -> str:
    return (FOLDER / f"{topic}.json").read_text()


def topics() -> set[str]:
    """Every topic that has a golden body."""
    return {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json")}


def body(topic: str, **changes: Any) -> dict[str, Any]:
    """The body of a topic; what is given replaces its fields."""
    golden: dict[str, Any] = json.loads(_text(topic))
    return golden | changes


def delivery(topic: str, *, triggered_at: datetime | None = None, **changes: Any) -> Delivery:
    """A delivery of the topic's golden body."""
    return Delivery(topic, "webhook-1", "event-1", triggered_at, body(topic, **changes))
