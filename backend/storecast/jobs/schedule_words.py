"""A schedule's rhythm in plain English."""

from collections.abc import Callable

from storecast.jobs.cron import Cron, Field

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

MAX_CLOCK_TIMES = 6
"""Up to so many times of day are named one by one."""


def of_interval(seconds: int) -> str:
    """Such as "Every 90 seconds" or "Every hour"."""
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"Every {unit}" if seconds == size else f"Every {seconds // size} {unit}s"


def of_cron(cron: Cron) -> str:
    """Such as "At 02:30 on Monday to Friday"."""
    time, daily = _time(cron)
    days = _days(cron)
    if not days and daily and cron.month.any_value:
        days = "every day"
    months = "" if cron.month.any_value else f"in {_values(cron.month, lambda month: _MONTHS[month - 1])}"
    return " ".join(part for part in (time, days, months) if part)


def _time(cron: Cron) -> tuple[str, bool]:
    """The time of day, and whether it is one that a day has only a few of."""
    minute, hour = cron.minute, cron.hour
    if len(minute.values) * len(hour.values) <= MAX_CLOCK_TIMES:
        times = [f"{h:02}:{m:02}" for h in hour.values for m in minute.values]
        return f"At {_listed(times)}", True
    if minute.any_value:
        minutes = "Every minute"
    elif minute.step:
        minutes = f"Every {minute.step} minutes"
    elif hour.any_value and minute.values == (0,):
        return "Every hour", False
    else:
        word = "minute" if len(minute.values) == 1 else "minutes"
        minutes = f"At {word} {_values(minute, str)}"
    if hour.any_value:
        return (minutes if minute.any_value or minute.step else f"{minutes} of every hour"), False
    if hour.step:
        return f"{minutes} of every {_ordinal(hour.step)} hour", False
    word = "hour" if len(hour.values) == 1 else "hours"
    return f"{minutes} of the {word} {_values(hour, lambda value: f'{value:02}')}", False


def _days(cron: Cron) -> str:
    parts = []
    if not cron.day.any_value:
        if cron.day.step:
            parts.append(f"on every {_ordinal(cron.day.step)} day of the month")
        else:
            word = "day" if len(cron.day.values) == 1 else "days"
            parts.append(f"on {word} {_values(cron.day, str)} of the month")
    if not cron.weekday.any_value:
        parts.append(f"on {_values(cron.weekday, lambda day: _WEEKDAYS[day])}")
    return " or ".join(parts)


def _values(field: Field, name: Callable[[int], str]) -> str:
    """Values, three and more in a row as a range."""
    parts: list[str] = []
    run: list[int] = []
    for value in (*field.values, None):
        if run and value != run[-1] + 1:
            parts += [f"{name(run[0])} to {name(run[-1])}"] if len(run) > 2 else [name(each) for each in run]
            run = []
        if value is not None:
            run.append(value)
    return _listed(parts)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number // 10 != 1 else "th"
    return f"{number}{ending}"
