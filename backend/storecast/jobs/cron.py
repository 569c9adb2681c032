"""Cron expressions that people may write: five fields, bounded, understood before croniter sees them.

What is accepted comes due again and again: an expression is refused when no day of any year satisfies it. When both
the day of the month and the weekday are narrowed, a day that satisfies either counts, as in every cron.
"""

import re
from dataclasses import dataclass
from functools import cached_property

MAX_LENGTH = 100
MAX_ITEMS = 32
"""Items of one field. More than these say nothing that a range or a step does not say better."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ITEM = re.compile(
    r"(?:(?P<every>\*)|(?P<first>[0-9]{1,2}|[a-z]{3})(?:-(?P<last>[0-9]{1,2}|[a-z]{3}))?)(?:/(?P<step>[0-9]{1,2}))?"
)


class CronRefused(ValueError):
    """An expression that is not accepted; the message says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first_name: int = 0


_FIELDS = (
    _Bounds("minute", 0, 59),
    _Bounds("hour", 0, 23),
    _Bounds("day of the month", 1, 31),
    _Bounds("month", 1, 12, _MONTHS, 1),
    # 7 is Sunday as well.
    _Bounds("weekday", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: the values that satisfy it, and the step of ``*/n``."""

    values: tuple[int, ...]
    # The field asks for nothing. Of days only an asterisk says so: see the module's docstring.
    any_value: bool
    step: int | None = None


@dataclass(frozen=True)
class Cron:
    """An accepted expression."""

    text: str
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    @cached_property
    def plain(self) -> str:
        """The expression in its simplest form: numbers and asterisks."""
        fields = (self.minute, self.hour, self.day, self.month, self.weekday)
        return " ".join("*" if field.any_value else ",".join(map(str, field.values)) for field in fields)


def parse(text: str) -> Cron:
    """Read an expression; raises CronRefused for anything that is not one."""
    if len(text) > MAX_LENGTH:
        raise CronRefused(f"A cron expression has at most {MAX_LENGTH} characters.")
    if not text.isascii():
        raise CronRefused("A cron expression has only ASCII characters.")
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise CronRefused("A cron expression has five fields: minute, hour, day, month, weekday.")
    fields = [_field(part.lower(), bounds) for part, bounds in zip(parts, _FIELDS, strict=True)]
    cron = Cron(" ".join(parts), *fields)
    if cron.weekday.any_value and not any(
        day <= _LONGEST_MONTHS[month - 1] for month in cron.month.values for day in cron.day.values
    ):
        raise CronRefused("No month has such a day: it would never run.")
    return cron


def _field(part: str, bounds: _Bounds) -> Field:
    items = part.split(",")
    if len(items) > MAX_ITEMS:
        raise CronRefused(f"The {bounds.title} has at most {MAX_ITEMS} items.")
    values = {value for item in items for value in _item(item, bounds)}
    if bounds.title == "weekday":
        values = {value % 7 for value in values}
    step = None
    if len(items) == 1 and part.startswith("*/"):
        step = int(part[2:])
    everything = "day" not in bounds.title and len(values) == bounds.high - bounds.low + 1
    return Field(tuple(sorted(values)), any_value=everything or part in ("*", "*/1"), step=step)


def _item(item: str, bounds: _Bounds) -> range:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise CronRefused(f"The {bounds.title} is not a number, a range, a step or an asterisk.")
    if match["every"]:
        # Sunday counts once.
        first, last = bounds.low, 6 if bounds.title == "weekday" else bounds.high
    else:
        first = _value(match["first"], bounds)
        last = _value(match["last"], bounds) if match["last"] else first
        if match["step"] and not match["last"]:
            raise CronRefused(f"A step in the {bounds.title} needs a range or an asterisk before it.")
    if first > last:
        raise CronRefused(f"A range in the {bounds.title} ends before it begins.")
    step = int(match["step"] or 1)
    if not 1 <= step <= max(1, bounds.high - bounds.low):
        raise CronRefused(f"The step in the {bounds.title} is out of bounds.")
    return range(first, last + 1, step)


def _value(word: str, bounds: _Bounds) -> int:
    if word.isdigit():
        value = int(word)
    elif word in bounds.names:
        value = bounds.names.index(word) + bounds.first_name
    else:
        raise CronRefused(f"The {bounds.title} has no such name.")
    if not bounds.low <= value <= bounds.high:
        raise CronRefused(f"The {bounds.title} lies between {bounds.low} and {bounds.high}.")
    return value
