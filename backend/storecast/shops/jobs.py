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


@dataclass(frozen=True, slots=True)
class ProbeShops(Job):
    """Stage a look at every shop that Shopify does not serve. Safe to run twice."""

    name: ClassVar[str] = "shops.probe_all"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class ProbeShop(Job):
    """Ask whether Shopify serves a frozen or closed shop again. Safe to run twice."""

    name: ClassVar[str] = "shops.probe"

    def unique_key(self) -> str | None:
        return "probe"


@dataclass(frozen=True, slots=True)
class CheckPixels(Job):
    """Stage a comparison of every installed shop's pixel with what it should be. Safe to run twice."""

    name: ClassVar[str] = "shops.check_pixels"

    def unique_key(self) -> str | None:
        return "all"


@dataclass(frozen=True, slots=True)
class CheckPixel(Job):
    """Bring one shop's pixel to what it should be, when it is not. Safe to run twice."""

    name: ClassVar[str] = "shops.check_pixel"

    def unique_key(self) -> str | None:
        return "pixel"
