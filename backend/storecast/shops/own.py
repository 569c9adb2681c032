"""The shop of a request as it was found when the caller was let in, so that no route asks for it once more."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId

_KEY = "own_shop"


class OwnShop(NamedTuple):
    """What lists show of it."""

    id: ShopId
    domain: str
    currency: str


def tell(session: Session, shop: OwnShop) -> None:
    """Let whoever works in this session know its shop."""
    session.info[_KEY] = shop


def find(session: Session) -> OwnShop | None:
    """The shop of the session's request; None outside of one."""
    shop: OwnShop | None = session.info.get(_KEY)
    return shop
