"""All SQL of saved templates and of the brand kit."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.messaging.models import BrandKit, SavedTemplate


def list_all(session: Session, shop_id: ShopId) -> Sequence[SavedTemplate]:
    query = select(SavedTemplate).where(SavedTemplate.shop_id == shop_id)
    return session.scalars(query.order_by(func.lower(SavedTemplate.name), SavedTemplate.id)).all()


def find(session: Session, shop_id: ShopId, template_id: str) -> SavedTemplate | None:
    return session.scalar(
        select(SavedTemplate).where(SavedTemplate.shop_id == shop_id, SavedTemplate.public_id == template_id)
    )


def lock(session: Session, shop_id: ShopId, template_id: str) -> SavedTemplate | None:
    return session.scalar(
        select(SavedTemplate)
        .where(SavedTemplate.shop_id == shop_id, SavedTemplate.public_id == template_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def count(session: Session, shop_id: ShopId) -> int:
    query = select(func.count()).select_from(SavedTemplate).where(SavedTemplate.shop_id == shop_id)
    return session.scalar(query) or 0


def find_brand(session: Session, shop_id: ShopId) -> BrandKit | None:
    return session.scalar(select(BrandKit).where(BrandKit.shop_id == shop_id))


def put_brand(session: Session, shop_id: ShopId, values: dict[str, Any]) -> None:
    statement = insert(BrandKit).values(shop_id=shop_id, **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["shop_id"], set_={**values, "updated_at": func.now()})
    )
