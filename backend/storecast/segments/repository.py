"""All SQL of segments."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.db.session import STATEMENT_TIMEOUT_MS
from storecast.kit.types import ShopId
from storecast.segments.models import Segment, SegmentSize

COUNTING = {"work_mem": "64MB", "random_page_cost": "1.1"}
"""For sets of a million ids, which a count builds: kept in memory, a hash join is a third of what it is on disk. And
pages are in memory or on a disk without a head: taken for dearer, a few thousand buyers of a product are found by
reading all orders (490 ms of CPU instead of 210)."""


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


def lock_all(session: Session, shop_id: ShopId) -> None:
    """Keep everybody else from changing what the shop's segments refer to until the transaction ends."""
    session.execute(
        select(Segment.id).where(Segment.shop_id == shop_id).order_by(Segment.id).with_for_update()
    ).all()
    session.expire_all()


def rules_by_public_id(
    session: Session, shop_id: ShopId, public_ids: Collection[str]
) -> dict[str, dict[str, object]]:
    """The stored rules of these segments."""
    rows = session.execute(
        select(Segment.public_id, Segment.rules).where(
            Segment.shop_id == shop_id, Segment.public_id.in_(list(public_ids))
        )
    )
    return {row.public_id: row.rules for row in rows}


def note_size(session: Session, shop_id: ShopId, segment_id: int, day: date, members: int) -> None:
    """The last count of a day is the day's."""
    given = insert(SegmentSize).values(shop_id=shop_id, segment_id=segment_id, day=day, member_count=members)
    session.execute(
        given.on_conflict_do_update(
            index_elements=[SegmentSize.segment_id, SegmentSize.day],
            set_={"member_count": given.excluded.member_count},
        )
    )


def list_sizes(session: Session, shop_id: ShopId, segment_id: int, since: date) -> Sequence[Row[date, int]]:
    """Day and members, oldest first."""
    return session.execute(
        select(SegmentSize.day, SegmentSize.member_count)
        .where(SegmentSize.shop_id == shop_id, SegmentSize.segment_id == segment_id, SegmentSize.day >= since)
        .order_by(SegmentSize.day)
    ).all()


def look(
    session: Session, audience: Select[Any], columns: Sequence[ColumnElement[Any]], customer_id: int
) -> Sequence[Any]:
    """What the columns say of one customer."""
    one = audience.with_only_columns(*columns).where(audience.selected_columns.id == customer_id)
    return tuple(session.execute(one).one())


def public_ids(session: Session, shop_id: ShopId, limit: int) -> Sequence[str]:
    query = select(Segment.public_id).where(Segment.shop_id == shop_id).order_by(Segment.id).limit(limit)
    return session.scalars(query).all()


def names(session: Session, shop_id: ShopId, segment_ids: Sequence[int]) -> dict[int, str]:
    query = select(Segment.id, Segment.name).where(Segment.shop_id == shop_id, Segment.id.in_(segment_ids))
    return {row.id: row.name for row in session.execute(query)}


def public_ids_of(session: Session, shop_id: ShopId, segment_ids: Sequence[int]) -> dict[int, str]:
    query = select(Segment.id, Segment.public_id).where(
        Segment.shop_id == shop_id, Segment.id.in_(segment_ids)
    )
    return {row.id: row.public_id for row in session.execute(query)}


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
        before = session.execute(select(*(func.current_setting(name).label(name) for name in COUNTING))).one()
        _set(session, statement_timeout=str(timeout_ms), **COUNTING)
        yield
        _set(session, statement_timeout=str(STATEMENT_TIMEOUT_MS), **before._mapping)


def _set(session: Session, **settings: str) -> None:
    """Until the transaction ends."""
    session.execute(select(*(func.set_config(name, value, True) for name, value in settings.items())))
