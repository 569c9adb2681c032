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


@dataclass(frozen=True, slots=True)
class TellMerchant(Job):
    """Mail the merchant that an archive is ready. The message names no person."""

    name: ClassVar[str] = "privacy.tell_merchant"

    request_id: int

    def unique_key(self) -> str | None:
        return str(self.request_id)


@dataclass(frozen=True, slots=True)
class AnswerStrangers(Job):
    """Record the requests for domains that Storecast does not know as answered: nothing is held."""

    name: ClassVar[str] = "privacy.answer_strangers"

    def unique_key(self) -> str | None:
        return "answer"


@dataclass(frozen=True, slots=True)
class ForgetArchives(Job):
    """Delete the archives whose time is over, and what their requests knew of the person."""

    name: ClassVar[str] = "privacy.forget_archives"

    def unique_key(self) -> str | None:
        return "forget"


@dataclass(frozen=True, slots=True)
class ResumeRequests(Job):
    """Stage the open requests again that no job stands for: one that gave up has not been answered."""

    name: ClassVar[str] = "privacy.resume_requests"

    def unique_key(self) -> str | None:
        return "resume"
