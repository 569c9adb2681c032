"""All SQL of sending channels."""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.messaging.models import SendingChannel


def add(session: Session, row: SendingChannel) -> None:
    session.add(row)
    session.flush()


def find(session: Session, shop_id: ShopId, public_id: str) -> SendingChannel | None:
    return session.scalar(
        select(SendingChannel).where(SendingChannel.shop_id == shop_id, SendingChannel.public_id == public_id)
    )


def lock_all(session: Session, shop_id: ShopId) -> Sequence[SendingChannel]:
    """Every channel of the shop in its order, locked."""
    return session.scalars(_all(shop_id).with_for_update()).all()


def list_all(session: Session, shop_id: ShopId) -> Sequence[SendingChannel]:
    return session.scalars(_all(shop_id)).all()


def _all(shop_id: ShopId) -> Select[SendingChannel]:
    return (
        select(SendingChannel)
        .where(SendingChannel.shop_id == shop_id)
        .order_by(SendingChannel.position, SendingChannel.id)
    )


def next_position(session: Session, shop_id: ShopId) -> int:
    highest = session.scalar(
        select(func.max(SendingChannel.position)).where(SendingChannel.shop_id == shop_id)
    )
    return 0 if highest is None else highest + 1


def remove(session: Session, row: SendingChannel) -> None:
    session.delete(row)
    session.flush()
