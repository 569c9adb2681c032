"""Jobs of a campaign's life: freeze, then dispatch and send in turns, then finish."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job, Queue


@dataclass(frozen=True, slots=True)
class Freeze(Job):
    """Write the audience into the ledger and start sending. Safe to run twice: a frozen campaign stays as it is."""

    name: ClassVar[str] = "campaigns.freeze"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "bulk"
    timeout_s: ClassVar[int] = 600
    campaign_id: int


@dataclass(frozen=True, slots=True)
class Dispatch(Job):
    """Keep the window of senders full, settle lost claims, see the end. One waits per campaign at any time."""

    name: ClassVar[str] = "campaigns.dispatch"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "critical"
    campaign_id: int

    def unique_key(self) -> str | None:
        return str(self.campaign_id)


@dataclass(frozen=True, slots=True)
class SendBatch(Job):
    """Send for a slice of time, chunk by chunk. Safe to run twice: chunks are claimed row by row.

    ``slot`` is the place in the campaign's window; ``outages`` counts visits in a row to a server that was away.
    """

    name: ClassVar[str] = "campaigns.send_batch"
    queue: ClassVar[Queue] = "bulk"
    campaign_id: int
    slot: int
    outages: int = 0

    def unique_key(self) -> str | None:
        return f"{self.campaign_id}:{self.slot}"


@dataclass(frozen=True, slots=True)
class Finish(Job):
    """Close a campaign that has nobody left to write to. Safe to run twice."""

    name: ClassVar[str] = "campaigns.finish"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "default"
    campaign_id: int

    def unique_key(self) -> str | None:
        return str(self.campaign_id)
