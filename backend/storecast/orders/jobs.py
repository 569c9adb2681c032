"""What follows an order."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class OrderRecorded(Job):
    """An order is new or has changed. `analytics` runs it and attributes the order. Safe to run twice."""

    name: ClassVar[str] = "orders.order_recorded"

    order_id: int

    def unique_key(self) -> str | None:
        return str(self.order_id)
