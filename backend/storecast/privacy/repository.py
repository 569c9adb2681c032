"""All SQL of privacy. It works on any table by its declaration, so that no table needs code of its own."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.privacy.coverage import Mention, Rule, Subject, of_shop, quotes, table, waiting_webhook
from storecast.privacy.models import PrivacyArchive, PrivacyRequest
from storecast.privacy.needles import MASK, phone_digits

SEARCH_TIMEOUT_S = 900
"""A search reads every row of a shop's history once; it locks only what it finds."""


def add(session: Session, values: dict[str, Any]) -> int | None:
    """The id of the new request; None when the delivery was seen before."""
    statement = insert(PrivacyRequest).values(values).on_conflict_do_nothing(index_elements=["webhook_id"])
    return session.scalar(statement.returning(PrivacyRequest.id))


def find(session: Session, shop_id: ShopId, request_id: int, *, lock: bool = False) -> PrivacyRequest | None:
    query = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id, PrivacyRequest.id == request_id)
    return session.scalar(query.with_for_update() if lock else query)


def list_newest(
    session: Session, shop_id: ShopId, after_id: int | None, limit: int
) -> Sequence[PrivacyRequest]:
    query = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id)
    if after_id is not None:
        query = query.where(PrivacyRequest.id < after_id)
    return session.scalars(query.order_by(PrivacyRequest.id.desc()).limit(limit)).all()


def count_due(session: Session, shop_id: ShopId | None, before: datetime) -> int:
    """Open requests (of one shop, or of all that the session sees) whose deadline comes before the instant."""
    query = select(func.count()).where(PrivacyRequest.state == "received", PrivacyRequest.due_at < before)
    if shop_id is not None:
        query = query.where(PrivacyRequest.shop_id == shop_id)
    return session.scalar(query) or 0


def list_open(session: Session) -> list[tuple[int, int]]:
    """Shop and id of every open request."""
    query = select(PrivacyRequest.shop_id, PrivacyRequest.id).where(
        PrivacyRequest.state == "received", PrivacyRequest.shop_id.is_not(None)
    )
    return [(shop_id, request_id) for shop_id, request_id in session.execute(query) if shop_id is not None]


def lock_strangers(session: Session, topics: Sequence[str], limit: int) -> list[Any]:
    """Deliveries of the topics from domains that Storecast does not know, not answered yet."""
    inbox = table("webhook_inbox").c
    query = select(inbox.id, inbox.shop_domain, inbox.webhook_id, inbox.topic, inbox.received_at).where(
        inbox.shop_id.is_(None), inbox.topic.in_(topics), inbox.state == "pending"
    )
    return list(session.execute(query.order_by(inbox.id).limit(limit).with_for_update(skip_locked=True)))


def answer_strangers(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Mark the deliveries as worked off, without what they said."""
    inbox = table("webhook_inbox")
    session.execute(
        update(inbox).where(inbox.c.id.in_(ids)).values(state="done", done_at=now, body=b"{}", error=None)
    )


def customer_rows(
    session: Session, shop_id: ShopId, gids: Sequence[str], emails: Sequence[str], phones: Sequence[str]
) -> list[Any]:
    """The customers known under any of these."""
    customers = table("customers").c
    digits = func.regexp_replace(customers.phone, r"\D", "", "g")
    return list(
        session.execute(
            select(
                customers.id,
                customers.public_id,
                customers.gid,
                customers.email,
                customers.phone,
                customers.first_name,
                customers.last_name,
            ).where(
                customers.shop_id == shop_id,
                or_(
                    customers.gid.in_(gids),
                    func.lower(customers.email).in_(emails),
                    digits.in_([phone_digits(phone) for phone in phones]),
                ),
            )
        )
    )


def order_rows(session: Session, shop_id: ShopId, subject: Subject, order_gids: Sequence[str]) -> list[Any]:
    """The person's orders, and those that the request names."""
    orders = table("orders").c
    return list(
        session.execute(
            select(
                orders.id,
                orders.gid,
                orders.email,
                orders.cart_token,
                orders.checkout_token,
                orders.client_id,
            ).where(
                orders.shop_id == shop_id,
                or_(
                    orders.customer_id.in_(subject.customer_ids),
                    orders.customer_gid.in_(subject.gids),
                    func.lower(orders.email).in_(subject.emails),
                    orders.gid.in_(order_gids),
                ),
            )
        )
    )


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


def count(
    session: Session, shop_id: ShopId, name: str, rule: Rule, subject: Subject, personal: Sequence[str]
) -> int:
    """Rows of a table that say something of the person."""
    target = table(name)
    mine = _mine(target, shop_id, rule, subject, personal)
    return session.scalar(select(func.count()).select_from(target).where(mine)) or 0


def erase(
    session: Session, shop_id: ShopId, name: str, rule: Rule, subject: Subject, personal: Sequence[str]
) -> int:
    """Delete the person's rows of a table, or empty their personal columns; returns how many."""
    target = table(name)
    mine = _mine(target, shop_id, rule, subject, personal)
    if rule.action == "delete":
        return session.execute(delete(target).where(mine)).rowcount  # type: ignore[attr-defined,no-any-return]
    emptied = _emptied(target, (*personal, *rule.unlink))
    return session.execute(update(target).where(mine).values(emptied)).rowcount  # type: ignore[attr-defined,no-any-return]


def count_mentions(session: Session, shop_id: ShopId, name: str, mention: Mention, subject: Subject) -> int:
    """Rows of a table that quote the person."""
    target = table(name)
    mine = and_(of_shop(target, shop_id, platform=mention.platform), quotes(target, mention, subject))
    return session.scalar(select(func.count()).select_from(target).where(mine)) or 0


def erase_mentions(session: Session, shop_id: ShopId, name: str, mention: Mention, subject: Subject) -> int:
    """Take the person out of the rows that quote them; returns how many rows that were."""
    target = table(name)
    mine = and_(of_shop(target, shop_id, platform=mention.platform), quotes(target, mention, subject))
    values = _emptied(target, mention.empties)
    values |= {column: _without(target.c[column], subject) for column in mention.replaces}
    values |= {
        column: _without(target.c[column], subject) + " #" + cast(target.c.id, Text)
        for column in mention.numbered
    }
    values |= {column: _filtered(target.c[column], subject) for column in mention.filters}
    if mention.stops:
        values["cancel_requested_at"] = func.coalesce(target.c.cancel_requested_at, func.now())
    return session.execute(update(target).where(mine).values(values)).rowcount  # type: ignore[attr-defined,no-any-return]


def is_anything_under_way(session: Session, shop_id: ShopId, subject: Subject) -> bool:
    """Whether a webhook about the person still waits for its turn."""
    inbox = table("webhook_inbox")
    waiting = and_(inbox.c.shop_id == shop_id, waiting_webhook(inbox, subject))
    return bool(session.scalar(select(exists().where(waiting))))


def empty_shop_columns(
    session: Session, shop_id: ShopId, name: str, key: str, personal: Sequence[str]
) -> None:
    """Empty the personal columns of the shop's own rows."""
    target = table(name)
    session.execute(update(target).where(target.c[key] == shop_id).values(_emptied(target, personal)))


def count_of_shop(session: Session, shop_id: ShopId, name: str, *, but_job: str | None = None) -> int:
    """How many rows of a table belong to the shop; jobs of one name not counted."""
    target = table(name)
    return session.scalar(select(func.count()).select_from(target).where(_of(target, shop_id, but_job))) or 0


def delete_some(
    session: Session, shop_id: ShopId, name: str, limit: int, *, but_job: str | None = None
) -> int:
    """Delete up to ``limit`` rows of the shop, jobs of one name spared; returns how many."""
    target = table(name)
    key = list(target.primary_key.columns)
    mine = _of(target, shop_id, but_job)
    some: ColumnElement[bool] = tuple_(*key).in_(select(*key).where(mine).limit(limit))
    return session.execute(delete(target).where(mine, some)).rowcount  # type: ignore[attr-defined,no-any-return]


def may_delete(session: Session, name: str) -> bool:
    """Whether the session's role may delete rows of the table."""
    return bool(session.scalar(select(func.has_table_privilege(name, "DELETE"))))


def allow_long_search(session: Session) -> None:
    """Let the statements of this transaction take their time."""
    session.execute(text(f"SET LOCAL statement_timeout = '{SEARCH_TIMEOUT_S}s'"))


def keep_archive(session: Session, shop_id: ShopId, request_id: int, pieces: Sequence[bytes]) -> None:
    """Store an archive in the place of an earlier one."""
    drop_archive(session, shop_id, request_id)
    rows = [
        {"shop_id": shop_id, "request_id": request_id, "number": number, "body": body}
        for number, body in enumerate(pieces)
    ]
    session.execute(insert(PrivacyArchive), rows)


def drop_archive(session: Session, shop_id: ShopId, request_id: int) -> None:
    mine = (PrivacyArchive.shop_id == shop_id) & (PrivacyArchive.request_id == request_id)
    session.execute(delete(PrivacyArchive).where(mine))


def archive(session: Session, shop_id: ShopId, request_id: int) -> bytes:
    """The whole archive; empty when there is none."""
    mine = (PrivacyArchive.shop_id == shop_id) & (PrivacyArchive.request_id == request_id)
    return b"".join(session.scalars(select(PrivacyArchive.body).where(mine).order_by(PrivacyArchive.number)))


def lock_expired(session: Session, now: datetime) -> Sequence[PrivacyRequest]:
    """Requests whose archive is past its time."""
    query = select(PrivacyRequest).where(PrivacyRequest.archive_until < now).order_by(PrivacyRequest.id)
    return session.scalars(query.limit(1000).with_for_update(skip_locked=True)).all()


def _of(target: Table, shop_id: ShopId, but_job: str | None) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = target.c.shop_id == shop_id
    return and_(mine, target.c.name != but_job) if but_job is not None else mine


def _mine(
    target: Table, shop_id: ShopId, rule: Rule, subject: Subject, personal: Sequence[str]
) -> ColumnElement[bool]:
    """The person's rows; of a table that is cleared those that were not cleared yet."""
    mine = and_(target.c.shop_id == shop_id, rule.match(target, subject))
    if rule.action == "delete":
        return mine
    filled = (
        target.c[column].is_distinct_from(literal(_nothing(target, column), target.c[column].type))
        if _nothing(target, column) is not None
        else target.c[column].is_not(None)
        for column in (*personal, *rule.unlink)
    )
    return and_(mine, or_(*filled))


def _without(column: ColumnElement[Any], subject: Subject) -> ColumnElement[Any]:
    """The column with a mark wherever the person is quoted; a number in JSON becomes 0."""
    quoted = func.regexp_replace(cast(column, Text), subject.in_records().in_text(), MASK, "gi")
    if isinstance(column.type, JSONB):
        return cast(func.regexp_replace(quoted, subject.needles.in_numbers(), "0", "g"), JSONB)
    return quoted


def _filtered(column: ColumnElement[Any], subject: Subject) -> ColumnElement[Any]:
    """The array without the items that hold a quote: ``customer_gid:gid://…`` goes as a whole."""
    item = func.unnest(column).column_valued("item")
    expression = subject.in_records().in_text()
    return func.array(select(item).where(not_(item.op("~*")(expression))).scalar_subquery())


def _emptied(target: Table, columns: Sequence[str]) -> dict[str, Any]:
    """Values for an update; None given to a jsonb column would be JSON's null, which is something."""
    nothing = {column: _nothing(target, column) for column in columns}
    return {column: null() if value is None else value for column, value in nothing.items()}


def _nothing(target: Table, column: str) -> Any:
    """What a column holds when it says nothing: null where it may be, else the empty value of its type."""
    kind = target.c[column]
    if kind.nullable:
        return None
    if isinstance(kind.type, ARRAY):
        return []
    if isinstance(kind.type, JSONB):
        return [] if _is_list(kind) else {}
    return "" if kind.type.python_type is str else kind.type.python_type()


def _is_list(column: Any) -> bool:
    """Whether a jsonb column that is never null holds a list: its default says so."""
    default = column.server_default
    return default is not None and "[]" in str(default.arg)
