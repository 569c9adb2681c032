"""Jobs of the inbox."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job, Queue

DRAIN = "webhooks.drain"


@dataclass(frozen=True, slots=True)
class ForgetDeliveries(Job):
    """Delete bodies that were handled and are past their time, in every shop. Safe to run twice."""

    name: ClassVar[str] = "webhooks.forget_deliveries"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class DrainInbox(Job):
    """Handle what waits in one shop's inbox, in order. Safe to run twice."""

    name: ClassVar[str] = DRAIN
    queue: ClassVar[Queue] = "critical"
    # Each delivery counts its own attempts; the job must outlast the last of them.
    max_attempts: ClassVar[int] = 1000
    outlives_shop: ClassVar[bool] = True
    # Drains of a shop take turns: a second one would hold a worker only to wait.
    shop_in_flight: ClassVar[int | None] = 1

    def unique_key(self) -> str | None:
        return "drain"


@dataclass(frozen=True, slots=True)
class SweepInbox(Job):
    """Stage the drain of every shop where a delivery waits for too long and no drain is about. Safe to run twice."""

    name: ClassVar[str] = "webhooks.sweep_inbox"
    queue: ClassVar[Queue] = "critical"

    def unique_key(self) -> str | None:
        return "all"
