"""All SQL of what comes back of mail."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.customers import selectables as customers
from storecast.kit.types import ShopId
from storecast.messaging.models import MessageReturn


class Recipient(NamedTuple):
    """What is known of a customer who is still there."""

    gid: str
    last_opened_at: datetime | None
    last_clicked_at: datetime | None


def add(session: Session, rows: Sequence[dict[str, Any]]) -> set[bytes]:
    """Add returns that are not known yet; the event keys of those that were new."""
    if not rows:
        return set()
    statement = insert(MessageReturn).on_conflict_do_nothing().returning(MessageReturn.event_key)
    return set(session.scalars(statement, rows))


def list_of_deliveries(
    session: Session, shop_id: ShopId, delivery_ids: Collection[int]
) -> set[tuple[int, bool]]:
    """Of these deliveries which came back already: the delivery, and whether as a complaint."""
    query = select(MessageReturn.delivery_id, MessageReturn.verdict == "complaint").where(
        MessageReturn.shop_id == shop_id, MessageReturn.delivery_id.in_(delivery_ids)
    )
    return {(delivery_id, complained) for delivery_id, complained in session.execute(query)}


def list_soft(
    session: Session, shop_id: ShopId, digests: Collection[bytes], since: datetime
) -> Sequence[Row[bytes, datetime]]:
    """The soft bounces of addresses that nobody has forgiven: the last one of each delivery."""
    query = (
        select(MessageReturn.email_digest, func.max(MessageReturn.occurred_at))
        .where(
            MessageReturn.shop_id == shop_id,
            MessageReturn.email_digest.in_(digests),
            MessageReturn.verdict == "soft",
            MessageReturn.occurred_at > since,
            ~MessageReturn.forgiven,
        )
        .group_by(MessageReturn.email_digest, MessageReturn.delivery_id)
    )
    return session.execute(query).all()


def forgive(session: Session, shop_id: ShopId, digest: bytes) -> None:
    session.execute(
        update(MessageReturn)
        .where(MessageReturn.shop_id == shop_id, MessageReturn.email_digest == digest)
        .values(forgiven=True)
    )


def recipients(session: Session, shop_id: ShopId, customer_ids: Collection[int]) -> dict[int, Recipient]:
    """The customers who are still there."""
    people = customers.audience(shop_id).subquery("people")
    query = select(people.c.id, people.c.gid, people.c.last_opened_at, people.c.last_clicked_at).where(
        people.c.id.in_(customer_ids)
    )
    return {
        row.id: Recipient(row.gid, row.last_opened_at, row.last_clicked_at) for row in session.execute(query)
    }


def forget(session: Session, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` returns of any shop that are older; returns how many."""
    old = select(MessageReturn.id).where(MessageReturn.received_at < before).limit(limit)
    result = session.execute(
        delete(MessageReturn).where(MessageReturn.id.in_(old)).returning(MessageReturn.id)
    )
    return len(result.all())
