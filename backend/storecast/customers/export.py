"""Customers as a CSV file that an import takes back: all of them, or a segment as it is when the export begins."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from storecast.audit import access
from storecast.audit import service as audit
from storecast.customers import selectables, writing
from storecast.kit import csv_rows
from storecast.kit.types import ShopId
from storecast.shops.unit_of_work import UnitOfWork

AT_ONCE = 2_000

COLUMNS = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "tags",
    "country",
    "consent",
    "consent_at",
    "orders_count",
    "last_order_at",
)


def begin(session: Session, shop_id: ShopId, segment_id: str | None, *, actor: str) -> Sequence[int] | None:
    """Whom the file holds, by id, None for everybody; writes down who takes it. Raises SegmentUnknown."""
    ids: Sequence[int] | None = None
    if segment_id is None:
        people = selectables.audience(shop_id).subquery()
        count = session.scalar(select(func.count()).select_from(people)) or 0
    else:
        members = writing.members_of(session, shop_id, segment_id).subquery()
        # Numbers of eight bytes: a million are some dozen megabytes, and the file is of one moment.
        ids = session.scalars(select(members.c.id).order_by(members.c.id)).all()
        count = len(ids)
    access.note(session, shop_id, actor, "export", segment_id or "customers", people=count)
    audit.record(session, shop_id, actor, "customers_exported", segment_id or "customers", people=count)
    return ids


def iter_csv(unit_of_work: UnitOfWork, shop_id: ShopId, ids: Sequence[int] | None) -> Iterator[str]:
    """The file, some thousand rows at a time, each page read in a transaction of its own."""
    # The mark makes spreadsheets read the file as UTF-8.
    yield "\ufeff" + csv_rows.row(COLUMNS)
    if ids is None:
        after: int | None = 0
        while after is not None:
            with unit_of_work() as session:
                found = session.execute(_after(shop_id, after)).all()
            yield "".join(map(_line, found))
            after = found[-1].id if len(found) == AT_ONCE else None
        return
    for start in range(0, len(ids), AT_ONCE):
        with unit_of_work() as session:
            person = selectables.audience(shop_id).subquery()
            wanted = ids[start : start + AT_ONCE]
            found = session.execute(select(person).where(person.c.id.in_(wanted)).order_by(person.c.id)).all()
        yield "".join(map(_line, found))


def _after(shop_id: ShopId, after: int) -> Select[Any]:
    person = selectables.audience(shop_id).subquery()
    return select(person).where(person.c.id > after).order_by(person.c.id).limit(AT_ONCE)


def _line(row: Row[*tuple[Any, ...]]) -> str:
    return csv_rows.row(
        (
            row.email,
            row.first_name,
            row.last_name,
            row.phone,
            ", ".join(row.tags),
            row.country,
            row.email_state,
            row.email_consent_at and row.email_consent_at.isoformat(),
            row.orders_count,
            row.last_order_at and row.last_order_at.isoformat(),
        )
    )
