"""Jobs of customers."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.customers.repository import Channel
from storecast.worker.job import Job, Queue


@dataclass(frozen=True, slots=True)
class WriteConsent(Job):
    """Give a customer's consent to a channel back to Shopify. Safe to run twice: it states what is stored.

    It names no consent, so that the one that waits does for all changes until it runs.
    """

    name: ClassVar[str] = "customers.write_consent"
    queue: ClassVar[Queue] = "default"
    customer_gid: str
    channel: Channel

    def unique_key(self) -> str | None:
        return f"{self.channel}:{self.customer_gid}"


@dataclass(frozen=True, slots=True)
class RunWrite(Job):
    """Write tags or metafields to customers at Shopify. Safe to run twice: it does what is not done yet."""

    name: ClassVar[str] = "customers.run_write"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "sync"
    timeout_s: ClassVar[int] = 900
    write_id: int

    def unique_key(self) -> str | None:
        return str(self.write_id)


@dataclass(frozen=True, slots=True)
class GiveStoreCredit(Job):
    """Carry out the oldest open credit of a customer. Safe to run twice: what may have been sent is settled first."""

    name: ClassVar[str] = "customers.give_store_credit"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "default"
    customer_id: int

    def unique_key(self) -> str | None:
        return str(self.customer_id)


@dataclass(frozen=True, slots=True)
class ReadSegmentMembers(Job):
    """Read who is in one of Shopify's segments. Safe to run twice."""

    name: ClassVar[str] = "customers.read_segment_members"
    queue: ClassVar[Queue] = "sync"

    segment_gid: str

    def unique_key(self) -> str | None:
        return self.segment_gid


@dataclass(frozen=True, slots=True)
class ReadContacts(Job):
    """Read an uploaded file of contacts. Safe to run twice: it goes on behind the last row that is stored."""

    name: ClassVar[str] = "customers.read_contacts"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "bulk"
    timeout_s: ClassVar[int] = 1_800
    import_id: int

    def unique_key(self) -> str | None:
        return str(self.import_id)


@dataclass(frozen=True, slots=True)
class WriteContacts(Job):
    """Write contacts of a file to Shopify. Safe to run twice: it does what is not done yet."""

    name: ClassVar[str] = "customers.write_contacts"
    for_merchants: ClassVar[bool] = True
    queue: ClassVar[Queue] = "sync"
    timeout_s: ClassVar[int] = 900
    import_id: int

    def unique_key(self) -> str | None:
        return str(self.import_id)


@dataclass(frozen=True, slots=True)
class DropContacts(Job):
    """Forget a file of contacts that nobody had read. Safe to run twice."""

    name: ClassVar[str] = "customers.drop_contacts"
    queue: ClassVar[Queue] = "default"
    import_id: int

    def unique_key(self) -> str | None:
        return str(self.import_id)
