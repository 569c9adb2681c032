"""Jobs that keep the shops' access alive."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class RenewIdleTokens(Job):
    """Stage what keeps tokens alive: a renewal where nobody has used them for long, a migration where they have no end.

    Safe to run twice.
    """

    name: ClassVar[str] = "shops.renew_idle_tokens"

    def unique_key(self) -> str | None:
        return "renew"


@dataclass(frozen=True, slots=True)
class RenewToken(Job):
    """Renew the token of one shop unless it is still good. Safe to run twice."""

    name: ClassVar[str] = "shops.renew_token"

    def unique_key(self) -> str | None:
        return "renew"


@dataclass(frozen=True, slots=True)
class MigrateToken(Job):
    """Exchange a shop's token without end for one that expires and is renewed. Safe to run twice."""

    name: ClassVar[str] = "shops.migrate_token"

    def unique_key(self) -> str | None:
        return "migrate"
