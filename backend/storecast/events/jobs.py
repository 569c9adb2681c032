"""Jobs of events: the drain, and the facts that modules above act on."""

from dataclasses import dataclass, field
from typing import ClassVar

from storecast.worker.job import Job, Queue

PROCESS = "events.process"


@dataclass(frozen=True, slots=True)
class ProcessEvents(Job):
    """Judge and stitch what waits in one shop's event tables. Safe to run twice."""

    name: ClassVar[str] = PROCESS
    queue: ClassVar[Queue] = "default"

    def unique_key(self) -> str | None:
        return "process"


@dataclass(frozen=True, slots=True)
class TouchesRecorded(Job):
    """New evidence of who was reached by which message: recent orders of these people are credited anew."""

    name: ClassVar[str] = "events.touches_recorded"
    queue: ClassVar[Queue] = "default"
    customer_ids: list[int] = field(default_factory=list)
    client_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UnsubscribeRequested(Job):
    """The recipient of a delivery asked for no more marketing. `campaigns` runs it. Safe to run twice."""

    name: ClassVar[str] = "events.unsubscribe_requested"
    queue: ClassVar[Queue] = "critical"
    campaign_id: int
    delivery_id: int
    requested_at: str
