"""Jobs of segments."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class RecountSegments(Job):
    """Count every segment of one shop anew. Safe to run twice."""

    name: ClassVar[str] = "segments.recount"
    for_merchants: ClassVar[bool] = True
    open_to_users: ClassVar[bool] = True

    def unique_key(self) -> str | None:
        return "recount"


@dataclass(frozen=True, slots=True)
class RecountSegment(Job):
    """Count one segment anew, by its public id; the count is the job's result. Safe to run twice."""

    name: ClassVar[str] = "segments.recount_segment"
    open_to_users: ClassVar[bool] = True

    segment_id: str

    def unique_key(self) -> str | None:
        return self.segment_id


@dataclass(frozen=True, slots=True)
class RecountEverywhere(Job):
    """Stage the recount of every installed shop. Safe to run twice."""

    name: ClassVar[str] = "segments.recount_everywhere"

    def unique_key(self) -> str | None:
        return "recount"
