"""The life of an alert against a plain model of what people should hear of it."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.fleet.alert_state import Event, Standing, Terms, look

START = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def play(terms: Terms, *looks: tuple[float, float | None]) -> list[tuple[float, str, str | None]]:
    """What happened: the second, the kind and the silence of each event."""
    told: list[tuple[float, str, str | None]] = []
    standing = Standing("ok", START)
    for second, value in looks:
        standing, event = look(terms, standing, value, at(second))
        if event is not None:
            told.append((second, event.kind, event.silent))
    return told


ABOVE = Terms("above", 10, for_s=60, hold_off_s=600)


def test_a_rule_fires_once_after_its_time_and_says_when_it_is_over() -> None:
    looks = [(0, 11.0), (30, 12.0), (59.9, 12.0), (60, 12.0), (90, 12.0), (120, 10.0), (150, 9.0)]
    assert play(ABOVE, *looks) == [(60, "fired", None), (120, "resolved", None)]


def test_a_peak_that_goes_by_starts_the_time_again() -> None:
    assert play(ABOVE, (0, 11.0), (50, 10.0), (70, 11.0), (129, 11.0), (130, 11.0)) == [(130, "fired", None)]


@pytest.mark.parametrize(("op", "fires", "quiet"), [("above", 10.5, 10.0), ("below", 9.5, 10.0)])
def test_the_limit_itself_is_within_the_limit(op: str, fires: float, quiet: float) -> None:
    terms = Terms(op, 10, for_s=0, hold_off_s=0)  # type: ignore[arg-type]  # one of the two
    assert play(terms, (0, quiet), (30, fires), (60, quiet)) == [(30, "fired", None), (60, "resolved", None)]


def test_what_is_held_off_is_told_when_it_still_goes_on_after_the_hold_off() -> None:
    terms = Terms("above", 10, for_s=0, hold_off_s=600)
    looks = [(0, 11.0), (30, 1.0), (60, 11.0), (599, 11.0), (600, 11.0), (630, 11.0), (660, 1.0)]
    assert play(terms, *looks) == [
        (0, "fired", None),
        (30, "resolved", None),
        (60, "fired", "held_off"),
        (600, "fired", None),
        (660, "resolved", None),
    ]


def test_a_muted_rule_speaks_when_the_silence_is_over_and_only_if_it_still_fires() -> None:
    terms = Terms("above", 10, for_s=0, hold_off_s=0, muted_until=at(100))
    assert play(terms, (0, 11.0), (99, 11.0), (100, 11.0), (130, 11.0), (160, 1.0)) == [
        (0, "fired", "muted"),
        (100, "fired", None),
        (160, "resolved", None),
    ]
    assert play(terms, (0, 11.0), (99, 1.0), (130, 1.0)) == [(0, "fired", "muted"), (99, "resolved", "muted")]


def test_a_figure_that_is_missing_ends_no_alert_and_begins_none() -> None:
    terms = Terms("above", 10, for_s=60, hold_off_s=0)
    assert play(terms, (0, 11.0), (60, None), (90, 11.0), (120, 11.0), (150, 11.0)) == [(150, "fired", None)]
    assert play(terms, (0, 11.0), (60, 11.0), (90, None), (120, 11.0)) == [(60, "fired", None)]
    assert look(terms, Standing("ok", START), None, at(5))[0] == Standing("unknown", at(5))


def test_a_clock_that_was_set_back_costs_one_wait_and_no_more() -> None:
    assert play(ABOVE, (86_400, 11.0), (0, 11.0), (59, 11.0), (60, 11.0)) == [(60, "fired", None)]
    # The hold-off of a message from tomorrow holds nothing off.
    terms = Terms("above", 10, for_s=0, hold_off_s=600)
    assert play(terms, (86_400, 11.0), (86_430, 1.0), (0, 11.0)) == [
        (86_400, "fired", None),
        (86_430, "resolved", None),
        (0, "fired", None),
    ]


@st.composite
def lives(draw: st.DrawFn) -> tuple[Terms, list[tuple[datetime, float | None]]]:
    terms = Terms(
        draw(st.sampled_from(["above", "below"])),
        10.0,
        draw(st.sampled_from([0, 1, 60, 300])),
        draw(st.sampled_from([0, 1, 120, 3600])),
        draw(st.none() | st.integers(0, 2000).map(at)),
    )
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 1, 30, 30, 30, 61, 700, 5000, -45, -4000]),
                st.sampled_from([5.0, 10.0, 15.0, 15.0, None]),
            ),
            max_size=40,
        )
    )
    # No two looks fall on one microsecond.
    unlike = count(1)
    now, looks = 0.0, []
    for step, value in steps:
        now += step
        looks.append((at(now) + timedelta(microseconds=next(unlike)), value))
    return terms, looks


@given(lives())
def test_people_hear_of_each_alert_once_and_of_its_end_exactly_when_they_heard_of_it(
    life: tuple[Terms, list[tuple[datetime, float | None]]],
) -> None:
    terms, looks = life
    standing = Standing("ok", START)
    last_told_at: datetime | None = None
    heard = False
    breached_since: datetime | None = None
    for now, value in looks:
        before, (standing, event) = standing, look(terms, standing, value, now)
        muted = terms.muted_until is not None and now < terms.muted_until
        breached = value is not None and (value > 10 if terms.op == "above" else value < 10)
        if value is not None and not breached:
            breached_since = None
        elif breached:
            breached_since = now if breached_since is None else min(breached_since, now)
        elif before.state != "firing":
            breached_since = None

        assert standing.since <= now
        if event is not None and event.kind == "fired":
            assert breached
            assert breached_since is not None
            assert before.state == "firing" or now - breached_since >= timedelta(seconds=terms.for_s)
            # Fired again while it fires only to people who have not heard of it yet.
            assert before.state != "firing" or (not heard and event.silent is None)
            if event.silent is None:
                assert not muted
                assert last_told_at is None or not (
                    timedelta() <= now - last_told_at < timedelta(seconds=terms.hold_off_s)
                )
                last_told_at, heard = now, True
            else:
                assert (event.silent == "muted") == muted
        elif event is not None:
            assert (before.state, standing.state, breached) == ("firing", "ok", False)
            assert event == Event("resolved", "muted" if muted else None if heard else "held_off")
            heard = False
        else:
            # Nothing happened: nothing was due.
            assert (before.state == "firing") == (standing.state == "firing")
            if value is not None:
                assert (standing.state == "ok") == (not breached)
            if standing.state == "pending":
                assert now - standing.since < timedelta(seconds=terms.for_s)
            if standing.state == "firing" and breached and not heard:
                held = last_told_at is not None and timedelta() <= now - last_told_at < timedelta(
                    seconds=terms.hold_off_s
                )
                assert muted or held
