"""A schedule's rhythm in plain words, in each of the product's languages."""

from collections.abc import Callable
from dataclasses import dataclass

from storecast.jobs.cron import Cron, Field
from storecast.kit.languages import Language

_SIZES = (86_400, 3_600, 60, 1)

MAX_CLOCK_TIMES = 6
"""Up to so many times of day are named one by one."""


@dataclass(frozen=True, slots=True)
class _Tongue:
    """The words, with ``{}`` for what is put in; in pairs, what is said of one and of several."""

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    # Day, hour, minute, second.
    units: tuple[tuple[str, str], ...]
    ordinal: Callable[[int], str]
    at: str
    every_minute: str
    every_minutes: str
    every_hour: str
    at_minutes: tuple[str, str]
    of_every_hour: str
    of_every_nth_hour: str
    of_hours: tuple[str, str]
    on_every_nth_day: str
    on_days: tuple[str, str]
    on_weekdays: str
    every_day: str
    in_months: str
    to: str
    and_: str
    or_: str


def _english_ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number // 10 != 1 else "th"
    return f"{number}{ending}"


_ENGLISH = _Tongue(
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    weekdays=("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    units=(
        ("Every day", "Every {} days"), ("Every hour", "Every {} hours"), ("Every minute", "Every {} minutes"),
        ("Every second", "Every {} seconds"),
    ),
    ordinal=_english_ordinal,
    at="At {}",
    every_minute="Every minute",
    every_minutes="Every {} minutes",
    every_hour="Every hour",
    at_minutes=("At minute {}", "At minutes {}"),
    of_every_hour="of every hour",
    of_every_nth_hour="of every {} hour",
    of_hours=("of the hour {}", "of the hours {}"),
    on_every_nth_day="on every {} day of the month",
    on_days=("on day {} of the month", "on days {} of the month"),
    on_weekdays="on {}",
    every_day="every day",
    in_months="in {}",
    to="to",
    and_="and",
    or_="or",
)  # fmt: skip

_GERMAN = _Tongue(
    months=(
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
        "Dezember",
    ),
    weekdays=("sonntags", "montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags"),
    units=(
        ("Jeden Tag", "Alle {} Tage"), ("Jede Stunde", "Alle {} Stunden"), ("Jede Minute", "Alle {} Minuten"),
        ("Jede Sekunde", "Alle {} Sekunden"),
    ),
    ordinal="{}.".format,
    at="Um {} Uhr",
    every_minute="Jede Minute",
    every_minutes="Alle {} Minuten",
    every_hour="Jede Stunde",
    at_minutes=("Zur Minute {}", "Zu den Minuten {}"),
    of_every_hour="jeder Stunde",
    of_every_nth_hour="jeder {} Stunde",
    of_hours=("der Stunde {}", "der Stunden {}"),
    on_every_nth_day="an jedem {} Tag des Monats",
    on_days=("am Tag {} des Monats", "an den Tagen {} des Monats"),
    on_weekdays="{}",
    every_day="täglich",
    in_months="im {}",
    to="bis",
    and_="und",
    or_="oder",
)  # fmt: skip

_TONGUES: dict[Language, _Tongue] = {"en": _ENGLISH, "de": _GERMAN}


def of_interval(seconds: int, language: Language = "en") -> str:
    """Such as "Every 90 seconds" or "Every hour"."""
    units = zip(_TONGUES[language].units, _SIZES, strict=True)
    (one, several), size = next((words, size) for words, size in units if seconds % size == 0)
    return one if seconds == size else several.format(seconds // size)


def of_cron(cron: Cron, language: Language = "en") -> str:
    """Such as "At 02:30 on Monday to Friday"."""
    say = _TONGUES[language]
    time, daily = _time(cron, say)
    days = _days(cron, say)
    if not days and daily and cron.month.any_value:
        days = say.every_day
    months = ""
    if not cron.month.any_value:
        months = say.in_months.format(_values(say, cron.month, lambda month: say.months[month - 1]))
    return " ".join(part for part in (time, days, months) if part)


def _time(cron: Cron, say: _Tongue) -> tuple[str, bool]:
    """The time of day, and whether it is one that a day has only a few of."""
    minute, hour = cron.minute, cron.hour
    if len(minute.values) * len(hour.values) <= MAX_CLOCK_TIMES:
        times = [f"{h:02}:{m:02}" for h in hour.values for m in minute.values]
        return say.at.format(_listed(say, times)), True
    if minute.any_value:
        minutes = say.every_minute
    elif minute.step:
        minutes = say.every_minutes.format(minute.step)
    elif hour.any_value and minute.values == (0,):
        return say.every_hour, False
    else:
        minutes = _some(say.at_minutes, minute).format(_values(say, minute, str))
    if hour.any_value:
        return (minutes if minute.any_value or minute.step else f"{minutes} {say.of_every_hour}"), False
    if hour.step:
        return f"{minutes} {say.of_every_nth_hour.format(say.ordinal(hour.step))}", False
    hours = _values(say, hour, lambda value: f"{value:02}")
    return f"{minutes} {_some(say.of_hours, hour).format(hours)}", False


def _days(cron: Cron, say: _Tongue) -> str:
    parts = []
    if not cron.day.any_value:
        if cron.day.step:
            parts.append(say.on_every_nth_day.format(say.ordinal(cron.day.step)))
        else:
            parts.append(_some(say.on_days, cron.day).format(_values(say, cron.day, str)))
    if not cron.weekday.any_value:
        parts.append(say.on_weekdays.format(_values(say, cron.weekday, lambda day: say.weekdays[day])))
    return f" {say.or_} ".join(parts)


def _some(words: tuple[str, str], field: Field) -> str:
    return words[0] if len(field.values) == 1 else words[1]


def _values(say: _Tongue, field: Field, name: Callable[[int], str]) -> str:
    """Values, three and more in a row as a range."""
    parts: list[str] = []
    run: list[int] = []
    for value in (*field.values, None):
        if run and value != run[-1] + 1:
            parts += (
                [f"{name(run[0])} {say.to} {name(run[-1])}"] if len(run) > 2 else [name(each) for each in run]
            )
            run = []
        if value is not None:
            run.append(value)
    return _listed(say, parts)


def _listed(say: _Tongue, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {say.and_} {parts[-1]}"
