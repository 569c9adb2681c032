"""All SQL of topics."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.messaging.models import Topic


def list_all(session: Session, shop_id: ShopId) -> Sequence[Topic]:
    query = select(Topic).where(Topic.shop_id == shop_id).order_by(func.lower(Topic.name), Topic.id)
    return session.scalars(query).all()


def find(session: Session, shop_id: ShopId, public_id: str) -> Topic | None:
    return session.scalar(select(Topic).where(Topic.shop_id == shop_id, Topic.public_id == public_id))


def find_by_name(session: Session, shop_id: ShopId, name: str) -> Topic | None:
    return session.scalar(
        select(Topic).where(Topic.shop_id == shop_id, func.lower(Topic.name) == func.lower(name))
    )


def add(session: Session, topic: Topic) -> None:
    session.add(topic)
    # Flushed for the database's defaults, which the answer shows.
    session.flush()
    session.refresh(topic)
