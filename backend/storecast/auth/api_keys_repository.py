"""SQL of API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storecast.auth.models import ApiKey
from storecast.kit.types import ShopId


def find_by_hash(session: Session, secret_hash: bytes) -> ApiKey | None:
    """The key of a secret, whosever it is."""
    return session.scalar(select(ApiKey).where(ApiKey.secret_hash == secret_hash))


def find_by_public_id(session: Session, public_id: str) -> ApiKey | None:
    """The key of a name, whosever it is: for tokens that we signed ourselves."""
    return session.scalar(select(ApiKey).where(ApiKey.public_id == public_id))


def lock(session: Session, shop_id: ShopId, public_id: str) -> ApiKey | None:
    return session.scalar(
        select(ApiKey)
        .where(ApiKey.shop_id == shop_id, ApiKey.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_page(session: Session, shop_id: ShopId, after_id: int | None, limit: int) -> Sequence[ApiKey]:
    """The shop's keys, newest first."""
    query = select(ApiKey).where(ApiKey.shop_id == shop_id)
    if after_id is not None:
        query = query.where(ApiKey.id < after_id)
    return session.scalars(query.order_by(ApiKey.id.desc()).limit(limit)).all()


def count_working(session: Session, shop_id: ShopId, now: datetime) -> int:
    return (
        session.scalar(
            select(func.count()).where(
                ApiKey.shop_id == shop_id,
                ApiKey.revoked_at.is_(None),
                or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
            )
        )
        or 0
    )


def note_use(session: Session, key_id: int, now: datetime, *, every: timedelta) -> None:
    """Write the time of use unless it was written a moment ago; of many requests at once, one waits for a lock."""
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - every))
        .values(last_used_at=now)
    )
