"""Jobs that keep the ledger and its neighbours in shape."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class MaintainPartitions(Job):
    """Make the partitions of the coming days and drop those past their time. Safe to run twice."""

    name: ClassVar[str] = "jobs.maintain_partitions"

    def unique_key(self) -> str | None:
        return "all"
