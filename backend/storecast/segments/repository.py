"""All SQL of segments."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, tuple_
from sqlalchemy.orm import Session

from storecast.db.session import STATEMENT_TIMEOUT_MS
from storecast.kit.types import ShopId
from storecast.segments.models import Segment


def add(session: Session, segment: Segment) -> None:
    session.add(segment)
    # Flushed so that a taken name is refused here and not at commit.
    session.flush()


def find(session: Session, shop_id: ShopId, public_id: str) -> Segment | None:
    return session.scalar(select(Segment).where(Segment.shop_id == shop_id, Segment.public_id == public_id))


def find_by_id(session: Session, shop_id: ShopId, segment_id: int) -> Segment | None:
    return session.scalar(select(Segment).where(Segment.shop_id == shop_id, Segment.id == segment_id))


def lock(session: Session, shop_id: ShopId, public_id: str) -> Segment | None:
    return session.scalar(
        select(Segment)
        .where(Segment.shop_id == shop_id, Segment.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_newest(
    session: Session, shop_id: ShopId, after: tuple[datetime, int] | None, limit: int
) -> Sequence[Segment]:
    """Newest first, from behind the given key."""
    query = select(Segment).where(Segment.shop_id == shop_id)
    if after is not None:
        query = query.where(tuple_(Segment.created_at, Segment.id) < after)
    return session.scalars(query.order_by(Segment.created_at.desc(), Segment.id.desc()).limit(limit)).all()


def list_all(session: Session, shop_id: ShopId) -> Sequence[Segment]:
    return session.scalars(select(Segment).where(Segment.shop_id == shop_id).order_by(Segment.id)).all()


def public_ids(session: Session, shop_id: ShopId, limit: int) -> Sequence[str]:
    query = select(Segment.public_id).where(Segment.shop_id == shop_id).order_by(Segment.id).limit(limit)
    return session.scalars(query).all()


def names(session: Session, shop_id: ShopId, segment_ids: Sequence[int]) -> dict[int, str]:
    query = select(Segment.id, Segment.name).where(Segment.shop_id == shop_id, Segment.id.in_(segment_ids))
    return {row.id: row.name for row in session.execute(query)}


def name_taken(session: Session, shop_id: ShopId, name: str, *, besides: int | None) -> bool:
    query = select(Segment.id).where(Segment.shop_id == shop_id, func.lower(Segment.name) == func.lower(name))
    if besides is not None:
        query = query.where(Segment.id != besides)
    return session.scalar(select(query.exists())) or False


def remove(session: Session, shop_id: ShopId, segment_id: int) -> None:
    session.execute(delete(Segment).where(Segment.shop_id == shop_id, Segment.id == segment_id))


def count(session: Session, shop_id: ShopId) -> int:
    return session.scalar(select(func.count()).select_from(Segment).where(Segment.shop_id == shop_id)) or 0


def holds(session: Session, members: Select[Any], customer_id: int) -> bool:
    """Whether a customer is among the members."""
    one = members.where(members.selected_columns.id == customer_id)
    return session.scalar(select(one.exists())) or False


def count_members(session: Session, members: Select[Any], timeout_ms: int) -> int:
    """How many rows the query has; raises QueryCanceled when that takes too long."""
    with _patience(session, timeout_ms):
        return session.scalar(select(func.count()).select_from(members.subquery())) or 0


def sample_members(session: Session, members: Select[Any], limit: int, timeout_ms: int) -> Sequence[int]:
    """The newest members."""
    identifier = members.selected_columns.id
    with _patience(session, timeout_ms):
        return session.scalars(
            members.with_only_columns(identifier).order_by(identifier.desc()).limit(limit)
        ).all()


@contextmanager
def _patience(session: Session, timeout_ms: int) -> Iterator[None]:
    """Run the block's statements under a time limit of their own, inside a savepoint that takes the abort."""
    with session.begin_nested():
        session.execute(select(func.set_config("statement_timeout", str(timeout_ms), True)))
        yield
        session.execute(select(func.set_config("statement_timeout", str(STATEMENT_TIMEOUT_MS), True)))
