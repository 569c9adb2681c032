"""All SQL of sending domains and their keys."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.messaging.models import DkimKeyPair, SendingDomain


def add(session: Session, row: SendingDomain | DkimKeyPair) -> None:
    session.add(row)
    session.flush()


def find(session: Session, shop_id: ShopId, public_id: str) -> SendingDomain | None:
    return session.scalar(
        select(SendingDomain).where(SendingDomain.shop_id == shop_id, SendingDomain.public_id == public_id)
    )


def lock(session: Session, shop_id: ShopId, public_id: str) -> SendingDomain | None:
    return session.scalar(
        select(SendingDomain)
        .where(SendingDomain.shop_id == shop_id, SendingDomain.public_id == public_id)
        .with_for_update()
    )


def find_by_name(session: Session, shop_id: ShopId, names: Sequence[str]) -> SendingDomain | None:
    """The longest of the names that the shop has as a domain."""
    return session.scalar(
        select(SendingDomain)
        .where(SendingDomain.shop_id == shop_id, SendingDomain.domain.in_(names))
        .order_by(func.length(SendingDomain.domain).desc())
        .limit(1)
    )


def list_all(session: Session, shop_id: ShopId) -> Sequence[SendingDomain]:
    return session.scalars(
        select(SendingDomain).where(SendingDomain.shop_id == shop_id).order_by(SendingDomain.domain)
    ).all()


def keys(session: Session, shop_id: ShopId, domain_id: int) -> Sequence[DkimKeyPair]:
    """The domain's key pairs, the newest first."""
    return session.scalars(
        select(DkimKeyPair)
        .where(DkimKeyPair.shop_id == shop_id, DkimKeyPair.domain_id == domain_id)
        .order_by(DkimKeyPair.number.desc())
    ).all()


def signing_keys(session: Session, shop_id: ShopId) -> Sequence[tuple[str, DkimKeyPair]]:
    """The active pair of every domain, with the domain's name."""
    query = (
        select(SendingDomain.domain, DkimKeyPair)
        .join(DkimKeyPair, DkimKeyPair.domain_id == SendingDomain.id)
        .where(SendingDomain.shop_id == shop_id, DkimKeyPair.state == "active")
        .order_by(SendingDomain.domain)
    )
    return [(name, pair) for name, pair in session.execute(query)]


def drop_retired(session: Session, shop_id: ShopId, *, now: datetime) -> None:
    session.execute(
        delete(DkimKeyPair).where(
            DkimKeyPair.shop_id == shop_id, DkimKeyPair.state == "retiring", DkimKeyPair.retires_at <= now
        )
    )


def remove(session: Session, row: SendingDomain) -> None:
    session.delete(row)
    session.flush()


def count(session: Session, shop_id: ShopId) -> int:
    return session.scalar(select(func.count()).where(SendingDomain.shop_id == shop_id)) or 0
