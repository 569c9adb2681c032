"""Jobs that keep the ledger and its neighbours in shape."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job, Queue


@dataclass(frozen=True, slots=True)
class MaintainPartitions(Job):
    """Make the partitions of the coming days and drop those past their time. Safe to run twice."""

    name: ClassVar[str] = "jobs.maintain_partitions"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class AdvanceWorkflow(Job):
    """Move everything in a workflow that can move. Safe to run twice, and beside itself."""

    name: ClassVar[str] = "jobs.advance_workflow"
    queue: ClassVar[Queue] = "critical"
    priority: ClassVar[int] = 2
    bundle: ClassVar[int] = 5

    workflow_id: str

    def unique_key(self) -> str | None:
        return self.workflow_id


@dataclass(frozen=True, slots=True)
class SweepWorkflows(Job):
    """Advance the workflows that stand still, and forget old ones and old batches. Safe to run twice."""

    name: ClassVar[str] = "jobs.sweep_workflows"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class RollUp(Job):
    """Count the runs that have ended into minutes and hours. Safe to run twice, and beside itself."""

    name: ClassVar[str] = "jobs.roll_up"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class BulkAction(Job):
    """Retry, cancel or discard what a filter found, chunk by chunk. Safe to run twice: its row says how far it is."""

    name: ClassVar[str] = "jobs.bulk_action"
    timeout_s: ClassVar[int] = 1800

    bulk_id: str
