"""Receivers that refuse for now are written to more slowly, and at full speed again when they take what they get."""

import uuid

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storecast.kit.types import ShopId
from storecast.messaging import receivers
from storecast.messaging.receivers import AT_ONCE_S, LEAST_PER_S, RECOVERY_S, Receivers, receiver_of
from storecast.resilience.guard import make_redis

SHOP = ShopId(1)
SLOW, FAST = "slow.example", "fast.example"


class Clock:
    """An instant that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def client(redis_url: str) -> redis.Redis:
    return make_redis(redis_url)


def pace(client: redis.Redis, domain: str, receiver: str = SLOW) -> tuple[float, float] | None:
    """The pace and that of before, as Redis has them."""
    found = client.hget(f"{receivers.PREFIX}{SHOP}:{domain}", receiver)
    assert found is None or isinstance(found, bytes)
    if found is None:
        return None
    rate, top, *_rest = map(float, found.split())
    return rate, top


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refuses"), st.floats(0, 5)),
        st.tuples(st.just("takes"), st.floats(0, 5)),
        st.tuples(st.just("asks"), st.floats(0, 5)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, count=st.integers(1, 1_000), seconds=st.floats(0.001, 20))
def test_a_pace_stays_within_bounds_is_kept_to_and_recovers(
    client: redis.Redis, steps: list[tuple[str, float]], count: int, seconds: float
) -> None:
    clock, domain = Clock(), uuid.uuid4().hex
    known = Receivers(client, clock=clock)
    known.note(SHOP, domain, [], {SLOW: count}, seconds=seconds)
    before = pace(client, domain)
    assert before is not None
    top = before[1]
    assert top == pytest.approx(max(count / seconds, 2 * LEAST_PER_S), abs=1e-5)
    assert before[0] == pytest.approx(top / 2, abs=1e-5)
    began, granted, fastest, single = clock.now, 0, before[0], 0
    for what, later_s in steps:
        clock.now += later_s
        was = pace(client, domain)
        if what == "asks":
            room = known.take(SHOP, domain, SLOW, 5)
            assert (room is None) == (was is None)
            if room is not None:
                granted += room.granted
                single += 1
                assert 0 <= room.granted <= 5
                waits = [room.turn(turn).total_seconds() for turn in range(3)]
                assert waits == sorted(waits)
                assert all(0 < each <= receivers.LONGEST_WAIT_S for each in waits)
        elif what == "refuses":
            known.note(SHOP, domain, [SLOW] * count, {SLOW: count}, seconds=seconds)
            now = pace(client, domain)
            assert now is not None
            assert was is None or now[0] in (was[0], pytest.approx(max(was[0] / 2, LEAST_PER_S), abs=1e-5))
        else:
            known.note(SHOP, domain, [SLOW] * 3, {}, seconds=0.1)
            now = pace(client, domain)
            assert was is None or now is None or now[0] >= was[0]
        now = pace(client, domain)
        if now is None:
            break
        assert LEAST_PER_S - 1e-6 <= now[0] <= now[1] + 1e-6
        fastest = max(fastest, now[0])
    # At the fastest pace that there was, a first burst, and one for each time that somebody came after a rest.
    assert granted <= fastest * (clock.now - began + AT_ONCE_S) + single + 1

    for _second in range(round(RECOVERY_S) + 1):
        clock.now += 1
        known.note(SHOP, domain, [SLOW], {}, seconds=0.1)
    assert pace(client, domain) is None
    assert known.take(SHOP, domain, SLOW, 5) is None


def test_each_receiver_has_a_pace_of_its_own_and_who_refuses_little_has_none(client: redis.Redis) -> None:
    clock, domain = Clock(), uuid.uuid4().hex
    one, other = Receivers(client, clock=clock), Receivers(client, clock=clock)
    one.note(SHOP, domain, [FAST] * 96 + [SLOW] * 5, {FAST: 4, SLOW: 5}, seconds=1.0)
    # What one process learns all know; another sender and another shop learn for themselves.
    assert other.paced(SHOP, domain) == {SLOW}
    assert other.paced(SHOP, "other.example") == frozenset()
    assert other.paced(ShopId(2), domain) == frozenset()
    room = other.take(SHOP, domain, SLOW, 10)
    assert room is not None
    assert (room.granted, room.per_s) == (5, 5.0)
    again = one.take(SHOP, domain, SLOW, 10)
    assert again is not None
    assert again.granted == 0, "what one process took the other has not"
    assert other.take(SHOP, domain, FAST, 10) is None


def test_while_redis_is_away_nobody_is_paced() -> None:
    alone = Receivers(make_redis("redis://127.0.0.1:1"))
    alone.note(SHOP, "shop.example", [], {SLOW: 5}, seconds=1.0)
    assert alone.paced(SHOP, "shop.example") == frozenset()
    assert alone.take(SHOP, "shop.example", SLOW, 5) is None


@pytest.mark.parametrize(
    ("email", "receiver"),
    [
        ("a@gmail.com", "google"),
        ("a@GoogleMail.com", "google"),
        ("a@hotmail.com", "microsoft"),
        ("a@Small.example", "small.example"),
        ("", ""),
    ],
)
def test_large_providers_have_one_pace_for_all_their_domains(email: str, receiver: str) -> None:
    assert receiver_of(email) == receiver
