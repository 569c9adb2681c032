"""SQL of the inbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text
from sqlalchemy.orm import Session, attributes

from storecast.kit.types import ShopId
from storecast.webhooks.models import InboxEntry


def take_turns(session: Session, shop_id: ShopId) -> None:
    """Wait until nobody else drains the shop, and keep others waiting until the commit."""
    key = func.hashtextextended(f"webhooks.drain {shop_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def lock_due(
    session: Session, shop_id: ShopId, *, now: datetime, retry_base_s: float, limit: int
) -> Sequence[InboxEntry]:
    """The next entries that may be tried, in order of arrival; what is changed of them, `save` writes."""
    entries = session.scalars(
        select(InboxEntry)
        .where(
            InboxEntry.shop_id == shop_id,
            InboxEntry.state == "pending",
            or_(InboxEntry.attempts == 0, _next_try_at(retry_base_s) <= now),
        )
        .order_by(InboxEntry.id)
        .limit(limit)
        .with_for_update()
    ).all()
    for entry in entries:
        # Written one by one as the session would, before each handler and after, they cost as much as a handler.
        session.expunge(entry)
    return entries


_SAVE = text("""
    UPDATE webhook_inbox AS entry
       SET state = given.state, attempts = given.attempts, error = given.error, done_at = given.done_at,
           object_gid = given.object_gid, outcome = given.outcome, body = coalesce(given.emptied, entry.body)
      FROM unnest(
        CAST(:id AS bigint[]), CAST(:state AS text[]), CAST(:attempts AS smallint[]), CAST(:error AS text[]),
        CAST(:done_at AS timestamptz[]), CAST(:object_gid AS text[]), CAST(:outcome AS text[]),
        CAST(:emptied AS bytea[])
      ) AS given (id, state, attempts, error, done_at, object_gid, outcome, emptied)
     WHERE entry.id = given.id
""")


def save(session: Session, entries: Sequence[InboxEntry]) -> None:
    """Write what became of the entries, in one statement; a body only where it has been emptied."""
    if not entries:
        return
    names = ("id", "state", "attempts", "error", "done_at", "object_gid", "outcome")
    columns: dict[str, list[Any]] = {name: [getattr(entry, name) for entry in entries] for name in names}
    emptied = [
        entry.body if attributes.get_history(entry, "body").has_changes() else None for entry in entries
    ]
    session.execute(_SAVE, {**columns, "emptied": emptied})


def next_try_at(session: Session, shop_id: ShopId, *, retry_base_s: float) -> datetime | None:
    """When the first of the entries that failed is due again; None when none waits."""
    due_at: datetime | None = session.scalar(
        select(func.min(_next_try_at(retry_base_s))).where(
            InboxEntry.shop_id == shop_id, InboxEntry.state == "pending", InboxEntry.attempts > 0
        )
    )
    return due_at


def list_overdue(session: Session, *, before: datetime, drain: str) -> list[ShopId]:
    """Shops whose oldest pending entry came before the instant, and that have no job of this name in the outbox."""
    # One probe of the partial index a shop: a backlog's length does not matter.
    rows = session.scalars(
        text("""
        SELECT shops.id FROM shops, LATERAL (
          SELECT coalesce(replayed_at, received_at) AS since FROM webhook_inbox
           WHERE shop_id = shops.id AND state = 'pending' ORDER BY id LIMIT 1) AS oldest
         WHERE since < :before
           AND NOT EXISTS (SELECT FROM outbox WHERE outbox.shop_id = shops.id AND name = :drain)
         ORDER BY shops.id
        """),
        {"before": before, "drain": drain},
    )
    return [ShopId(shop_id) for shop_id in rows]


def figures(session: Session, shop_id: ShopId) -> Sequence[Any]:
    """When the last delivery came, how many wait, how many are dead."""
    return session.execute(
        select(
            func.max(InboxEntry.received_at),
            func.count().filter(InboxEntry.state == "pending"),
            func.count().filter(InboxEntry.state == "dead"),
        ).where(InboxEntry.shop_id == shop_id)
    ).one()


def count_dead(session: Session, shop_id: ShopId | None) -> int:
    statement = select(func.count()).where(InboxEntry.state == "dead")
    if shop_id is not None:
        statement = statement.where(InboxEntry.shop_id == shop_id)
    return session.scalar(statement) or 0


def delete_over(session: Session, *, done_before: datetime, dead_before: datetime) -> int:
    """Delete what was handled or belongs to no shop before one instant, and what nobody could handle before another."""
    gone = or_(
        and_(InboxEntry.state == "dead", InboxEntry.received_at < dead_before),
        and_(
            or_(InboxEntry.state == "done", InboxEntry.shop_id.is_(None)),
            InboxEntry.received_at < done_before,
        ),
    )
    return len(session.scalars(delete(InboxEntry).where(gone).returning(InboxEntry.id)).all())


def _next_try_at(retry_base_s: float) -> ColumnElement[Any]:
    # The waits double from the arrival (or the replay) on: 1, 3, 7 and 15 times the base after it.
    waited_s = retry_base_s * (func.power(2, InboxEntry.attempts) - 1)
    return func.coalesce(InboxEntry.replayed_at, InboxEntry.received_at) + waited_s * text(
        "interval '1 second'"
    )
