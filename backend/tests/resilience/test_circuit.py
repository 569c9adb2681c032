"""The circuit against a model of it, and against several clients of one real Redis."""

import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storecast.resilience.circuit import INDEX, PREFIX, Circuit, CircuitOpen, Circuits, Pass, Policy
from tests.conftest import BACKEND

HOST = "api.example"
POLICY = Policy(failures=3, share=0.5, window_s=60, first_open_s=10, max_open_s=40, probe_s=20, busy_s=5)
SLICE_S = 10.0
EPOCH_S = 1_800_000_000.0


@dataclass
class Model:
    """What a circuit is, without scripts: lists of what happened, judged anew each time."""

    opened_times: int = 0
    open_until: float = 0.0
    closed_at: float = 0.0
    probe: str | None = None
    probe_until: float = 0.0
    failed: list[float] = field(default_factory=list)
    good: list[float] = field(default_factory=list)

    def recent(self, calls: list[float], now: float) -> int:
        return sum(now // SLICE_S - at // SLICE_S < 6 for at in calls)

    def open(self, now: float) -> None:
        self.opened_times += 1
        self.open_until = now + min(POLICY.max_open_s, POLICY.first_open_s * 2 ** (self.opened_times - 1))
        self.probe, self.failed, self.good = None, [], []

    def close(self, now: float) -> None:
        self.opened_times, self.closed_at, self.probe = 0, now, None
        self.failed, self.good = [], []


class CircuitMachine(RuleBasedStateMachine):
    """Three clients call one host, report in any order, and time passes in between."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.now = EPOCH_S
        self.connections = [redis.Redis.from_url(self.url) for _ in range(3)]
        self.connections[0].flushdb()
        self.clients = [Circuits(each, policy=POLICY, clock=lambda: self.now) for each in self.connections]
        self.model = Model()
        self.out: list[Pass] = []

    def teardown(self) -> None:
        for each in self.connections:
            each.close()

    def admit(self, client: int) -> Pass | CircuitOpen:
        try:
            return self.clients[client].admit(HOST, "shopify")
        except CircuitOpen as refused:
            return refused

    @rule(client=st.integers(0, 2))
    def call(self, client: int) -> None:
        model = self.model
        leave = self.admit(client)
        if isinstance(leave, CircuitOpen):
            assert model.opened_times > 0
            waits = model.open_until - self.now
            if waits <= 0:
                assert model.probe is not None
                waits = min(model.probe_until - self.now, POLICY.busy_s)
            assert leave.retry_after == pytest.approx(waits, abs=0.002)
            assert waits > 0
            return
        if model.opened_times == 0:
            assert leave.probe == ""
        else:
            assert self.now >= model.open_until
            assert model.probe is None or self.now >= model.probe_until
            assert leave.probe
            model.probe, model.probe_until = leave.probe, self.now + POLICY.probe_s
        self.out.append(leave)

    @precondition(lambda self: self.out)
    @rule(
        client=st.integers(0, 2),
        which=st.integers(0, 99),
        outcome=st.sampled_from(["ok", "failed", "failed", "given_up"]),
    )
    def report(self, client: int, which: int, outcome: str) -> None:
        leave = self.out.pop(which % len(self.out))
        said = self.clients[client].settle(leave, outcome, "HTTP 500")  # type: ignore[arg-type]  # sampled
        assert said == self.expected(leave, outcome)

    def expected(self, leave: Pass, outcome: str) -> str:
        model, now = self.model, self.now
        if leave.probe:
            if leave.probe != model.probe:
                return "late"
            if outcome == "ok":
                model.close(now)
                return "closed"
            if outcome == "given_up":
                model.probe = None
                return "released"
            model.open(now)
            return "reopened"
        if outcome == "given_up" or model.opened_times or leave.started_ms / 1000 < model.closed_at:
            return "ignored"
        if outcome == "ok":
            if model.failed or model.closed_at:
                model.good.append(now)
            return "counted"
        model.failed.append(now)
        failed, good = model.recent(model.failed, now), model.recent(model.good, now)
        if failed >= POLICY.failures and failed >= POLICY.share * (failed + good):
            model.open(now)
            return "opened"
        return "counted"

    @rule(seconds=st.sampled_from([0.5, 3, 9, 11, 25, 45]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.model.failed or self.model.opened_times)
    @rule()
    def operator_closes(self) -> None:
        assert self.clients[0].close(HOST)
        self.model.close(self.now)

    @invariant()
    def the_list_shows_the_state(self) -> None:
        model = self.model
        shown = {each.host: each for each in self.clients[0].list_all()}.get(HOST)
        if model.opened_times:
            assert shown is not None
            assert shown.state == ("open" if model.open_until > self.now else "half_open")
            assert shown.probe_at is not None
            assert shown.probe_at.timestamp() == pytest.approx(model.open_until, abs=0.002)
        elif shown is not None:
            assert shown.state == "closed"
            assert shown.failures == model.recent(model.failed, self.now)


def test_the_circuit_does_what_its_model_does(redis_url: str) -> None:
    CircuitMachine.url = redis_url
    run_state_machine_as_test(
        CircuitMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


class Clock:
    def __init__(self) -> None:
        self.now = EPOCH_S

    def __call__(self) -> float:
        return self.now


def fail(circuits: Circuits, times: int, host: str = HOST) -> list[str]:
    passes = [circuits.admit(host, "shopify") for _ in range(times)]
    return [circuits.settle(leave, "failed", "HTTP 502") for leave in passes]


def only(circuits: Circuits) -> Circuit:
    (circuit,) = circuits.list_all()
    return circuit


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits(redis_url: str, clock: Clock) -> Circuits:
    return Circuits(redis.Redis.from_url(redis_url), policy=POLICY, clock=clock)


def test_a_healthy_host_leaves_nothing_in_redis(circuits: Circuits, redis_url: str) -> None:
    for _ in range(5):
        leave = circuits.admit(HOST, "shopify")
        assert not leave.troubled
        circuits.settle(leave, "ok")
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("*") == []


def test_every_key_expires(circuits: Circuits, redis_url: str, clock: Clock) -> None:
    def ttl_s() -> float:
        with redis.Redis.from_url(redis_url) as client:
            return int(client.pttl(PREFIX + HOST)) / 1000

    fail(circuits, 1)
    assert 55 < ttl_s() <= 60
    fail(circuits, 2)
    assert 900 < ttl_s() <= 910
    clock.now += 11
    probe = circuits.admit(HOST, "shopify")
    assert 915 < ttl_s() <= 920
    circuits.settle(probe, "ok")
    assert 55 < ttl_s() <= 60


def test_a_host_that_mostly_answers_is_used(circuits: Circuits) -> None:
    fail(circuits, 1)
    for _ in range(10):
        circuits.settle(circuits.admit(HOST, "shopify"), "ok")
    assert fail(circuits, 5) == ["counted"] * 5
    assert only(circuits).state == "closed"


def test_failures_from_before_the_close_do_not_open_it_again(circuits: Circuits, clock: Clock) -> None:
    slow = [circuits.admit(HOST, "shopify") for _ in range(5)]
    fail(circuits, 3)
    clock.now += 11
    circuits.settle(circuits.admit(HOST, "shopify"), "ok")
    assert [circuits.settle(leave, "failed", "ReadTimeout") for leave in slow] == ["ignored"] * 5
    assert only(circuits).state == "closed"


def test_the_time_doubles_up_to_its_cap(circuits: Circuits, clock: Clock) -> None:
    fail(circuits, 3)
    waits = []
    for _ in range(4):
        with pytest.raises(CircuitOpen) as refused:
            circuits.admit(HOST, "shopify")
        waits.append(refused.value.retry_after)
        clock.now += refused.value.retry_after or 0
        circuits.settle(circuits.admit(HOST, "shopify"), "failed", "ConnectError")
    assert waits == [10.0, 20.0, 40.0, 40.0]
    assert only(circuits).failures == 7
    assert only(circuits).last_error == "ConnectError"


def test_a_clock_that_jumps_back_does_not_keep_it_open(circuits: Circuits, clock: Clock) -> None:
    fail(circuits, 3)
    clock.now -= 86_400
    with pytest.raises(CircuitOpen) as refused:
        circuits.admit(HOST, "shopify")
    assert refused.value.retry_after == 40.0
    clock.now += 41
    assert circuits.admit(HOST, "shopify").probe


def test_one_host_says_nothing_about_another(circuits: Circuits) -> None:
    fail(circuits, 3)
    assert not circuits.admit("other.example", "shopify").troubled


def test_closing_what_is_not_there_is_said(circuits: Circuits) -> None:
    assert circuits.close("nobody.example") is False
    assert circuits.list_all() == []


PROBER = """
import sys, time, redis
from storecast.resilience.circuit import CircuitOpen, Circuits, Policy
circuits = Circuits(redis.Redis.from_url(sys.argv[1]), policy=Policy(failures=1, first_open_s=0.2))
print("ready", flush=True)
sys.stdin.readline()
probes = 0
end = time.monotonic() + 1.0
while time.monotonic() < end:
    try:
        probes += bool(circuits.admit("api.example", "shopify").probe)
    except CircuitOpen:
        pass
print(probes)
"""


def test_of_several_processes_exactly_one_is_the_probe(redis_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROBER, redis_url],
            cwd=BACKEND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    with redis.Redis.from_url(redis_url) as client:
        circuits = Circuits(client, policy=Policy(failures=1, first_open_s=0.2))
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        fail(circuits, 1)
        said = [process.communicate("go\n", timeout=30)[0] for process in processes]
        assert sorted(said) == ["0\n", "1\n"]
        assert only(circuits).state == "half_open"


def test_the_list_forgets_hosts_whose_key_is_gone(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        circuits = Circuits(client, policy=Policy(window_s=0.6))
        fail(circuits, 1)
        assert [each.host for each in circuits.list_all()] == [HOST]
        deadline = time.monotonic() + 10
        while circuits.list_all() and time.monotonic() < deadline:
            pass
        assert circuits.list_all() == []
        assert client.zcard(INDEX) == 0
