"""All SQL of privacy. It works on any table by its declaration, so that no table needs code of its own."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Table, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.privacy.coverage import Rule, Subject, table
from storecast.privacy.models import PrivacyRequest


def add(session: Session, values: dict[str, Any]) -> int | None:
    """The id of the new request; None when the delivery was seen before."""
    statement = insert(PrivacyRequest).values(values).on_conflict_do_nothing(index_elements=["webhook_id"])
    return session.scalar(statement.returning(PrivacyRequest.id))


def find(session: Session, shop_id: ShopId, request_id: int) -> PrivacyRequest | None:
    return session.scalar(
        select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id, PrivacyRequest.id == request_id)
    )


def lock(session: Session, shop_id: ShopId, request_id: int) -> PrivacyRequest | None:
    return session.scalar(
        select(PrivacyRequest)
        .where(PrivacyRequest.shop_id == shop_id, PrivacyRequest.id == request_id)
        .with_for_update()
    )


def list_newest(
    session: Session, shop_id: ShopId, after_id: int | None, limit: int
) -> Sequence[PrivacyRequest]:
    query = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id)
    if after_id is not None:
        query = query.where(PrivacyRequest.id < after_id)
    return session.scalars(query.order_by(PrivacyRequest.id.desc()).limit(limit)).all()


def customer_rows(
    session: Session, shop_id: ShopId, gids: Sequence[str], emails: Sequence[str]
) -> list[tuple[int, str, str | None]]:
    """Ids, gids and addresses of the customers known under any of these."""
    customers = table("customers").c
    rows = session.execute(
        select(customers.id, customers.gid, customers.email).where(
            customers.shop_id == shop_id,
            or_(customers.gid.in_(gids), func.lower(customers.email).in_(emails)),
        )
    )
    return [(row.id, row.gid, row.email) for row in rows]


def order_rows(
    session: Session, shop_id: ShopId, subject: Subject, order_gids: Sequence[str]
) -> list[tuple[int, str]]:
    """Ids and gids of the person's orders, and of those that the request names."""
    orders = table("orders").c
    rows = session.execute(
        select(orders.id, orders.gid).where(
            orders.shop_id == shop_id,
            or_(
                orders.customer_id.in_(subject.customer_ids),
                orders.customer_gid.in_(subject.gids),
                func.lower(orders.email).in_(subject.emails),
                orders.gid.in_(order_gids),
            ),
        )
    )
    return [(row.id, row.gid) for row in rows]


def client_ids(session: Session, shop_id: ShopId, subject: Subject) -> list[str]:
    """The browsers that are known to be the person's."""
    identities, visits = table("identities").c, table("pixel_events").c
    known = select(identities.client_id).where(
        identities.shop_id == shop_id, identities.customer_id.in_(subject.customer_ids)
    )
    seen = select(visits.client_id).where(
        visits.shop_id == shop_id,
        or_(visits.customer_gid.in_(subject.gids), visits.order_gid.in_(subject.order_gids)),
    )
    return sorted(session.scalars(known.union(seen)))


def rows_of(
    session: Session, shop_id: ShopId, name: str, rule: Rule, subject: Subject
) -> Iterator[dict[str, Any]]:
    """The person's rows of a table, every column."""
    source = table(name)
    query = select(source).where(source.c.shop_id == shop_id, rule.match(source, subject))
    return (dict(row) for row in session.execute(query).mappings())


def erase(
    session: Session, shop_id: ShopId, name: str, rule: Rule, subject: Subject, personal: Sequence[str]
) -> int:
    """Delete the person's rows of a table, or empty their personal columns; returns how many."""
    target = table(name)
    mine = (target.c.shop_id == shop_id) & rule.match(target, subject)
    if rule.action == "delete":
        return session.execute(delete(target).where(mine)).rowcount  # type: ignore[attr-defined,no-any-return]
    emptied = {column: _nothing(target, column) for column in (*personal, *rule.unlink)}
    return session.execute(update(target).where(mine).values(emptied)).rowcount  # type: ignore[attr-defined,no-any-return]


def empty_shop_columns(
    session: Session, shop_id: ShopId, name: str, key: str, personal: Sequence[str]
) -> None:
    """Empty the personal columns of the shop's own rows."""
    target = table(name)
    emptied = {column: _nothing(target, column) for column in personal}
    session.execute(update(target).where(target.c[key] == shop_id).values(emptied))


def delete_some(session: Session, shop_id: ShopId, name: str, limit: int) -> int:
    """Delete up to ``limit`` rows of the shop; returns how many."""
    target = table(name)
    key = list(target.primary_key.columns)
    some = select(*key).where(target.c.shop_id == shop_id).limit(limit)
    mine: ColumnElement[bool] = tuple_(*key).in_(some)
    statement = delete(target).where(target.c.shop_id == shop_id, mine)
    return session.execute(statement).rowcount  # type: ignore[attr-defined,no-any-return]


def set_done(session: Session, request: PrivacyRequest, result: dict[str, Any], now: datetime) -> None:
    request.state, request.done_at = "done", now
    request.result = result
    request.subject = None


def _nothing(target: Table, column: str) -> Any:
    """What a column holds when it says nothing: null where it may be, else the empty value of its type."""
    kind = target.c[column]
    if kind.nullable:
        return None
    if isinstance(kind.type, ARRAY):
        return []
    if isinstance(kind.type, JSONB):
        return {}
    return "" if kind.type.python_type is str else kind.type.python_type()
