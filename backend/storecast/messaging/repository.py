"""All SQL of suppressions."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.messaging.models import Suppression


def suppress(session: Session, shop_id: ShopId, digests: Collection[bytes], reason: str, source: str) -> int:
    """Add digests that are not there yet; returns how many were new."""
    rows = [
        {"shop_id": shop_id, "email_digest": digest, "reason": reason, "source": source}
        for digest in sorted(set(digests))
    ]
    if not rows:
        return 0
    statement = insert(Suppression).on_conflict_do_nothing().returning(Suppression.email_digest)
    return len(session.scalars(statement, rows).all())


def lift(session: Session, shop_id: ShopId, digest: bytes) -> bool:
    found = session.scalar(
        delete(Suppression)
        .where(Suppression.shop_id == shop_id, Suppression.email_digest == digest)
        .returning(Suppression.reason)
    )
    return found is not None


def find_reason(session: Session, shop_id: ShopId, digest: bytes) -> str | None:
    return session.scalar(
        select(Suppression.reason).where(Suppression.shop_id == shop_id, Suppression.email_digest == digest)
    )
