"""Jobs that keep the shops' access alive."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class RenewIdleTokens(Job):
    """Stage a renewal for every shop whose refresh token nobody has used for long. Safe to run twice."""

    name: ClassVar[str] = "shops.renew_idle_tokens"

    def unique_key(self) -> str | None:
        return "renew"


@dataclass(frozen=True, slots=True)
class RenewToken(Job):
    """Renew the token of one shop unless it is still good. Safe to run twice."""

    name: ClassVar[str] = "shops.renew_token"

    def unique_key(self) -> str | None:
        return "renew"
