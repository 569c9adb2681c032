"""Cron expressions: what is accepted comes due again in bounded time, everything else is refused."""

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storecast.jobs.cron import MAX_LENGTH, Cron, CronRefused, parse
from storecast.jobs.recurrence import WallClock, following
from storecast.jobs.schedule_words import of_cron, of_interval

FIVE_RUNS_S = 1.0
"""Measured: 2 ms as a rule, 30 ms for leap days."""


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    number = st.integers(low, high)
    kind = draw(st.sampled_from(["*", "step", "range", "list"]))
    if kind == "step":
        return f"*/{draw(st.integers(1, high - low))}"
    if kind == "range":
        first, last = sorted((draw(number), draw(number)))
        return f"{first}-{last}"
    return "*" if kind == "*" else ",".join(map(str, draw(st.lists(number, min_size=1, max_size=4))))


EXPRESSIONS = st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12), fields(0, 7)).map(
    " ".join
)


def accepted(text: str) -> Cron | None:
    try:
        return parse(text)
    except CronRefused:
        return None


@given(st.text() | st.text(alphabet="0123456789*/,-LW#?RH@ ajnsu\t", max_size=120) | EXPRESSIONS)
@example("0 0 29 2 *")
@example("R * * * *")
@example("H H * * *")
@example("@reboot")
@example("0-59/1,0-59/1 * * * *")
@example("0-4294967295 * * * *")
@example("*/0 * * * *")
@example("٣ * * * *")
@settings(deadline=None, max_examples=300)
def test_any_text_comes_due_in_bounded_time_or_is_refused(text: str) -> None:
    started = time.perf_counter()
    cron = accepted(text)
    if cron is not None:
        instant = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
        runs = list(islice(following(WallClock(cron, ZoneInfo("Europe/Berlin")), instant), 5))
        assert runs == sorted(set(runs))
        assert runs[0] > instant
        assert of_cron(cron)
    assert time.perf_counter() - started < FIVE_RUNS_S


DAYS = st.integers(0, 2000).map(timedelta)
TIMES = st.integers(0, 86_399).map(lambda seconds: timedelta(seconds=seconds))


@given(EXPRESSIONS, DAYS, TIMES)
@settings(deadline=None)
def test_runs_are_those_that_the_fields_say(text: str, days: timedelta, seconds: timedelta) -> None:
    instant = datetime(2024, 1, 1, tzinfo=UTC) + days + seconds
    cron = accepted(text)
    if cron is None:
        return
    run = WallClock(cron, ZoneInfo("UTC")).after(instant)
    assert run == first_by_hand(cron, instant)


def first_by_hand(cron: Cron, instant: datetime) -> datetime:
    day = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(366 * 9):
        at = day + timedelta(days=number)
        if at.month not in cron.month.values or not is_day(cron, at):
            continue
        times = (at.replace(hour=h, minute=m) for h in cron.hour.values for m in cron.minute.values)
        if later := [each for each in times if each > instant]:
            return min(later)
    raise AssertionError("never")


def is_day(cron: Cron, at: datetime) -> bool:
    by_day, by_weekday = at.day in cron.day.values, at.isoweekday() % 7 in cron.weekday.values
    if cron.day.any_value or cron.weekday.any_value:
        return by_day and by_weekday
    return by_day or by_weekday


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("0 0 * * * 2030", "five fields"),
        ("* " * MAX_LENGTH, "at most 100"),
        (",".join(["1"] * 33) + " * * * *", "at most 32 items"),
        ("60 * * * *", "between 0 and 59"),
        ("* 24 * * *", "between 0 and 23"),
        ("* * 0 * *", "between 1 and 31"),
        ("* * * 13 *", "between 1 and 12"),
        ("* * * * 8", "between 0 and 7"),
        ("* * * may-jan *", "ends before it begins"),
        ("* * * * funday", "not a number"),
        ("* * * * foo", "no such name"),
        ("* * * jan-foo *", "no such name"),
        ("*/0 * * * *", "out of bounds"),
        ("*/60 * * * *", "out of bounds"),
        ("5/10 * * * *", "needs a range"),
        ("R * * * *", "not a number"),
        ("H(0-9) * * * *", "not a number"),
        ("* * L * *", "not a number"),
        ("* * * * 5#2", "not a number"),
        ("1,,2 * * * *", "not a number"),
        ("-1 * * * *", "not a number"),
        ("0 0 30 2 *", "never run"),
        ("0 0 31 4,6,9,11 *", "never run"),
        ("٣ * * * *", "ASCII"),
    ],
)
def test_what_is_not_an_expression_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(CronRefused, match=why):
        parse(text)


@pytest.mark.parametrize(
    ("text", "words", "german"),
    [
        ("* * * * *", "Every minute", "Jede Minute"),
        ("*/5 * * * *", "Every 5 minutes", "Alle 5 Minuten"),
        ("0 * * * *", "Every hour", "Jede Stunde"),
        ("0 0-23 * * *", "Every hour", "Jede Stunde"),
        ("15,45 * * * *", "At minutes 15 and 45 of every hour", "Zu den Minuten 15 und 45 jeder Stunde"),
        ("5 */2 * * *", "At minute 5 of every 2nd hour", "Zur Minute 5 jeder 2. Stunde"),
        ("30 2 * * *", "At 02:30 every day", "Um 02:30 Uhr täglich"),
        ("30  2 * * MON-fri", "At 02:30 on Monday to Friday", "Um 02:30 Uhr montags bis freitags"),
        (
            "0 9,17 1 * *",
            "At 09:00 and 17:00 on day 1 of the month",
            "Um 09:00 und 17:00 Uhr am Tag 1 des Monats",
        ),
        (
            "0 0 13 * 5",
            "At 00:00 on day 13 of the month or on Friday",
            "Um 00:00 Uhr am Tag 13 des Monats oder freitags",
        ),
        ("0 0 */3 * *", "At 00:00 on every 3rd day of the month", "Um 00:00 Uhr an jedem 3. Tag des Monats"),
        (
            "0 0 1 jan,jul *",
            "At 00:00 on day 1 of the month in January and July",
            "Um 00:00 Uhr am Tag 1 des Monats im Januar und Juli",
        ),
        (
            "*/10 9-17 * * 1-5",
            "Every 10 minutes of the hours 09 to 17 on Monday to Friday",
            "Alle 10 Minuten der Stunden 09 bis 17 montags bis freitags",
        ),
        ("* 3 * * 7", "Every minute of the hour 03 on Sunday", "Jede Minute der Stunde 03 sonntags"),
    ],
)
def test_expressions_in_words(text: str, words: str, german: str) -> None:
    assert of_cron(parse(text)) == words
    assert of_cron(parse(text), "de") == german


def test_intervals_in_words() -> None:
    seconds = (60, 90, 3600, 5400, 172_800)
    assert [of_interval(each) for each in seconds] == [
        "Every minute",
        "Every 90 seconds",
        "Every hour",
        "Every 90 minutes",
        "Every 2 days",
    ]
    assert [of_interval(each, "de") for each in (*seconds, 86_400)] == [
        "Jede Minute",
        "Alle 90 Sekunden",
        "Jede Stunde",
        "Alle 90 Minuten",
        "Alle 2 Tage",
        "Jeden Tag",
    ]
