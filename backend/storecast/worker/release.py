"""Which staged jobs go to the broker next: a pure plan from what waits, what is in flight and what the limits say.

Priority first; within a priority every shop in turn, by its weight and by what it has in flight already, so that a
shop with a million jobs delays one with ten by a turn and not by a million. Caps and rates only ever leave a job for
a later round. Brokers never see a priority: they are given little at a time, in this order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from storecast.worker.job import Job
from storecast.worker.wire import Message

PLATFORM = 0
"""Stands for the shop of jobs that belong to none; they take their turn like a shop's."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A staged job: ``shop`` is `PLATFORM` for one of no shop, ``attempt`` counts those it has had."""

    id: UUID
    shop: int
    name: str
    priority: int
    attempt: int
    run_at: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds for a queue or a kind of job; ``tokens`` is how many of a rate may go now. None is no limit."""

    in_flight: int | None = None
    shop_in_flight: int | None = None
    tokens: float | None = None

    def full(self, flight: "Flight", name: str) -> bool:
        """Whether not one more job of this kind may go, whichever shop's."""
        return (self.tokens is not None and self.tokens < 1) or _full(flight.of_job(name), self.in_flight)


NO_LIMIT = Limit()


@dataclass(slots=True)
class Flight:
    """How many jobs of a queue are queued or running, by shop and name."""

    by_shop_and_name: Counter[tuple[int, str]] = field(default_factory=Counter)

    def total(self) -> int:
        """All of them."""
        return self.by_shop_and_name.total()

    def of_shop(self, shop: int) -> int:
        """Those of a shop."""
        return sum(count for (owner, _name), count in self.by_shop_and_name.items() if owner == shop)

    def of_job(self, name: str, shop: int | None = None) -> int:
        """Those of a kind, in all or of a shop."""
        return sum(
            count
            for (owner, kind), count in self.by_shop_and_name.items()
            if kind == name and shop in (None, owner)
        )


def plan(
    waiting: Iterable[Waiting],
    flight: Flight,
    *,
    room: float,
    known: Mapping[str, type[Job]] | None = None,
    queue: Limit = NO_LIMIT,
    jobs: Mapping[str, Limit] | None = None,
    weights: Mapping[int, int] | None = None,
) -> list[Waiting]:
    """The jobs to release now, in order: for at most ``room`` messages, and never over a cap or a rate."""
    gate = _Gate(flight, queue, jobs or {})
    chosen: list[Waiting] = []
    for job in _in_turn(waiting, flight, weights or {}):
        if room <= 0 or gate.closed():
            break
        if gate.admit(job):
            chosen.append(job)
            room -= share(job.name, known or {})
    return chosen


def share(name: str, known: Mapping[str, type[Job]]) -> float:
    """How much of a message a job takes up."""
    return 1.0 / known.get(name, Job).bundle


def messages(chosen: Sequence[Waiting], queue: str, known: Mapping[str, type[Job]]) -> list[Message]:
    """Jobs as messages, in the order of each message's first job.

    Small jobs of one shop and kind share one. A job that failed before goes alone: it may be the one that takes long.
    """
    bundles: dict[tuple[int, str], list[Waiting]] = {}
    groups: list[list[Waiting]] = []
    for job in chosen:
        job_type = known.get(job.name, Job)
        group = bundles.get((job.shop, job.name))
        if job.attempt > 0 or job_type.bundle == 1:
            groups.append([job])
        elif group is None or len(group) >= job_type.bundle:
            bundles[job.shop, job.name] = group = [job]
            groups.append(group)
        else:
            group.append(job)
    return [
        Message([job.id for job in group], queue, known.get(group[0].name, Job).timeout_s) for group in groups
    ]


class _Gate:
    """Counts what is let through against every limit."""

    def __init__(self, flight: Flight, queue: Limit, jobs: Mapping[str, Limit]) -> None:
        self._queue = queue
        self._jobs = jobs
        self._total = flight.total()
        self._shops: Counter[int] = Counter()
        self._names: Counter[str] = Counter()
        self._both = Counter(flight.by_shop_and_name)
        for (shop, name), count in flight.by_shop_and_name.items():
            self._shops[shop] += count
            self._names[name] += count
        self._spent = 0
        self._spent_on: Counter[str] = Counter()

    def closed(self) -> bool:
        """Whether nothing more of the queue may pass."""
        return _full(self._total, self._queue.in_flight) or _full(
            self._spent + 1, self._queue.tokens, over=True
        )

    def admit(self, job: Waiting) -> bool:
        """Let the job pass and count it, or leave it waiting."""
        limit = self._jobs.get(job.name, NO_LIMIT)
        if (
            _full(self._shops[job.shop], self._queue.shop_in_flight)
            or _full(self._names[job.name], limit.in_flight)
            or _full(self._both[job.shop, job.name], limit.shop_in_flight)
            or _full(self._spent_on[job.name] + 1, limit.tokens, over=True)
        ):
            return False
        self._total += 1
        self._spent += 1
        self._shops[job.shop] += 1
        self._names[job.name] += 1
        self._both[job.shop, job.name] += 1
        self._spent_on[job.name] += 1
        return True


def _full(count: int, most: float | None, *, over: bool = False) -> bool:
    if most is None:
        return False
    return count > most if over else count >= most


def _in_turn(waiting: Iterable[Waiting], flight: Flight, weights: Mapping[int, int]) -> list[Waiting]:
    """Every shop's line in order, merged by turns: a shop's n-th job has the turn (in flight + n) / weight."""
    lines: dict[int, list[Waiting]] = {}
    for job in waiting:
        lines.setdefault(job.shop, []).append(job)
    turns = []
    for shop, line in lines.items():
        line.sort(key=lambda job: (job.priority, job.run_at, job.id))
        before, weight = flight.of_shop(shop), max(weights.get(shop, 1), 1)
        turns += [
            (job.priority, (before + place) / weight, job.run_at, job.id, job)
            for place, job in enumerate(line)
        ]
    turns.sort(key=lambda turn: turn[:4])
    return [turn[4] for turn in turns]
