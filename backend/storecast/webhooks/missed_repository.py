"""SQL of the counts of deliveries that never came."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.webhooks.models import MissedCount


def add(session: Session, shop_id: ShopId, day: date, family: str, *, polled: int, missed: int) -> None:
    row = insert(MissedCount).values(shop_id=shop_id, day=day, family=family, polled=polled, missed=missed)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["shop_id", "day", "family"],
            set_={
                "polled": MissedCount.polled + row.excluded.polled,
                "missed": MissedCount.missed + row.excluded.missed,
            },
        )
    )


def list_days(session: Session, shop_id: ShopId, *, since: date) -> Sequence[MissedCount]:
    return session.scalars(
        select(MissedCount)
        .where(MissedCount.shop_id == shop_id, MissedCount.day >= since)
        .order_by(MissedCount.day.desc(), MissedCount.family)
    ).all()


def count(session: Session, shop_id: ShopId | None, *, since: date) -> int:
    statement = select(func.coalesce(func.sum(MissedCount.missed), 0)).where(MissedCount.day >= since)
    if shop_id is not None:
        statement = statement.where(MissedCount.shop_id == shop_id)
    return int(session.scalar(statement) or 0)


def delete(session: Session, *, before: date) -> None:
    session.execute(sql_delete(MissedCount).where(MissedCount.day < before))
