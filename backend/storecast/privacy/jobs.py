"""Jobs of privacy."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class HandleRequest(Job):
    """Do what a privacy request asks for. Safe to run twice: what is gone stays gone."""

    name: ClassVar[str] = "privacy.handle_request"
    for_merchants: ClassVar[bool] = True
    outlives_shop: ClassVar[bool] = True
    # An erasure has thirty days by law and no second chance after its last attempt.
    max_attempts: ClassVar[int] = 20
    timeout_s: ClassVar[int] = 3600

    request_id: int

    def unique_key(self) -> str | None:
        return str(self.request_id)
