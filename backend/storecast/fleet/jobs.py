"""Jobs of the fleet."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job, Queue
from storecast.worker.retry import Retry


@dataclass(frozen=True, slots=True)
class ForgetLost(Job):
    """Remove processes that have been silent for long. Safe to run twice."""

    name: ClassVar[str] = "fleet.forget_lost"

    def unique_key(self) -> str | None:
        return "forget"


@dataclass(frozen=True, slots=True)
class CheckAlerts(Job):
    """Look at the operators' rules and stage a look at those of each shop. Safe to run twice, also at once."""

    name: ClassVar[str] = "fleet.check_alerts"
    # People want to hear of queues that wait most of all while queues wait.
    queue: ClassVar[Queue] = "critical"
    max_attempts: ClassVar[int] = 2

    def unique_key(self) -> str | None:
        return "alerts"


@dataclass(frozen=True, slots=True)
class CheckShopAlerts(Job):
    """Look at a shop's rules. Safe to run twice, also at once."""

    name: ClassVar[str] = "fleet.check_shop_alerts"
    max_attempts: ClassVar[int] = 2

    def unique_key(self) -> str | None:
        return "alerts"


@dataclass(frozen=True, slots=True)
class DeliverAlert(Job):
    """Tell one channel what happened. A second run sends nothing, unless the first died before it was noted.

    A receiver that is down has half a day to come back.
    """

    name: ClassVar[str] = "fleet.deliver_alert"
    # Not "critical": a receiver may take its time.
    priority: ClassVar[int] = 2
    timeout_s: ClassVar[int] = 120
    max_attempts: ClassVar[int] = 24
    retry: ClassVar[Retry] = Retry(base_s=10.0, cap_s=3600.0)
    shop_in_flight: ClassVar[int | None] = 4
    event_id: int
    channel_id: int

    def unique_key(self) -> str | None:
        return f"{self.event_id}.{self.channel_id}"
