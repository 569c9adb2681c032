"""All SQL of suppressions."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, SQLColumnExpression, case, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.messaging.models import Suppression


def suppress(session: Session, shop_id: ShopId, digests: Collection[bytes], reason: str, source: str) -> int:
    """Add digests, or give those that are there a graver reason; returns how many changed."""
    rows = [
        {"shop_id": shop_id, "email_digest": digest, "reason": reason, "source": source}
        for digest in sorted(set(digests))
    ]
    if not rows:
        return 0
    statement = insert(Suppression)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[Suppression.shop_id, Suppression.email_digest],
        set_={"reason": new.reason, "source": new.source, "created_at": func.now()},
        where=_gravity(Suppression.reason) < _gravity(new.reason),
    )
    return len(session.scalars(statement.returning(Suppression.email_digest), rows).all())


def _gravity(reason: SQLColumnExpression[str]) -> ColumnElement[int]:
    return case({"complaint": 3, "unsubscribed": 2, "manual": 1}, value=reason, else_=0)


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


def find(session: Session, shop_id: ShopId, digest: bytes) -> Suppression | None:
    return session.scalar(
        select(Suppression)
        .where(Suppression.shop_id == shop_id, Suppression.email_digest == digest)
        .execution_options(populate_existing=True)
    )


def list_newest(
    session: Session,
    shop_id: ShopId,
    digest: bytes | None,
    reason: str | None,
    after: tuple[datetime, bytes] | None,
    limit: int,
) -> Sequence[Suppression]:
    query = select(Suppression).where(Suppression.shop_id == shop_id)
    if digest is not None:
        query = query.where(Suppression.email_digest == digest)
    if reason is not None:
        query = query.where(Suppression.reason == reason)
    if after is not None:
        query = query.where(tuple_(Suppression.created_at, Suppression.email_digest) < after)
    order = query.order_by(Suppression.created_at.desc(), Suppression.email_digest.desc())
    return session.scalars(order.limit(limit)).all()
