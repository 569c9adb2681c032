"""Steps of a synchronisation. Each is safe to run twice: what it has to do stands in the rows of the run."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from storecast.worker.job import Job, Queue


@dataclass(frozen=True, slots=True)
class StartSync(Job):
    """Read the shop's settings and start the bulk operations of a run."""

    name: ClassVar[str] = "sync.start"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "sync"

    sync_run_id: int

    def unique_key(self) -> str | None:
        return str(self.sync_run_id)


@dataclass(frozen=True, slots=True)
class PollSync(Job):
    """Look at the bulk operations of a run, import what is ready, and come back while some still run."""

    name: ClassVar[str] = "sync.poll"
    queue: ClassVar[Queue] = "sync"

    sync_run_id: int
    round: int

    def unique_key(self) -> str | None:
        return str(self.sync_run_id)


@dataclass(frozen=True, slots=True)
class WakeSync(Job):
    """Look at the bulk operations of a run once, because Shopify says that one has ended."""

    name: ClassVar[str] = "sync.wake"
    queue: ClassVar[Queue] = "sync"

    sync_run_id: int

    def unique_key(self) -> str | None:
        return str(self.sync_run_id)


@dataclass(frozen=True, slots=True)
class ImportResource(Job):
    """Stream one result file into the database, from where the last attempt left off."""

    name: ClassVar[str] = "sync.import"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "sync"
    timeout_s: ClassVar[int] = 6 * 3600

    sync_resource_id: int

    def unique_key(self) -> str | None:
        return str(self.sync_resource_id)


@dataclass(frozen=True, slots=True)
class FinishSync(Job):
    """Switch the storefront pixel on and close the run."""

    name: ClassVar[str] = "sync.finish"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "sync"

    sync_run_id: int

    def unique_key(self) -> str | None:
        return str(self.sync_run_id)


@dataclass(frozen=True, slots=True)
class SettleSync(Job):
    """Fail a run that is still open although all that follows its import has ended."""

    name: ClassVar[str] = "sync.settle"
    queue: ClassVar[Queue] = "sync"

    sync_run_id: int

    def unique_key(self) -> str | None:
        return str(self.sync_run_id)


@dataclass(frozen=True, slots=True)
class SweepSyncs(Job):
    """Close the runs that no job and no workflow carries on. Safe to run twice, and beside itself."""

    name: ClassVar[str] = "sync.sweep"
    queue: ClassVar[Queue] = "sync"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class SyncNow(Job):
    """Begin a synchronisation unless one is under way; its steps follow as jobs of their own."""

    name: ClassVar[str] = "sync.now"
    queue: ClassVar[Queue] = "sync"
    open_to_users: ClassVar[bool] = True

    def unique_key(self) -> str | None:
        return "now"


@dataclass(frozen=True, slots=True)
class RefreshShop(Job):
    """Read the shop's settings and scopes, because Shopify says that they have changed."""

    name: ClassVar[str] = "sync.refresh_shop"

    def unique_key(self) -> str | None:
        return "refresh"


@dataclass(frozen=True, slots=True)
class CatchUpOrder(Job):
    """Read an order anew if its own webhook has not come by now, although another one told of a change to it.

    ``changed_at`` is ISO 8601. Safe to run twice.
    """

    name: ClassVar[str] = "sync.catch_up_order"
    queue: ClassVar[Queue] = "sync"

    order_gid: str
    changed_at: str

    def unique_key(self) -> str | None:
        return f"{self.order_gid} {self.changed_at}"


@dataclass(frozen=True, slots=True)
class RefreshObject(Job):
    """Read one collection or segment anew: their webhooks do not say what stands in them. Safe to run twice."""

    name: ClassVar[str] = "sync.refresh_object"
    queue: ClassVar[Queue] = "sync"

    resource: Literal["collections", "segments"]
    gid: str

    def unique_key(self) -> str | None:
        return self.gid


@dataclass(frozen=True, slots=True)
class StopOperations(Job):
    """Ask Shopify to stop the bulk operations of a cancelled run."""

    name: ClassVar[str] = "sync.stop_operations"
    queue: ClassVar[Queue] = "sync"

    sync_run_id: int

    def unique_key(self) -> str | None:
        return str(self.sync_run_id)


@dataclass(frozen=True, slots=True)
class PullChanges(Job):
    """Take over what has changed in a shop since the last time. Safe to run twice."""

    name: ClassVar[str] = "sync.pull_changes"
    queue: ClassVar[Queue] = "sync"
    timeout_s: ClassVar[int] = 1800

    def unique_key(self) -> str | None:
        return "changes"


@dataclass(frozen=True, slots=True)
class PullChangesEverywhere(Job):
    """Stage the pull of every installed shop, spread over the interval. Safe to run twice."""

    name: ClassVar[str] = "sync.pull_changes_everywhere"
    queue: ClassVar[Queue] = "sync"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class ReconcileShop(Job):
    """Begin to compare everything that a shop has with Shopify. Safe to run twice."""

    name: ClassVar[str] = "sync.reconcile"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "sync"
    open_to_users: ClassVar[bool] = True

    def unique_key(self) -> str | None:
        return "reconcile"


@dataclass(frozen=True, slots=True)
class ReconcileResource(Job):
    """Ask Shopify for the versions of a resource, come back while it writes them, compare and repair."""

    name: ClassVar[str] = "sync.reconcile_resource"
    queue: ClassVar[Queue] = "sync"
    timeout_s: ClassVar[int] = 3600

    reconciliation_id: int
    round: int

    def unique_key(self) -> str | None:
        return str(self.reconciliation_id)


@dataclass(frozen=True, slots=True)
class ReconcileEverywhere(Job):
    """Stage the reconciliation of every installed shop, spread over the night. Safe to run twice."""

    name: ClassVar[str] = "sync.reconcile_everywhere"
    queue: ClassVar[Queue] = "sync"

    def unique_key(self) -> str | None:
        return "all"
