"""Jobs of segments."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class RecountSegments(Job):
    """Count every segment of one shop anew. Safe to run twice."""

    name: ClassVar[str] = "segments.recount"

    def unique_key(self) -> str | None:
        return "recount"


@dataclass(frozen=True, slots=True)
class RecountEverywhere(Job):
    """Stage the recount of every installed shop. Safe to run twice."""

    name: ClassVar[str] = "segments.recount_everywhere"

    def unique_key(self) -> str | None:
        return "recount"
