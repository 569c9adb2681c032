"""Jobs of the fleet."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class ForgetLost(Job):
    """Remove processes that have been silent for long. Safe to run twice."""

    name: ClassVar[str] = "fleet.forget_lost"

    def unique_key(self) -> str | None:
        return "forget"
