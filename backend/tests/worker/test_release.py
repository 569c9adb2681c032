"""The plan of release: urgent first, shops in turn, nothing over a cap, nothing left behind for ever."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.worker.job import Job
from storecast.worker.release import Flight, Limit, Waiting, messages, plan
from storecast.worker.window import CEILING, FLOOR, REFILL_SHARE, Window

START = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Small(Job):
    name: ClassVar[str] = "tests.small"
    bundle: ClassVar[int] = 4
    timeout_s: ClassVar[int] = 7


KNOWN: dict[str, type[Job]] = {"tests.small": Small}


def waiting(
    number: int, *, shop: int = 1, name: str = "tests.big", priority: int = 5, attempt: int = 0
) -> Waiting:
    return Waiting(UUID(int=number), shop, name, priority, attempt, START + timedelta(seconds=number))


def flight(counts: dict[tuple[int, str], int] | None = None) -> Flight:
    return Flight(Counter(counts or {}))


def shops(chosen: list[Waiting]) -> list[int]:
    return [job.shop for job in chosen]


def test_a_shop_with_many_jobs_delays_one_with_few_by_a_turn() -> None:
    many = [waiting(number, shop=1) for number in range(1000)]
    few = [waiting(2000 + number, shop=2) for number in range(3)]
    assert shops(plan([*many, *few], flight(), room=8)) == [1, 2, 1, 2, 1, 2, 1, 1]


def test_a_shop_s_weight_gives_it_as_many_jobs_a_turn() -> None:
    jobs = [waiting(number, shop=1 + number % 2) for number in range(40)]
    assert Counter(shops(plan(jobs, flight(), room=12, weights={1: 3}))) == {1: 9, 2: 3}


def test_what_is_in_flight_counts_as_turns_taken() -> None:
    jobs = [waiting(number, shop=1 + number % 2) for number in range(40)]
    assert shops(plan(jobs, flight({(1, "tests.big"): 5}), room=5)) == [2] * 5


def test_urgent_jobs_go_first_whichever_shop_s_turn_it_is() -> None:
    jobs = [*(waiting(number) for number in range(5)), *(waiting(9 - n, shop=2, priority=n) for n in (0, 7))]
    chosen = plan(jobs, flight(), room=10)
    assert [job.priority for job in chosen] == [0, 5, 5, 5, 5, 5, 7]


@pytest.mark.parametrize(
    ("queue", "job", "expected"),
    [
        (Limit(in_flight=5), Limit(), 3),
        (Limit(shop_in_flight=3), Limit(), 3 + 1),
        (Limit(tokens=2.9), Limit(), 2),
        (Limit(), Limit(in_flight=4), 2),
        (Limit(), Limit(shop_in_flight=2), 2),
        (Limit(), Limit(tokens=1.0), 1),
        (Limit(), Limit(tokens=0.5), 0),
        (Limit(), Limit(), 20),
    ],
)
def test_caps_and_rates_leave_jobs_for_a_later_round(queue: Limit, job: Limit, expected: int) -> None:
    jobs = [waiting(number, shop=1 + number % 2) for number in range(20)]
    out = flight({(1, "tests.big"): 2})
    assert len(plan(jobs, out, room=99, queue=queue, jobs={"tests.big": job})) == expected


def test_a_capped_kind_lets_others_pass() -> None:
    jobs = [waiting(number) for number in range(5)] + [waiting(9, name="tests.other")]
    chosen = plan(jobs, flight(), room=9, jobs={"tests.big": Limit(in_flight=0)})
    assert [job.name for job in chosen] == ["tests.other"]


def test_small_jobs_share_a_message_of_their_shop_and_those_that_failed_go_alone() -> None:
    chosen = [
        *(waiting(number, name="tests.small") for number in range(5)),
        waiting(5, name="tests.small", shop=2),
        waiting(6, name="tests.small", attempt=1),
        waiting(7),
        waiting(8, name="tests.small"),
    ]
    sent = messages(chosen, "bulk", KNOWN)
    assert [[job_id.int for job_id in message.job_ids] for message in sent] == [
        [0, 1, 2, 3],
        [4, 8],
        [5],
        [6],
        [7],
    ]
    assert {message.queue for message in sent} == {"bulk"}
    assert [message.timeout_s for message in sent] == [7, 7, 7, 7, 300]


def test_room_is_measured_in_messages() -> None:
    small = [waiting(number, name="tests.small") for number in range(40)]
    assert len(plan(small, flight(), room=3, known=KNOWN)) == 12
    assert len(plan([waiting(number) for number in range(40)], flight(), room=3, known=KNOWN)) == 3


jobs_strategy = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from(["tests.big", "tests.small", "tests.other"]),
        st.integers(0, 9),
        st.integers(0, 2),
    ),
    max_size=40,
)
caps = st.one_of(st.none(), st.integers(0, 6))


@given(
    jobs_strategy,
    st.dictionaries(
        st.tuples(st.integers(1, 4), st.sampled_from(["tests.big", "tests.small"])), st.integers(0, 5)
    ),
    st.builds(Limit, caps, caps, st.one_of(st.none(), st.floats(0, 8))),
    st.builds(Limit, caps, caps, st.one_of(st.none(), st.floats(0, 8))),
    st.integers(0, 30),
)
def test_no_plan_breaks_a_limit_or_skips_one_that_might_go(
    rows: list[tuple[int, str, int, int]],
    out: dict[tuple[int, str], int],
    queue: Limit,
    small: Limit,
    room: int,
) -> None:
    jobs = [
        waiting(number, shop=shop, name=name, priority=priority, attempt=attempt)
        for number, (shop, name, priority, attempt) in enumerate(rows)
    ]
    in_flight = flight(out)
    chosen = plan(jobs, in_flight, room=room, queue=queue, jobs={"tests.small": small})

    after = Counter(out)
    after.update((job.shop, job.name) for job in chosen)
    assert len(chosen) <= room
    assert len(set(chosen)) == len(chosen)
    # Within a shop, no more urgent or older job of the same kind is left behind.
    for job in chosen:
        ahead = [
            other
            for other in jobs
            if (other.shop, other.name) == (job.shop, job.name)
            and (other.priority, other.run_at) < (job.priority, job.run_at)
        ]
        assert set(ahead) <= set(chosen)
    if chosen:
        if queue.in_flight is not None:
            assert after.total() <= queue.in_flight
        if queue.tokens is not None:
            assert len(chosen) <= queue.tokens
        for shop in {job.shop for job in chosen}:
            if queue.shop_in_flight is not None:
                assert Flight(after).of_shop(shop) <= queue.shop_in_flight
    of_small = [job for job in chosen if job.name == "tests.small"]
    if of_small:
        assert small.in_flight is None or Flight(after).of_job("tests.small") <= small.in_flight
        assert small.tokens is None or len(of_small) <= small.tokens
        for shop in {job.shop for job in of_small}:
            assert small.shop_in_flight is None or after[shop, "tests.small"] <= small.shop_in_flight


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 60))
def test_shops_with_equal_weight_and_enough_work_get_equal_shares(
    shop_count: int, weight: int, room: int
) -> None:
    jobs = [waiting(number, shop=1 + number % shop_count) for number in range(60 * shop_count)]
    weights = dict.fromkeys(range(1, shop_count + 1), weight)
    counts = Counter(shops(plan(jobs, flight(), room=room, weights=weights)))
    assert sum(counts.values()) == room
    assert max(counts.values()) - min(counts[shop] for shop in weights) <= weight


def test_the_window_follows_the_pace_of_the_workers() -> None:
    window = Window()
    assert window.room(0, slots=0, now=0.0) == FLOOR
    assert window.room(0, slots=10, now=0.0) == 40
    window.release(40)
    assert window.room(40, slots=10, now=0.05) == 0
    # All of it was done within a tenth of a second: four hundred a second.
    assert window.room(0, slots=10, now=0.1) == pytest.approx(400)
    window.release(400)
    # Nothing moves any more: step by step back to what the slots may hold.
    rooms = [window.room(400, slots=10, now=0.2 + step / 10) for step in range(20)]
    assert rooms == [0.0] * 20
    assert window.room(0, slots=10, now=2.2) <= CEILING


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(0.001, 1)), max_size=30))
def test_the_window_stays_between_its_floor_and_its_ceiling(steps: list[tuple[float, float]]) -> None:
    window, now = Window(), 0.0
    for in_flight, dt in steps:
        now += dt
        room = window.room(in_flight, 0, now)
        assert room >= 0
        # A little room is kept back until there is more of it.
        assert (FLOOR if room else (1 - REFILL_SHARE) * FLOOR) <= room + in_flight <= max(CEILING, in_flight)
        window.release(room)
