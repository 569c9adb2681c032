"""All SQL of recipients' preferences."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.customers import selectables as customers
from storecast.kit.types import ShopId
from storecast.messaging.models import ContactPreference


def find(session: Session, shop_id: ShopId, customer_id: int) -> ContactPreference | None:
    return session.scalar(
        select(ContactPreference).where(
            ContactPreference.shop_id == shop_id, ContactPreference.customer_id == customer_id
        )
    )


def put(
    session: Session,
    shop_id: ShopId,
    customer_id: int,
    *,
    frequency: str,
    paused_until: datetime | None,
    opted_out_topics: Sequence[int],
    at: datetime,
) -> None:
    """Write the whole choice, unless a later one is there."""
    values = {
        "frequency": frequency,
        "paused_until": paused_until,
        "opted_out_topics": list(opted_out_topics),
        "changed_at": at,
    }
    statement = insert(ContactPreference).values(shop_id=shop_id, customer_id=customer_id, **values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[ContactPreference.customer_id],
            set_=values,
            where=ContactPreference.changed_at <= at,
        )
    )


def find_customer(session: Session, shop_id: ShopId, customer_id: int) -> Row[*tuple[Any, ...]] | None:
    """gid and locale of a customer who is still there."""
    person = customers.audience(shop_id).subquery("person")
    return session.execute(select(person.c.gid, person.c.locale).where(person.c.id == customer_id)).first()


def email_state(session: Session, shop_id: ShopId, customer_id: int) -> str | None:
    """The customer's consent, as it is in this transaction."""
    person = customers.audience(shop_id).subquery("person")
    return session.scalar(select(person.c.email_state).where(person.c.id == customer_id))
