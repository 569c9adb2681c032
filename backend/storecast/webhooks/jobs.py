"""Jobs of the inbox."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job, Queue

DRAIN = "webhooks.drain"


@dataclass(frozen=True, slots=True)
class DrainInbox(Job):
    """Handle what waits in one shop's inbox, in order. Safe to run twice."""

    name: ClassVar[str] = DRAIN
    queue: ClassVar[Queue] = "critical"

    def unique_key(self) -> str | None:
        return "drain"
