"""What happens after someone has come in."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class ShopInstalled(Job):
    """A shop has just been installed: whoever has to prepare something for it starts now. `sync` runs it."""

    name: ClassVar[str] = "auth.shop_installed"

    def unique_key(self) -> str | None:
        return "installed"
