"""SQL of a shop's members."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.auth.models import ShopMember
from storecast.kit.types import ShopId


def find_member(session: Session, shop_id: ShopId, user_id: str) -> ShopMember | None:
    return session.scalar(
        select(ShopMember).where(ShopMember.shop_id == shop_id, ShopMember.shopify_user_id == user_id)
    )


def put_member(
    session: Session, shop_id: ShopId, user_id: str, *, role: str, now: datetime, known: dict[str, Any]
) -> ShopMember:
    """Make the member or update what is ``known``; the role of an existing one is in ``known`` or stays."""
    values = {"shop_id": shop_id, "shopify_user_id": user_id, "role": role, "email": "", "name": ""} | known
    statement = insert(ShopMember).values(**values, last_seen_at=now)
    return session.scalars(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "shopify_user_id"],
            set_={**known, "last_seen_at": now, "updated_at": func.now()},
        ).returning(ShopMember),
        execution_options={"populate_existing": True},
    ).one()
