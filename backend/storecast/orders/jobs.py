"""What follows an order, and what has to be said anew every night."""

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


@dataclass(frozen=True, slots=True)
class RescoreCustomers(Job):
    """Compute the facts of all customers of one shop anew, scores included. Safe to run twice."""

    name: ClassVar[str] = "orders.rescore_customers"
    for_merchants: ClassVar[bool] = True
    timeout_s: ClassVar[int] = 1800
    open_to_users: ClassVar[bool] = True

    def unique_key(self) -> str | None:
        return "rescore"


@dataclass(frozen=True, slots=True)
class RescoreEverywhere(Job):
    """Stage the scoring of every installed shop. Safe to run twice."""

    name: ClassVar[str] = "orders.rescore_everywhere"

    def unique_key(self) -> str | None:
        return "rescore"
