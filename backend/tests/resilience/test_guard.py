"""The guard around a call: what counts, what does not, and a Redis that is away."""

import pytest
import redis
from structlog.testing import capture_logs

from demo.servers import EmbeddedRedis
from storecast.resilience.budget import Budgets
from storecast.resilience.circuit import CircuitOpen, Circuits, Policy
from storecast.resilience.guard import AWAY_S, Guard, host_of, make_redis

HOST = "api.example"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits(redis_url: str, clock: Clock) -> Circuits:
    return Circuits(redis.Redis.from_url(redis_url), policy=Policy(failures=2, first_open_s=10), clock=clock)


@pytest.fixture
def guard(redis_url: str, circuits: Circuits, clock: Clock) -> Guard:
    budgets = Budgets(redis.Redis.from_url(redis_url), capacity=2, clock=clock)
    return Guard(circuits, budgets, clock=clock)


def fail(guard: Guard, times: int) -> None:
    for _ in range(times):
        with guard.call(HOST, "shopify") as call:
            call.failed("HTTP 500")


def test_failures_open_it_and_a_good_probe_closes_it(guard: Guard, circuits: Circuits, clock: Clock) -> None:
    with capture_logs() as logs:
        fail(guard, 2)
        with pytest.raises(CircuitOpen) as refused, guard.call(HOST, "shopify"):
            raise AssertionError("the host is left alone")
        assert refused.value.retry_after == 10
        clock.now += 10
        with guard.call(HOST, "shopify"):
            pass
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("circuit_opened", "warning"),
        ("circuit_closed", "info"),
    ]
    assert [each.state for each in circuits.list_all()] == ["closed"]


def test_a_probe_that_says_nothing_gives_its_place_to_the_next(guard: Guard, clock: Clock) -> None:
    fail(guard, 2)
    clock.now += 10
    with pytest.raises(KeyboardInterrupt), guard.call(HOST, "shopify"):
        raise KeyboardInterrupt
    with guard.call(HOST, "shopify") as call:
        call.answered()
    with guard.call(HOST, "shopify"):
        pass


def test_a_refusal_is_an_answer(guard: Guard, circuits: Circuits, clock: Clock) -> None:
    fail(guard, 2)
    clock.now += 10

    def be_refused() -> None:
        with guard.call(HOST, "shopify") as call:
            call.answered()
            raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        be_refused()
    assert [each.state for each in circuits.list_all()] == ["closed"]


def test_a_failure_after_the_call_counts(guard: Guard) -> None:
    guard.failed(HOST, "bulk_result", "ReadError")
    guard.failed(HOST, "bulk_result", "ReadError")
    with pytest.raises(CircuitOpen), guard.call(HOST, "bulk_result"):
        raise AssertionError("the host is left alone")


def test_retries_end_with_the_budget(guard: Guard) -> None:
    assert [guard.may_retry(HOST) for _ in range(3)] == [True, True, False]
    for retry in (False, True):
        for _ in range(10):
            with guard.call(HOST, "shopify", retry=retry):
                pass
    # Ten first tries earn one; the ten retries earn none.
    assert [guard.may_retry(HOST) for _ in range(2)] == [True, False]


def test_without_redis_everything_passes_and_nobody_waits_for_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    clock = Clock()
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), durable=False) as server:
        client = make_redis(server.redis_url)
        policy = Policy(failures=2, first_open_s=60)
        guard = Guard(Circuits(client, policy=policy), Budgets(client, capacity=1), clock=clock)
        fail(guard, 2)
        with pytest.raises(CircuitOpen), guard.call(HOST, "shopify"):
            raise AssertionError("the host is left alone")
    with capture_logs() as logs:
        fail(guard, 3)
        assert [guard.may_retry(HOST) for _ in range(3)] == [True] * 3
        clock.now += AWAY_S
        fail(guard, 1)
    # Asked once, left alone for a while, asked again.
    assert [entry["event"] for entry in logs] == ["circuits_unknown"] * 2
    client.close()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://acme.myshopify.com/admin/api", "acme.myshopify.com"),
        ("http://127.0.0.1:8080/acme.myshopify.com/admin", "127.0.0.1:8080"),
        ("https://user:secret@Files.Example/x?token=1", "files.example"),
    ],
)
def test_hosts_have_names_without_secrets(url: str, host: str) -> None:
    assert host_of(url) == host
