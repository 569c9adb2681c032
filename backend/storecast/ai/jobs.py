"""Jobs that learn from a shop's data."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job, Queue


@dataclass(frozen=True, slots=True)
class FindMicroSegments(Job):
    """Group the shop's buyers and suggest each group as a segment. Safe to run twice."""

    name: ClassVar[str] = "ai.find_micro_segments"
    queue: ClassVar[Queue] = "ai"
    timeout_s: ClassVar[int] = 300
    for_merchants: ClassVar[bool] = True
    open_to_users: ClassVar[bool] = True

    def unique_key(self) -> str | None:
        return "micro_segments"
