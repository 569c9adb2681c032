"""Jobs of a campaign's life: freeze, then dispatch and send in turns, then finish; and what Shopify is told of it."""

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
class ReleaseRest(Job):
    """Give those who wait for the end of a test the version that won. Safe to run twice: who has one keeps it."""

    name: ClassVar[str] = "campaigns.release_rest"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "bulk"
    timeout_s: ClassVar[int] = 600
    campaign_id: int

    def unique_key(self) -> str | None:
        return str(self.campaign_id)


@dataclass(frozen=True, slots=True)
class Finish(Job):
    """Close a campaign that has nobody left to write to. Safe to run twice."""

    name: ClassVar[str] = "campaigns.finish"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "default"
    campaign_id: int

    def unique_key(self) -> str | None:
        return str(self.campaign_id)


@dataclass(frozen=True, slots=True)
class ReportActivity(Job):
    """Tell Shopify what a campaign is now. Safe to run twice: Shopify knows it by the same name each time.

    It names no state, so that the one that waits does for all changes until it runs.
    """

    name: ClassVar[str] = "campaigns.report_activity"
    queue: ClassVar[Queue] = "default"
    campaign_public_id: str

    def unique_key(self) -> str | None:
        return self.campaign_public_id


@dataclass(frozen=True, slots=True)
class ReportEngagementsEverywhere(Job):
    """Stage a report of the last days for every installed shop that lets us make one. Safe to run twice."""

    name: ClassVar[str] = "campaigns.report_engagements_everywhere"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class ReportEngagements(Job):
    """Tell Shopify what the shop's campaigns did on each of the last days. Safe to run twice: a day is told anew."""

    name: ClassVar[str] = "campaigns.report_engagements"
    queue: ClassVar[Queue] = "sync"
    timeout_s: ClassVar[int] = 900

    def unique_key(self) -> str | None:
        return "engagements"


@dataclass(frozen=True, slots=True)
class MakeDiscount(Job):
    """Make a discount and its codes at Shopify. Safe to run twice: it does what is not done yet."""

    name: ClassVar[str] = "campaigns.make_discount"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "sync"
    timeout_s: ClassVar[int] = 900
    discount_set_id: int

    def unique_key(self) -> str | None:
        return str(self.discount_set_id)
