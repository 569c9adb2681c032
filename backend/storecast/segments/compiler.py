"""From a rule tree to SQL.

Members are exactly the customers for whom the tree is true, and a missing value never makes a question true
that asks for a value. Negation is pushed down to the conditions, where it becomes IS NOT TRUE (or NOT EXISTS, which
the planner can turn into a join), so that every positive condition stays as plain as an index needs it. The tree of
another segment is put in the place of the condition that asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Exists, Select, and_, exists, false, func, literal, or_, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from storecast.customers import selectables as customers
from storecast.kit.types import ShopId
from storecast.segments import happenings, selectables
from storecast.segments.fields import FIELDS, Field
from storecast.segments.happenings import Asked, Columns
from storecast.segments.rules import Condition, Days, Group, Happening, Negation, Value, read_value


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


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules refer to, by the id that they name it with; nobody is in what is not there.

    Segments by their rules, the others by their internal ids.
    """

    segments: Mapping[str, Group | Negation | Condition] = field(default_factory=dict)
    shopify_segments: Mapping[str, int] = field(default_factory=dict)
    lists: Mapping[str, int] = field(default_factory=dict)
    campaigns: Mapping[str, int] = field(default_factory=dict)


NOTHING = Known()


def select_members(
    shop_id: ShopId, rules: Group | Negation | Condition, calendar: Calendar, known: Known = NOTHING
) -> Select[Any]:
    """The audience of a shop cut down to the members of a parsed tree."""
    compiler = Compiler.over(shop_id, calendar, known)
    return compiler.audience.where(compiler.membership(rules))


def compile_rules(
    rules: Group | Negation | Condition, audience: Select[Any], calendar: Calendar
) -> ColumnElement[bool]:
    """The condition on the columns of an audience, for rules that ask for nothing else than these."""
    return Compiler(ShopId(0), calendar, NOTHING, audience, _columns(audience)).membership(rules)


def _columns(audience: Select[Any]) -> Columns:
    return {column.key: column for column in audience.selected_columns if column.key}


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles trees into conditions on the columns of ``audience``."""

    shop_id: ShopId
    calendar: Calendar
    known: Known
    audience: Select[Any]
    columns: Columns

    @classmethod
    def over(cls, shop_id: ShopId, calendar: Calendar, known: Known) -> "Compiler":
        """One for everybody in a shop."""
        audience = customers.audience(shop_id)
        return cls(shop_id, calendar, known, audience, _columns(audience))

    def membership(self, node: Group | Negation | Condition, *, negated: bool = False) -> ColumnElement[bool]:
        """The condition that is true for members."""
        if isinstance(node, Negation):
            return self.membership(node.rule, negated=not negated)
        if isinstance(node, Condition):
            return self._condition(node, negated=negated)
        parts = [self.membership(rule, negated=negated) for rule in node.rules]
        every = (node.op == "and") != negated
        return and_(true(), *parts) if every else or_(*parts)

    def seen(self, node: Condition) -> ColumnElement[Any]:
        """What a condition looks at: the customer's value, how often it happened, or whether they are a member."""
        asked = FIELDS[node.field]
        if asked.type == "behaviour":
            return happenings.count(self._asked(node), self.columns)
        if asked.column:
            return self.columns[asked.column]
        return func.coalesce(self._member(asked, str(node.value), negated=False), false())

    def _condition(self, node: Condition, *, negated: bool) -> ColumnElement[bool]:
        asked = FIELDS[node.field]
        if asked.type == "behaviour":
            return _turned(
                happenings.happened(self._asked(node), self.columns),
                negated=negated != (node.operator == "did_not"),
            )
        if not asked.column:
            return self._member(asked, str(node.value), negated=negated != (node.operator == "not_member"))
        value = read_value(node, self.calendar.currency)
        column = self.columns[asked.column]
        if asked.type == "text":
            folded = self.columns.get(f"{asked.column}_folded", func.lower(column))
            return _turned(_text(node.operator, value, folded), negated=negated)
        return _turned(_condition(asked, node.operator, value, column, self.calendar), negated=negated)

    def _asked(self, node: Condition) -> Asked:
        happening = cast(Happening, read_value(node, self.calendar.currency))
        since = None if happening.days is None else self.calendar.day_start(days_back=happening.days)
        subject_id = happening.subject_id
        if happening.subject == "campaign":
            subject_id = str(self.known.campaigns.get(subject_id, 0))
        return Asked(self.shop_id, node.field, happening, since, subject_id)

    def _member(self, asked: Field, wanted: str, *, negated: bool) -> ColumnElement[bool]:
        if asked.type == "segment":
            rules = self.known.segments.get(wanted)
            if rules is not None:
                return self.membership(rules, negated=negated)
            return true() if negated else false()
        if asked.type == "list":
            who = selectables.list_members(self.shop_id, self.known.lists.get(wanted, 0)).subquery()
        else:
            segment_id = self.known.shopify_segments.get(wanted, 0)
            who = customers.shopify_segment_members(self.shop_id, segment_id).subquery()
        return _turned(exists().where(who.c.customer_id == self.columns["id"]), negated=negated)


def _turned(positive: ColumnElement[bool], *, negated: bool) -> ColumnElement[bool]:
    if not negated:
        return positive
    return ~positive if isinstance(positive, Exists) else positive.is_not(true())


def _condition(
    field: Field, operator: str, value: Value, column: ColumnElement[Any], calendar: Calendar
) -> ColumnElement[bool]:
    if field.type == "date":
        return _date(operator, value, column, calendar)
    if field.type in ("number", "money"):
        return _quantity(operator, value, column)
    if field.type == "tags":
        has: ColumnElement[bool] = column.op("@>", is_comparison=True)(literal([value], ARRAY(Text)))
        return has if operator == "has" else has.is_not(true())
    return _enum(operator, value, column)


def _date(operator: str, value: Value, column: ColumnElement[Any], calendar: Calendar) -> ColumnElement[bool]:
    if value is None:
        return column.is_not(None) if operator == "is_set" else column.is_(None)
    if isinstance(value, Days):
        start = calendar.day_start(days_back=value.count)
        if operator == "more_than_days_ago":
            return column < start
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


def _text(operator: str, value: Value, folded: ColumnElement[Any]) -> ColumnElement[bool]:
    """Without regard to case: people type `berlin` and mean Berlin."""
    if value is None:
        return folded != "" if operator == "is_set" else (folded != "").is_not(true())
    needle = func.lower(value)
    if operator == "is":
        return folded == needle
    if operator == "is_not":
        return folded.is_distinct_from(needle)
    if operator == "starts_with":
        return func.starts_with(folded, needle)
    return func.strpos(folded, needle) > 0
