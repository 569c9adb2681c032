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


@dataclass(frozen=True, slots=True)
class CheckSendingDomainsEverywhere(Job):
    """Stage a look at the sending domains of every shop. Safe to run twice."""

    name: ClassVar[str] = "messaging.check_sending_domains_everywhere"
    queue: ClassVar[Queue] = "default"

    def unique_key(self) -> str | None:
        return "check"


@dataclass(frozen=True, slots=True)
class CheckSendingDomains(Job):
    """Look at a shop's sending domains in DNS. Safe to run twice."""

    name: ClassVar[str] = "messaging.check_sending_domains"
    queue: ClassVar[Queue] = "default"

    def unique_key(self) -> str | None:
        return "check"


@dataclass(frozen=True, slots=True)
class ReturnsRecorded(Job):
    """Mail of a campaign came back, or was complained about. `campaigns` runs it. Safe to run twice."""

    name: ClassVar[str] = "messaging.returns_recorded"
    queue: ClassVar[Queue] = "critical"
    campaign_id: int

    def unique_key(self) -> str | None:
        return str(self.campaign_id)


@dataclass(frozen=True, slots=True)
class AskToConfirm(Job):
    """Ask the people of a file, and whoever else is due, to confirm. Safe to run twice: nobody is asked who was."""

    name: ClassVar[str] = "messaging.ask_to_confirm"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "default"
    timeout_s: ClassVar[int] = 900
    import_id: int

    def unique_key(self) -> str | None:
        return str(self.import_id)


@dataclass(frozen=True, slots=True)
class ForgetReturns(Job):
    """Delete what came back so long ago that it counts for nothing. Safe to run twice."""

    name: ClassVar[str] = "messaging.forget_returns"
    queue: ClassVar[Queue] = "default"

    def unique_key(self) -> str | None:
        return "forget"
