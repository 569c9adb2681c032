"""All SQL of suggested segments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, case, delete, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Double

from storecast.ai.grid import QUANTILES, Cell, Edges, Spread
from storecast.ai.models import MicroSegment
from storecast.customers import selectables
from storecast.kit.types import ShopId
from storecast.segments.compiler import Calendar, compile_rules
from storecast.segments.rules import Condition, Group, Negation

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Counted:
    """The buyers whom a rule tree describes."""

    customers: int
    orders: int
    spent_minor: int
    median_days: int | None


def has_buyers(session: Session, shop_id: ShopId, at_least: int) -> bool:
    """Looks at no more rows of the index than it takes to know."""
    audience = _buyers(shop_id)
    some = audience.with_only_columns(audience.selected_columns.id).limit(at_least).subquery()
    return session.scalar(select(func.count()).select_from(some)) == at_least


def spread(session: Session, shop_id: ShopId, now: datetime) -> Spread:
    """How the shop's buyers are spread along each axis."""
    buyers = _buyers(shop_id).subquery()
    levels = literal(list(QUANTILES), ARRAY(Double))
    row = session.execute(
        select(
            func.count(),
            *(
                func.percentile_disc(levels).within_group(axis)
                for axis in (buyers.c.orders_count, buyers.c.total_spent_minor, _days(buyers.c, now))
            ),
        )
    ).one()
    return Spread(row[0], *(row[axis] or [] for axis in (1, 2, 3)))


def cells(session: Session, shop_id: ShopId, edges: Edges, calendar: Calendar) -> list[Cell]:
    """The grid's cells that have buyers. Days are counted by the compiler of segments, as the rules will be."""
    audience = _buyers(shop_id)
    columns = audience.selected_columns
    place = (
        _bucket([columns.orders_count < edge for edge in edges.orders]),
        _bucket([columns.total_spent_minor < edge for edge in edges.spent_minor]),
        _bucket(
            [
                compile_rules(
                    Condition(field="last_order_at", operator="in_last_days", value=edge), audience, calendar
                )
                for edge in edges.days
            ]
        ),
    )
    placed = audience.with_only_columns(
        *(bucket.label(f"bucket_{axis}") for axis, bucket in enumerate(place)),
        columns.orders_count,
        columns.total_spent_minor,
        _days(columns, calendar.now).label("days"),
    ).subquery()
    at = [placed.c[f"bucket_{axis}"] for axis in range(len(place))]
    sums = [func.sum(column) for column in (placed.c.orders_count, placed.c.total_spent_minor, placed.c.days)]
    rows = session.execute(select(*at, func.count(), *sums).group_by(*at).order_by(*at))
    return [
        Cell((row[0], row[1], row[2]), row[3], int(row[4]), int(row[5]), int(row[6] or 0)) for row in rows
    ]


def count_groups(
    session: Session, shop_id: ShopId, trees: Sequence[Group | Negation | Condition], calendar: Calendar
) -> list[Counted]:
    """The members of each tree, by the same SQL as a segment's. The trees share no member."""
    audience = _buyers(shop_id)
    columns = audience.selected_columns
    grouped = audience.with_only_columns(
        _bucket([compile_rules(tree, audience, calendar) for tree in trees]).label("tree"),
        columns.orders_count,
        columns.total_spent_minor,
        _days(columns, calendar.now).label("days"),
    ).subquery()
    rows = session.execute(
        select(
            grouped.c.tree,
            func.count(),
            func.sum(grouped.c.orders_count),
            func.sum(grouped.c.total_spent_minor),
            func.percentile_disc(0.5).within_group(grouped.c.days),
        ).group_by(grouped.c.tree)
    )
    counted = {row[0]: Counted(row[1], int(row[2]), int(row[3]), row[4]) for row in rows}
    return [counted.get(number, Counted(0, 0, 0, None)) for number in range(len(trees))]


def lock_shop(session: Session, shop_id: ShopId) -> None:
    """One search at a time in a shop, until the end of the transaction."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('micro_segments'), :shop_id)"),
        {"shop_id": shop_id % 2**31},
    )


def write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert suggestions; one with the same rules keeps its id and what became of it."""
    if not rows:
        return
    statement = insert(MicroSegment).values(list(rows))
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[MicroSegment.shop_id, text("md5(rules::text)")],
            set_={
                name: statement.excluded[name]
                for name in ("label", "number", "customers", "facts", "found_at")
            },
        )
    )


def forget_before(session: Session, shop_id: ShopId, found_at: datetime) -> None:
    """Delete what was found earlier, unless it became a segment."""
    session.execute(
        delete(MicroSegment).where(
            MicroSegment.shop_id == shop_id,
            MicroSegment.found_at < found_at,
            MicroSegment.segment_id.is_(None),
        )
    )


def list_newest(session: Session, shop_id: ShopId) -> Sequence[MicroSegment]:
    """What was found last, not what only stayed because it became a segment."""
    newest = select(func.max(MicroSegment.found_at)).where(MicroSegment.shop_id == shop_id)
    return session.scalars(
        select(MicroSegment).where(
            MicroSegment.shop_id == shop_id, MicroSegment.found_at == newest.scalar_subquery()
        )
    ).all()


def lock(session: Session, shop_id: ShopId, public_id: str) -> MicroSegment | None:
    """The suggestion, held against whoever saves it at the same time."""
    return session.scalar(
        select(MicroSegment)
        .where(MicroSegment.shop_id == shop_id, MicroSegment.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _buyers(shop_id: ShopId) -> Select[Any]:
    audience = selectables.audience(shop_id)
    return audience.where(audience.selected_columns.orders_count >= 1)


def _days(columns: Any, now: datetime) -> ColumnElement[int]:
    """Whole days since the last order; none for an instant that is still to come."""
    seconds = func.extract("epoch", literal(now) - columns.last_order_at)
    return func.greatest(0, func.floor(seconds / SECONDS_A_DAY)).cast(Integer)


def _bucket(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[int]:
    """The number of the first condition that holds; how many there are when none does."""
    if not conditions:
        return literal(0, Integer)
    numbered = [(condition, literal(number, Integer)) for number, condition in enumerate(conditions)]
    return case(*numbered, else_=literal(len(conditions), Integer))
