"""Zones of places, and wall clocks that skip and repeat hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.campaigns.places import QuietHours, at_wall, known, zone_named, zones_of

HOME = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(time(21), time(8))

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
instants = st.integers(0, 6 * 365 * 1440).map(lambda minutes: EPOCH + timedelta(minutes=minutes))
places = st.sampled_from(known())
walls = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))


@pytest.mark.parametrize(
    ("country", "province", "zones"),
    [
        ("DE", "Bayern", ["Europe/Berlin"]),
        ("jp", None, ["Asia/Tokyo"]),
        ("US", "California", ["America/Los_Angeles"]),
        ("US", " ny ", ["America/New_York"]),
        ("US", "Texas", ["America/Chicago", "America/Denver"]),
        ("US", None, ["Europe/Berlin"]),
        ("AU", "Queensland", ["Australia/Brisbane"]),
        ("RU", "Moskva", ["Europe/Berlin"]),
        (None, None, ["Europe/Berlin"]),
        ("ES", "Madrid", ["Europe/Madrid", "Atlantic/Canary"]),
    ],
)
def test_a_place_says_which_zone_or_the_shops_own_stands_in(
    country: str | None, province: str | None, zones: list[str]
) -> None:
    assert [zone.key for zone in zones_of(country, province, HOME)] == zones


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert zone_named("Mars/Olympus_Mons").key == zone_named("../etc/passwd").key == "UTC"


def test_an_hour_that_is_skipped_or_repeated_is_an_instant_all_the_same() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert at_wall(date(2026, 3, 29), time(2, 30), berlin) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert at_wall(date(2026, 10, 25), time(2, 30), berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_night_ends_in_the_morning_of_whoever_sleeps_last() -> None:
    at = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)  # 7:30 in Dallas, 6:30 in El Paso
    assert NIGHT.over_at(at, zones_of("US", "TX", HOME)) == datetime(2026, 7, 1, 14, tzinfo=UTC)
    assert NIGHT.over_at(at, zones_of("DE", None, HOME)) == at


def test_a_night_in_which_the_clock_goes_back_is_an_hour_longer() -> None:
    york = (ZoneInfo("America/New_York"),)
    late = QuietHours(time(22), time(1, 30))
    # 1:20 for the first time: 1:30 comes, then 1:00 once more.
    assert late.over_at(datetime(2026, 11, 1, 5, 20, tzinfo=UTC), york) == datetime(
        2026, 11, 1, 6, 30, tzinfo=UTC
    )
    assert NIGHT.over_at(datetime(2026, 11, 1, 2, tzinfo=UTC), york) == datetime(2026, 11, 1, 13, tzinfo=UTC)


def test_a_night_whose_end_is_skipped_ends_after_the_gap() -> None:
    late = QuietHours(time(22), time(2, 30))
    over = late.over_at(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), (ZoneInfo("Europe/Berlin"),))
    assert over == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(instants, places, walls, st.integers(1, 14 * 60))
def test_it_is_never_quiet_when_quiet_hours_are_said_to_be_over(
    at: datetime, place: object, begins: time, minutes: int
) -> None:
    zones = place.zones  # type: ignore[attr-defined]  # sampled from known()
    ends = (datetime.combine(date(2026, 1, 1), begins) + timedelta(minutes=minutes)).time()
    quiet = QuietHours(begins, ends)

    over = quiet.over_at(at, zones)

    assert over >= at
    assert not any(quiet.holds(over, zone) for zone in zones)
    assert (over == at) == (not any(quiet.holds(at, zone) for zone in zones))
    assert over - at < timedelta(hours=25)
    # Nothing earlier would have done: looked at in steps of a quarter of an hour.
    steps = int((over - at) / timedelta(minutes=15))
    earlier = [at + timedelta(minutes=15) * step for step in range(steps)]
    assert all(
        any(quiet.holds(each, zone) for zone in zones)
        for each in earlier
        if each < over - timedelta(minutes=61)
    )


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), walls, places)
def test_a_wall_time_is_that_on_the_wall_unless_the_clock_skips_it(
    day: date, wall: time, place: object
) -> None:
    zone = place.zones[0]  # type: ignore[attr-defined]  # sampled from known()
    shown = at_wall(day, wall, zone).astimezone(zone)
    assert shown.replace(tzinfo=None) - datetime.combine(day, wall) in {
        timedelta(0),
        timedelta(hours=1),
        timedelta(minutes=30),
    }
