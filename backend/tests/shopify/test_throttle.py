"""The query budget of a shop: shared by all processes, one's own while Redis is away, and not to be lied to."""

import json
import math
import subprocess
import sys
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from storecast.resilience.guard import AWAY_S, make_redis
from storecast.shopify.throttle import (
    MAX_POINTS,
    MAX_WAIT_S,
    PREFIX,
    UNKNOWN_COST,
    CostThrottle,
    SharedThrottle,
    read_cost,
)

SHOP = "acme.myshopify.com"


def reported(
    requested: Any = 50, actual: Any = 50, available: Any = 950, maximum: Any = 1000, restore: Any = 100
) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": maximum,
            "currentlyAvailable": available,
            "restoreRate": restore,
        },
    }


class Process:
    """One process's throttle, whose times the test says."""

    def __init__(self, client: redis.Redis, now: list[float]) -> None:
        self.throttle = SharedThrottle(
            client,
            own=CostThrottle(clock=lambda: now[0]),
            clock=lambda: now[0],
            redis_clock=lambda: now[0],
        )

    def learn(self, **cost: Any) -> None:
        self.throttle.record(SHOP, "shop", read_cost(reported(**cost)))


def test_what_one_process_reserves_another_waits_for(redis_url: str) -> None:
    now = [1000.0]
    with make_redis(redis_url) as client:
        one, other = Process(client, now), Process(client, now)
        one.learn(requested=600, actual=600, available=1000)
        other.learn(requested=600, actual=600, available=1000)
        assert one.throttle.reserve(SHOP, "shop") == 0.0
        assert other.throttle.reserve(SHOP, "shop") == 2.0  # 200 of 600 points are missing at 100 a second
        assert one.throttle.reserve("rival.myshopify.com", "shop") == 0.0


def test_an_answer_does_not_forget_what_others_have_reserved_since(redis_url: str) -> None:
    now = [1000.0]
    with make_redis(redis_url) as client:
        one, other = Process(client, now), Process(client, now)
        for process in (one, other):
            process.learn(requested=400, actual=400, available=1000)
        assert one.throttle.reserve(SHOP, "shop") == other.throttle.reserve(SHOP, "shop") == 0.0
        # Shopify had not seen the other's query when it answered this one, which cost 100 in the end.
        one.learn(requested=400, actual=100, available=900)
        assert one.throttle.reserve(SHOP, "shop") == 0.0  # 200 left, 300 given back: 500
        assert one.throttle.reserve(SHOP, "shop") == 3.0


def test_what_will_not_be_sent_takes_nothing(redis_url: str) -> None:
    now = [1000.0]
    with make_redis(redis_url) as client:
        process = Process(client, now)
        process.learn(requested=500, actual=500, available=0)
        for _ in range(50):
            assert process.throttle.reserve(SHOP, "shop", at_most_s=1.0) == 5.0
        now[0] += 5.0
        assert process.throttle.reserve(SHOP, "shop", at_most_s=1.0) == 0.0


def test_the_bucket_refills_up_to_its_size_and_its_key_goes(redis_url: str) -> None:
    now = [1000.0]
    with make_redis(redis_url) as client:
        process = Process(client, now)
        process.learn(requested=1000, actual=1000, available=0)
        now[0] += 500.0
        assert process.throttle.reserve(SHOP, "shop") == 0.0
        assert process.throttle.reserve(SHOP, "shop") == 10.0
        assert client.keys("*") == [(PREFIX + SHOP).encode()]
        assert 0 < client.pttl(PREFIX + SHOP) <= 90_000


def test_a_clock_that_jumps_back_stalls_nobody(redis_url: str) -> None:
    now = [1000.0]
    with make_redis(redis_url) as client:
        process = Process(client, now)
        process.learn(requested=100, actual=100, available=100)
        now[0] -= 900.0
        assert process.throttle.reserve(SHOP, "shop") == 0.0
        assert process.throttle.reserve(SHOP, "shop") == 1.0
        now[0] += 1.0
        assert process.throttle.reserve(SHOP, "shop", at_most_s=0.0) <= 1.0


def test_two_processes_take_no_more_than_there_is(redis_url: str) -> None:
    program = f"""
import sys
from storecast.resilience.guard import make_redis
from storecast.shopify.throttle import SharedThrottle, read_cost
throttle = SharedThrottle(make_redis({redis_url!r}), redis_clock=lambda: 1000.0)
throttle.record({SHOP!r}, "shop", read_cost({reported(requested=10, actual=10, available=1000)!r}))
sys.stdin.readline()
print(sum(throttle.reserve({SHOP!r}, "shop", at_most_s=0.0) == 0.0 for _ in range(200)))
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    with make_redis(redis_url) as client:
        while client.hget(PREFIX + SHOP, "available") is None:
            assert all(process.poll() is None for process in processes)
    taken = [int(process.communicate("go\n", timeout=60)[0]) for process in processes]
    # The later of the two may still report the full bucket once, before anything was taken.
    assert sum(taken) == 100


def test_without_redis_a_process_goes_by_what_it_knows_and_says_so_once() -> None:
    now = [0.0]
    with capture_logs() as logs:
        throttle = SharedThrottle(
            make_redis("unix:///nowhere/redis.sock"),
            own=CostThrottle(clock=lambda: now[0]),
            clock=lambda: now[0],
        )
        throttle.record(SHOP, "shop", read_cost(reported(requested=50, available=10, restore=20)))
        assert throttle.reserve(SHOP, "shop") == 2.0
        now[0] += 2 * AWAY_S
        assert throttle.reserve(SHOP, "shop") == 0.0
    assert [entry["event"] for entry in logs] == ["shopify_budget_not_shared"]


def test_a_redis_that_came_back_is_asked_again(redis_url: str) -> None:
    now = [0.0]
    away = make_redis("unix:///nowhere/redis.sock")
    with make_redis(redis_url) as client, capture_logs() as logs:
        throttle = SharedThrottle(client, own=CostThrottle(clock=lambda: now[0]), clock=lambda: now[0])
        reserve = throttle._reserve
        throttle._reserve = away.register_script("return 0")
        throttle.record(SHOP, "shop", read_cost(reported()))
        throttle.reserve(SHOP, "shop")
        now[0] += AWAY_S
        throttle._reserve = reserve
        throttle.reserve(SHOP, "shop")
    assert [entry["event"] for entry in logs] == ["shopify_budget_not_shared", "shopify_budget_shared_again"]


def test_an_operation_nobody_sent_counts_as_a_mutation() -> None:
    throttle = CostThrottle(clock=lambda: 0.0)
    throttle.record(SHOP, "shop", read_cost(reported(available=0, restore=1)))
    assert throttle.reserve(SHOP, "never_sent") == UNKNOWN_COST


NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**400), max_value=10**400),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["NaN", "-Infinity", "1e999", "100.0"]),
    st.lists(st.integers(), max_size=1),
)


@given(
    costs=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=5), late=st.floats(0, 1e6)
)
def test_no_reported_number_crashes_a_call_or_stalls_the_next(
    costs: list[tuple[Any, Any, Any, Any, Any]], late: float
) -> None:
    now = [0.0]
    throttle = CostThrottle(clock=lambda: now[0])
    for requested, actual, available, maximum, restore in costs:
        for throttled in (False, True):
            cost = read_cost(reported(requested, actual, available, maximum, restore), throttled=throttled)
            throttle.record(SHOP, "shop", cost)
            assert cost is None or 0.0 <= cost.wait_s <= MAX_WAIT_S
    assert throttle.reserve(SHOP, "shop", at_most_s=0.0) <= MAX_POINTS
    now[0] += MAX_POINTS + late
    assert throttle.reserve(SHOP, "shop", at_most_s=0.0) == 0.0


@pytest.mark.parametrize(
    "given_cost",
    [None, [], "cost", 1, {}, {"throttleStatus": None}, {"throttleStatus": []}, {"throttleStatus": {}}]
    + [reported(restore=value) for value in (0, -5, None, math.nan, "fast")]
    + [reported(maximum=value) for value in (0, -5, None, math.nan)],
)
def test_what_says_nothing_of_the_bucket_is_not_believed(given_cost: Any) -> None:
    assert read_cost(given_cost) is None


def test_lies_within_bounds_reach_redis(redis_url: str) -> None:
    with make_redis(redis_url) as client:
        process = Process(client, [1000.0])
        lie = json.loads('{"requested": 1e308, "actual": -1e308, "available": -1e308, "maximum": 1e308}')
        process.learn(**lie, restore=1e-300)
        assert process.throttle.reserve(SHOP, "shop") == MAX_POINTS
        process.learn(requested=50, actual=50, available=1000)
        assert process.throttle.reserve(SHOP, "shop") == 0.0
