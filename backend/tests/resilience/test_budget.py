"""Retries are at most a share of calls, however many processes make them."""

import math

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from storecast.resilience.budget import Budgets

HOST = "api.example"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def budgets(url: str, clock: Clock) -> Budgets:
    return Budgets(redis.Redis.from_url(url), capacity=4, share=0.25, per_s=0.1, clock=clock)


def test_a_few_retries_are_free_then_calls_earn_them(redis_url: str) -> None:
    mine = budgets(redis_url, Clock())
    assert [mine.take(HOST) for _ in range(5)] == [True] * 4 + [False]
    for _ in range(3):
        mine.count_call(HOST)
    assert not mine.take(HOST)
    mine.count_call(HOST)
    assert mine.take(HOST)
    assert not mine.take(HOST)
    assert mine.left(HOST) == 0
    assert mine.left("other.example") == 4


def test_time_earns_too_and_the_bucket_has_a_brim(redis_url: str) -> None:
    clock = Clock()
    mine = budgets(redis_url, clock)
    assert [mine.take(HOST) for _ in range(5)] == [True] * 4 + [False]
    clock.now += 10
    assert mine.left(HOST) == pytest.approx(1)
    assert [mine.take(HOST) for _ in range(2)] == [True, False]
    clock.now += 86_400
    assert mine.left(HOST) == 4
    assert [mine.take(HOST) for _ in range(5)] == [True] * 4 + [False]
    clock.now -= 86_400
    assert not mine.take(HOST)
    clock.now += 10
    assert mine.take(HOST)


def test_processes_share_one_bucket(redis_url: str) -> None:
    clock = Clock()
    mine, theirs = budgets(redis_url, clock), budgets(redis_url, clock)
    assert [each.take(HOST) for each in (mine, theirs, mine, theirs, mine, theirs)] == [True] * 4 + [
        False
    ] * 2


@given(steps=st.lists(st.sampled_from(["call", "retry", "second"]), max_size=60))
def test_retries_never_pass_their_share(redis_server: object, steps: list[str]) -> None:
    url = redis_server.redis_url  # type: ignore[attr-defined]  # EmbeddedRedis
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        clock = Clock()
        mine = Budgets(client, capacity=4, share=0.25, per_s=0.1, clock=clock)
        calls = retries = seconds = 0
        for step in steps:
            if step == "call":
                mine.count_call(HOST)
                calls += 1
            elif step == "second":
                clock.now += 1
                seconds += 1
            else:
                retries += mine.take(HOST)
            assert retries <= math.floor(4 + 0.25 * calls + 0.1 * seconds + 1e-6)


def test_a_key_lives_until_its_bucket_is_full_again(redis_url: str) -> None:
    budgets(redis_url, Clock()).take(HOST)
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys("*")
        assert 35_000 < client.pttl(key) <= 40_000
