"""What monitoring reads of jobs, as of one instant; and totals that only grow, which is what counters must do.

The rolled figures are kept for a time and then deleted, so a sum over them would fall. A process that is watched
therefore adds up for itself, from the minute in which it first looked: every one begins at zero, as counters may.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.jobs import telemetry_repository as repository
from storecast.jobs.histogram import BOUNDS_MS, BUCKETS
from storecast.worker.job import QUEUES

STATES = ("scheduled", "retrying", "staged", "queued", "running")

WORKFLOW_STATES = ("running", "paused", "cancelled")

BOUNDS_S = tuple(ms / 1000 for ms in BOUNDS_MS)

MAX_CATCH_UP = timedelta(days=7)
"""Minutes are kept a day longer. A process that was not watched for a week begins anew."""


@dataclass(frozen=True, slots=True)
class Live:
    """Jobs of one queue in one state."""

    depth: int = 0
    oldest_age_s: float = 0.0


@dataclass(slots=True)
class Ended:
    """Jobs of one kind that ended, since this process began to count."""

    by_state: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    run_s: float = 0.0
    wait_buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    run_buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One look."""

    live: Mapping[tuple[str, str], Live]
    paused: frozenset[str]
    relay_lag_s: float
    batches: int
    workflows: Mapping[str, int]
    dead_letters: int
    schedule_lag_s: float
    rollup_lag_s: float


def look(session: Session, *, now: datetime, timeout_ms: int) -> tuple[Telemetry, datetime | None]:
    """The state of everything, and up to where runs are rolled. Needs a session that sees all shops."""
    repository.bound_statements(session, timeout_ms)
    live: dict[tuple[str, str], Live] = {(queue, state): Live() for queue in QUEUES for state in STATES}
    for row in repository.live(session, now):
        live[row.queue, row.state] = Live(row.depth, max(0.0, row.oldest_age_s or 0.0))
    others = repository.others(session, now)
    workflows = dict.fromkeys(WORKFLOW_STATES, 0)
    workflows.update({row.state: row.count for row in repository.open_workflows(session)})
    rolled_until = others.rolled_until
    telemetry = Telemetry(
        live=live,
        paused=frozenset(repository.paused_queues(session)),
        relay_lag_s=max(0.0, repository.relay_lag_s(session, now)),
        batches=others.batches,
        workflows=workflows,
        dead_letters=others.dead_letters,
        schedule_lag_s=others.schedule_lag_s,
        rollup_lag_s=(now - rolled_until).total_seconds() if rolled_until else 0.0,
    )
    return telemetry, rolled_until


class Totals:
    """What ended since the first look, by queue and kind. One for a process; its looks take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._ended: dict[tuple[str, str], Ended] = {}

    def advance(self, session: Session, rolled_until: datetime | None) -> Mapping[tuple[str, str], Ended]:
        """Add the minutes that were rolled since; what is not rolled yet counts a few minutes later."""
        with self._lock:
            if rolled_until is not None:
                if self._until is None or rolled_until - self._until > MAX_CATCH_UP:
                    # Its kinds are there from the start, at zero: a rate needs two points.
                    self._name_kinds(session, rolled_until)
                elif self._until < rolled_until:
                    self._add(session, self._until, rolled_until)
                self._until = max(self._until or rolled_until, rolled_until)
            return self._ended

    def _name_kinds(self, session: Session, until: datetime) -> None:
        for row in repository.rolled(session, until - timedelta(days=1), until):
            ended = self._ended.setdefault((row.queue, row.name), Ended())
            ended.by_state[row.state] += 0

    def _add(self, session: Session, since: datetime, until: datetime) -> None:
        for row in repository.rolled(session, since, until):
            ended = self._ended.setdefault((row.queue, row.name), Ended())
            ended.by_state[row.state] += row.runs
            ended.run_s += row.run_ms_total / 1000
            for index in range(BUCKETS):
                ended.wait_buckets[index] += row.wait_buckets[index]
                ended.run_buckets[index] += row.run_buckets[index]
