"""SQL of the marks on objects."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.webhooks.models import ObjectMark

GONE = "gone"
MISSED = "missed"
"""Aspects that are no report's: the end of an object, and what a poll has counted already."""


class Mark(NamedTuple):
    """The newest report on an aspect of an object."""

    gid: str
    aspect: str
    at: datetime
    triggered_at: datetime | None


_WRITE = text("""
    INSERT INTO webhook_marks (shop_id, gid, aspect, at, triggered_at)
    SELECT :shop_id, * FROM unnest(
      CAST(:gid AS text[]), CAST(:aspect AS text[]), CAST(:at AS timestamptz[]), CAST(:triggered_at AS timestamptz[])
    )
    ON CONFLICT (shop_id, gid, aspect) DO UPDATE
      SET at = EXCLUDED.at, triggered_at = EXCLUDED.triggered_at, noted_at = now()
""")


def list_marks(session: Session, shop_id: ShopId, gids: Collection[str]) -> list[Mark]:
    if not gids:
        return []
    rows = session.execute(
        select(ObjectMark.gid, ObjectMark.aspect, ObjectMark.at, ObjectMark.triggered_at).where(
            ObjectMark.shop_id == shop_id, ObjectMark.gid.in_(list(gids))
        )
    )
    return [Mark(*row) for row in rows]


def write_marks(session: Session, shop_id: ShopId, marks: Collection[Mark]) -> None:
    if not marks:
        return
    # In one order of keys: whoever else writes some of these waits instead of deadlocking.
    ordered = sorted(marks, key=lambda mark: mark[:2])
    columns = {name: [getattr(mark, name) for mark in ordered] for name in Mark._fields}
    session.execute(_WRITE, {"shop_id": shop_id, **columns})


def bury(session: Session, shop_id: ShopId, gid: str, *, at: datetime, heir_gid: str | None) -> None:
    """The object's other marks go; an heir that is known stays known."""
    session.execute(
        delete(ObjectMark).where(
            ObjectMark.shop_id == shop_id, ObjectMark.gid == gid, ObjectMark.aspect != GONE
        )
    )
    row = insert(ObjectMark).values(shop_id=shop_id, gid=gid, aspect=GONE, at=at, heir_gid=heir_gid)
    heir = func.coalesce(row.excluded.heir_gid, ObjectMark.heir_gid)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["shop_id", "gid", "aspect"], set_={"heir_gid": heir, "noted_at": func.now()}
        )
    )


def find_gone(session: Session, shop_id: ShopId, gids: Collection[str]) -> dict[str, str | None]:
    rows = session.execute(
        select(ObjectMark.gid, ObjectMark.heir_gid).where(
            ObjectMark.shop_id == shop_id, ObjectMark.aspect == GONE, ObjectMark.gid.in_(list(gids))
        )
    )
    return {row.gid: row.heir_gid for row in rows}


def drop_gone(session: Session, shop_id: ShopId, staged: str) -> None:
    session.execute(
        text(
            f"DELETE FROM {staged} USING webhook_marks AS mark "
            f"WHERE mark.shop_id = :shop_id AND mark.gid = ANY (ARRAY(SELECT gid FROM {staged})) "
            f"AND mark.aspect = '{GONE}' AND mark.gid = {staged}.gid"
        ),
        {"shop_id": shop_id},
    )


def newest_reports(session: Session, shop_id: ShopId, gids: Collection[str]) -> dict[str, datetime]:
    """What counts as told: a report on the object's state, its end, and an earlier poll's count."""
    told = ("state", GONE, MISSED)
    ended = func.bool_or(ObjectMark.aspect == GONE)
    rows = session.execute(
        select(ObjectMark.gid, func.max(ObjectMark.at), ended)
        .where(ObjectMark.shop_id == shop_id, ObjectMark.gid.in_(list(gids)), ObjectMark.aspect.in_(told))
        .group_by(ObjectMark.gid)
    )
    return {gid: datetime.max.replace(tzinfo=at.tzinfo) if over else at for gid, at, over in rows}


def told_since(session: Session, shop_id: ShopId, aspect: str, since: datetime) -> list[str]:
    return list(
        session.scalars(
            select(ObjectMark.gid).where(
                ObjectMark.shop_id == shop_id, ObjectMark.aspect == aspect, ObjectMark.at >= since
            )
        )
    )


def delete_marks(session: Session, *, before: datetime) -> int:
    statement = delete(ObjectMark).where(ObjectMark.noted_at < before).returning(ObjectMark.gid)
    return len(session.scalars(statement).all())
