"""From a rule tree to SQL.

Members are exactly the customers for whom the tree is true, and a missing value never makes a question true
that asks for a value. Negation is pushed down to the conditions, where it becomes IS NOT TRUE, so that every
positive condition stays as plain as an index needs it.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from storecast.segments.fields import FIELDS, Field
from storecast.segments.rules import Condition, Days, Group, Negation, Value, read_value


@dataclass(frozen=True, slots=True)
class Calendar:
    """The instant at which a segment is asked, and the time zone in which its days are counted."""

    now: datetime
    timezone: str
    currency: str

    def day_start(self, *, days_back: int) -> datetime:
        """Local midnight so many calendar days before today."""
        zone = ZoneInfo(self.timezone)
        day = self.now.astimezone(zone).date() - timedelta(days=days_back)
        return datetime.combine(day, time(), zone)


def compile_rules(
    rules: Group | Negation | Condition, audience: Select[Any], calendar: Calendar
) -> ColumnElement[bool]:
    """The condition on the columns of ``audience`` that is true for members."""
    return _compile(rules, audience, calendar, negated=False)


def _compile(
    node: Group | Negation | Condition, audience: Select[Any], calendar: Calendar, *, negated: bool
) -> ColumnElement[bool]:
    if isinstance(node, Negation):
        return _compile(node.rule, audience, calendar, negated=not negated)
    if isinstance(node, Condition):
        field = FIELDS[node.field]
        column = audience.selected_columns[field.column]
        value = read_value(node, calendar.currency)
        positive = _condition(field, node.operator, value, column, calendar)
        return positive.is_not(true()) if negated else positive
    parts = [_compile(rule, audience, calendar, negated=negated) for rule in node.rules]
    every = (node.op == "and") != negated
    return and_(true(), *parts) if every else or_(*parts)


def _condition(
    field: Field, operator: str, value: Value, column: ColumnElement[Any], calendar: Calendar
) -> ColumnElement[bool]:
    if operator == "is_set":
        return _filled(field, column)
    if operator == "not_set":
        return column.is_(None) if field.type == "date" else (column != "").is_not(true())
    if field.type == "date":
        return _date(operator, value, column, calendar)
    if field.type in ("number", "money"):
        return _quantity(operator, value, column)
    if field.type == "tags":
        has: ColumnElement[bool] = column.op("@>", is_comparison=True)(literal([value], ARRAY(Text)))
        return has if operator == "has" else has.is_not(true())
    if field.type == "enum":
        return _enum(operator, value, column)
    return _text(operator, str(value), column)


def _filled(field: Field, column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.is_not(None) if field.type == "date" else column != ""


def _date(operator: str, value: Value, column: ColumnElement[Any], calendar: Calendar) -> ColumnElement[bool]:
    if isinstance(value, Days):
        start = calendar.day_start(days_back=value.count)
        within = and_(column >= start, column <= calendar.now)
        return within if operator == "in_last_days" else within.is_not(true())
    zone = ZoneInfo(calendar.timezone)
    day = cast(datetime, value)
    if operator == "before":
        return column < datetime.combine(day, time(), zone)
    return column >= datetime.combine(day + timedelta(days=1), time(), zone)


def _quantity(operator: str, value: Value, column: ColumnElement[Any]) -> ColumnElement[bool]:
    if isinstance(value, tuple):
        return column.between(*value)
    comparisons: dict[str, ColumnElement[bool]] = {
        "eq": column == value,
        "neq": column.is_distinct_from(value),
        "gt": column > value,
        "gte": column >= value,
        "lt": column < value,
        "lte": column <= value,
    }
    return comparisons[operator]


def _enum(operator: str, value: Value, column: ColumnElement[Any]) -> ColumnElement[bool]:
    if isinstance(value, tuple):
        return column.in_(value)
    return column == value if operator == "is" else column.is_distinct_from(value)


def _text(operator: str, value: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Without regard to case: people type `berlin` and mean Berlin."""
    folded = func.lower(column)
    needle = func.lower(value)
    if operator == "is":
        return folded == needle
    if operator == "is_not":
        return folded.is_distinct_from(needle)
    if operator == "starts_with":
        return func.starts_with(folded, needle)
    return func.strpos(folded, needle) > 0
