"""All SQL of confirmations: who was asked, when again, and what they answered."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.customers import selectables as customers
from storecast.kit.types import ShopId
from storecast.messaging.models import OptInRequest


def add_imported(session: Session, shop_id: ShopId, import_id: int, now: datetime) -> int:
    """Ask everybody of a file who waits for that and was never asked; returns how many."""
    waiting = customers.awaiting_confirmation(shop_id, import_id).subquery("waiting")
    result = session.execute(
        insert(OptInRequest)
        .from_select(
            ["shop_id", "customer_id", "due_at"], select(literal(shop_id), waiting.c.id, literal(now))
        )
        .on_conflict_do_nothing()
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an INSERT has a row count


def take_due(
    session: Session, shop_id: ShopId, *, now: datetime, lease_until: datetime, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The next to be asked: id, email, locale, sends. They are due again when the lease ends."""
    picked = (
        select(OptInRequest.customer_id)
        .where(OptInRequest.shop_id == shop_id, OptInRequest.due_at <= now)
        .order_by(OptInRequest.due_at, OptInRequest.customer_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    taken = (
        update(OptInRequest)
        .where(OptInRequest.shop_id == shop_id, OptInRequest.customer_id == picked.c.customer_id)
        .values(due_at=lease_until)
        .returning(OptInRequest.customer_id, OptInRequest.sends)
        .cte("taken")
    )
    person = customers.audience(shop_id).subquery("person")
    return session.execute(
        select(
            taken.c.customer_id, taken.c.sends, person.c.email, person.c.locale, person.c.email_state
        ).join(person, person.c.id == taken.c.customer_id)
    ).all()


def note_sent(session: Session, shop_id: ShopId, customer_ids: Collection[int], now: datetime) -> None:
    _set(session, shop_id, customer_ids, due_at=None, sent_at=now, sends=OptInRequest.sends + 1)


def put_off(session: Session, shop_id: ShopId, customer_ids: Collection[int], until: datetime | None) -> None:
    """Ask later; with None not at all."""
    _set(session, shop_id, customer_ids, due_at=until)


def _set(session: Session, shop_id: ShopId, customer_ids: Collection[int], **values: object) -> None:
    session.execute(
        update(OptInRequest)
        .where(OptInRequest.shop_id == shop_id, OptInRequest.customer_id.in_(customer_ids))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def count_due(session: Session, shop_id: ShopId, now: datetime) -> int:
    query = select(func.count()).where(OptInRequest.shop_id == shop_id, OptInRequest.due_at <= now)
    return session.scalar(query) or 0


def find(session: Session, shop_id: ShopId, customer_id: int) -> OptInRequest | None:
    return session.scalar(
        select(OptInRequest).where(OptInRequest.shop_id == shop_id, OptInRequest.customer_id == customer_id)
    )


def lock(session: Session, shop_id: ShopId, customer_id: int) -> OptInRequest | None:
    return session.scalar(
        select(OptInRequest)
        .where(OptInRequest.shop_id == shop_id, OptInRequest.customer_id == customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def find_person(session: Session, shop_id: ShopId, customer_id: int) -> Row[*tuple[Any, ...]] | None:
    """gid, email, locale and email_state of a customer who is still there."""
    person = customers.audience(shop_id).subquery("person")
    columns = (person.c.gid, person.c.email, person.c.locale, person.c.email_state)
    return session.execute(select(*columns).where(person.c.id == customer_id)).first()
