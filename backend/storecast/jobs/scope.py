"""Whose jobs a request is about, and who asks."""

from dataclasses import dataclass

from storecast.kit.languages import Language
from storecast.kit.types import ShopId


@dataclass(frozen=True, slots=True)
class Scope:
    """One shop's jobs, or everyone's (``shop_id`` None, for operators)."""

    shop_id: ShopId | None
    # Tracebacks tell of the inside of the program: operators' matter.
    tracebacks: bool
    # Who asks, as the audit log names people, and the shop that they came in through; at a terminal there is none.
    actor: str
    home: ShopId | None
    # What the API puts into words itself is in this language.
    language: Language = "en"

    @property
    def everyone(self) -> bool:
        """Whether all shops are in sight."""
        return self.shop_id is None

    def audited_in(self, shop_id: int | None) -> ShopId | None:
        """Whose audit log an action on a job of this shop belongs in; a job of no shop in that of who acts."""
        return self.home if shop_id is None else ShopId(shop_id)
