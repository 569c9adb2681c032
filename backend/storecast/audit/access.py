"""The log of access to personal data: whoever shows people to somebody notes it in the transaction that read them.

Dropped by the day after its time (`db.partitions`); no part of the hash chain, which would make readers take turns.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from storecast.audit.models import PersonalDataAccess
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId


def note(session: Session, shop_id: ShopId, actor: str, view: str, subject: str, *, people: int) -> None:
    """Somebody is shown data of ``people`` persons (nothing is noted for none).

    ``view`` says what they look at (``recipients``, ``customer``, ``export``, ``payload``); ``subject`` is an id of
    ours or of Shopify's, never a name or an address.
    """
    if people > 0:
        looked = {"shop_id": shop_id, "actor": actor, "view": view, "subject": subject, "people": people}
        session.execute(_NOTE, {"id": uuid7(), **looked})


# Not an object of the session: to find out that there is one to write takes longer than to write it.
_NOTE = insert(cast(Table, PersonalDataAccess.__table__))


def list_newest(
    session: Session, shop_id: ShopId, after_id: UUID | None, limit: int
) -> Sequence[PersonalDataAccess]:
    """The newest first, those older than ``after_id``."""
    query = select(PersonalDataAccess).where(PersonalDataAccess.shop_id == shop_id)
    if after_id is not None:
        query = query.where(PersonalDataAccess.id < after_id)
    return session.scalars(query.order_by(PersonalDataAccess.id.desc()).limit(limit)).all()


def count_since(session: Session, shop_id: ShopId, view: str, subject: str, since: datetime) -> int:
    """How often a view of a subject was looked at since then."""
    found = select(func.count()).where(
        PersonalDataAccess.shop_id == shop_id,
        PersonalDataAccess.view == view,
        PersonalDataAccess.subject == subject,
        PersonalDataAccess.at >= since,
    )
    return session.scalar(found) or 0
