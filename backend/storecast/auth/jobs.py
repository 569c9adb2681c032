"""What happens after someone has come in, and what is forgotten later."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class ShopInstalled(Job):
    """A shop has just been installed: whoever has to prepare something for it starts now. `sync` runs it."""

    name: ClassVar[str] = "auth.shop_installed"

    def unique_key(self) -> str | None:
        return "installed"


@dataclass(frozen=True, slots=True)
class ForgetIdempotencyKeys(Job):
    """Delete the keys of creating calls that are past their day, in every shop. Safe to run twice."""

    name: ClassVar[str] = "auth.forget_idempotency_keys"

    def unique_key(self) -> str | None:
        return "all"
