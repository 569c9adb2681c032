"""Jobs of messaging."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job, Queue


@dataclass(frozen=True, slots=True)
class WriteConsent(Job):
    """Tell Shopify that a customer unsubscribed. Nothing stages it any more; it ends what waits from before."""

    name: ClassVar[str] = "messaging.write_consent"
    queue: ClassVar[Queue] = "default"
    customer_gid: str
    unsubscribed_at: str

    def unique_key(self) -> str | None:
        return self.customer_gid
