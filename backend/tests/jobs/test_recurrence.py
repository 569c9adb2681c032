"""Due times: on wall clocks that are put forward and back, and at intervals."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storecast.jobs.cron import parse
from storecast.jobs.recurrence import Interval, Recurrence, WallClock, following

NEW_YORK = ZoneInfo("America/New_York")


def wall_clock(text: str, zone: str) -> WallClock:
    return WallClock(parse(text), ZoneInfo(zone))


def runs(recurrence: Recurrence, after: str, count: int) -> list[str]:
    instant = datetime.fromisoformat(after).replace(tzinfo=UTC)
    return [f"{at:%m-%d %H:%M}" for at in islice(following(recurrence, instant), count)]


def test_a_schedule_follows_its_place_through_the_year() -> None:
    daily = wall_clock("0 9 * * *", "America/New_York")
    assert runs(daily, "2026-03-07 00:00", 3) == ["03-07 14:00", "03-08 13:00", "03-09 13:00"]
    assert runs(daily, "2026-10-31 00:00", 3) == ["10-31 13:00", "11-01 14:00", "11-02 14:00"]


def test_a_time_that_does_not_exist_runs_at_the_first_moment_after_the_gap() -> None:
    nightly = wall_clock("30 2 * * *", "America/New_York")
    assert runs(nightly, "2026-03-07 08:00", 2) == ["03-08 07:00", "03-09 06:30"]
    # Lord Howe Island moves its clocks by half an hour: 02:15 becomes 02:30.
    lord_howe = wall_clock("15 2 * * *", "Australia/Lord_Howe")
    assert runs(lord_howe, "2026-10-03 00:00", 2) == ["10-03 15:30", "10-04 15:15"]


def test_runs_that_fall_together_after_the_gap_are_one() -> None:
    twice = wall_clock("0 2,3 * * *", "America/New_York")
    assert runs(twice, "2026-03-07 10:00", 3) == ["03-08 07:00", "03-09 06:00", "03-09 07:00"]


def test_a_time_that_exists_twice_runs_the_first_time() -> None:
    nightly = wall_clock("30 1 * * *", "America/New_York")
    assert runs(nightly, "2026-10-31 12:00", 2) == ["11-01 05:30", "11-02 06:30"]
    assert runs(nightly, "2026-11-01 05:30", 1) == ["11-02 06:30"]
    assert runs(nightly, "2026-11-01 06:10", 1) == ["11-02 06:30"]


def test_a_schedule_for_every_hour_keeps_to_real_time() -> None:
    half_hourly = wall_clock("*/30 * * * *", "America/New_York")
    assert runs(half_hourly, "2026-11-01 04:45", 5) == [
        "11-01 05:00", "11-01 05:30", "11-01 06:00", "11-01 06:30", "11-01 07:00",
    ]  # fmt: skip
    assert runs(half_hourly, "2026-03-08 06:15", 3) == ["03-08 06:30", "03-08 07:00", "03-08 07:30"]
    hourly = wall_clock("30 * * * *", "America/New_York")
    assert runs(hourly, "2026-03-08 06:15", 2) == ["03-08 06:30", "03-08 07:30"]


def test_a_day_that_a_place_left_out_is_made_up_for() -> None:
    # Samoa crossed the date line: there was no 30 December 2011.
    daily = wall_clock("0 5 * * *", "Pacific/Apia")
    assert runs(daily, "2011-12-29 00:00", 3) == ["12-29 15:00", "12-30 10:00", "12-30 15:00"]


ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kolkata"]
TEXTS = ["*/20 * * * *", "30 2 * * *", "15,45 1-3 * * *", "0 */2 * * *", "0 0 1 * *", "5 * * * sun"]
INSTANTS = st.integers(0, 365 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


@given(st.sampled_from(ZONES), st.sampled_from(TEXTS), INSTANTS, st.integers(1, 30))
@example("America/New_York", "*/20 * * * *", datetime(2026, 11, 1, 3, tzinfo=UTC), 20)
@example("America/New_York", "15,45 1-3 * * *", datetime(2026, 11, 1, 3, tzinfo=UTC), 4)
@example("Australia/Lord_Howe", "*/20 * * * *", datetime(2026, 4, 4, 13, tzinfo=UTC), 12)
@settings(deadline=None)
def test_looking_back_finds_what_looking_ahead_found(
    zone: str, text: str, since: datetime, count: int
) -> None:
    recurrence = wall_clock(text, zone)
    ahead = list(islice(following(recurrence, since), count + 3))
    assert ahead == sorted(set(ahead))
    between = ahead[-1] + timedelta(seconds=30)
    assert recurrence.latest(count, since=since, until=between) == ahead[-count:]
    assert recurrence.latest(100, since=ahead[0], until=ahead[-1]) == ahead
    assert recurrence.latest(100, since=ahead[1], until=ahead[-1]) == ahead[1:]


@given(INSTANTS, INSTANTS, st.integers(1, 400_000))
def test_intervals_keep_to_their_grid(anchor: datetime, instant: datetime, seconds: int) -> None:
    step = timedelta(seconds=seconds)
    interval = Interval(step, anchor)
    run = interval.after(instant)
    assert instant < run <= instant + step
    assert (run - anchor) % step == timedelta()
    assert interval.latest(3, since=run, until=run + 5 * step) == [run + n * step for n in (3, 4, 5)]
    assert interval.latest(9, since=run + step, until=run + step) == [run + step]
    assert interval.latest(9, since=run + timedelta(microseconds=1), until=run) == []


@pytest.mark.parametrize("text", ["* * * * *", "* * * 1 *", "0 0 29 2 *"])
def test_looking_back_over_a_long_outage_is_bounded(text: str) -> None:
    until = datetime(2026, 12, 31, tzinfo=UTC)
    found = wall_clock(text, "UTC").latest(100, since=datetime(2020, 1, 1, tzinfo=UTC), until=until)
    assert len(found) == (2 if "29 2" in text else 100)
