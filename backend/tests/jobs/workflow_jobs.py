"""Jobs of the tests' own, and an executor that runs whatever a database holds, in any order and with kills."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from sqlalchemy import event
from sqlalchemy.orm import Session

from storecast.db.roles import Role
from storecast.db.session import engine
from storecast.entrypoints.modules import register_jobs
from storecast.jobs import fan_out
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.worker.job import Job
from storecast.worker.ledger import Ledger
from storecast.worker.task import Runner, TaskContext, task

register_jobs()


@dataclass(frozen=True, slots=True)
class Step(Job):
    """A job whose fate the test decides."""

    name: ClassVar[str] = "tests.step"
    open_to_users: ClassVar[bool] = True
    of: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Private(Job):
    """A job that people may not start."""

    name: ClassVar[str] = "tests.private"


@dataclass(slots=True)
class Fate:
    """How often each job dies before it succeeds, what it gives, and what has run, in this order."""

    deaths: dict[tuple[str, int], int] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    ran: list[tuple[str, int]] = field(default_factory=list)

    def runs(self) -> Counter[tuple[str, int]]:
        """How often each job ran."""
        return Counter(self.ran)


fate = Fate()


def new_fate(**given: Any) -> Fate:
    """Begin a test with a clean slate."""
    fresh = Fate(**given)
    fate.deaths, fate.results, fate.ran = fresh.deaths, fresh.results, fresh.ran
    return fate


@task(Step)
def run_step(job: Step, ctx: TaskContext) -> None:
    key = (job.of, job.index)
    fate.ran.append(key)
    if fate.runs()[key] <= fate.deaths.get(key, 0):
        raise Permanent(f"{job.of} {job.index} was to die")
    ctx.result(**fate.results.get(job.of, {}))


@task(Private)
def run_private(_job: Private, _ctx: TaskContext) -> None:
    return None


def _first_numbers(count: int) -> None:
    @fan_out.fan_out(f"tests.first_{count}", f"The first {count} numbers", sample=0)
    def values(_session: Session, _shop_id: ShopId, limit: int) -> Iterable[int]:
        return range(min(limit, count))


for _count in (0, 1, 2, 3, 4, fan_out.MAX_VALUES + 1):
    _first_numbers(_count)


class Killed(BaseException):
    """The process is gone: nothing catches it, nothing cleans up."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Kill the process before the n-th statement that the app's role would send."""
    left = statement

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    event.listen(engine(Role.APP), "before_cursor_execute", count)
    try:
        yield
    except Killed:
        pass
    finally:
        event.remove(engine(Role.APP), "before_cursor_execute", count)


class Executor:
    """Runs single jobs of a database, in the test's own process."""

    def __init__(self, database_url: str) -> None:
        # Two connections, as a worker has: a thread of the runner's own uses the second.
        self._ledgers = Ledger(database_url, "tests"), Ledger(database_url, "tests")
        self._runner = Runner(*self._ledgers)
        self._connection = psycopg.connect(database_url, autocommit=True)

    def waiting(self, name: str | None = None) -> list[UUID]:
        """Jobs that could run, whatever time they are due, oldest first."""
        rows = self._connection.execute(
            "SELECT id FROM outbox WHERE cancel_requested_at IS NULL AND name = coalesce(%s, name)"
            " AND name IN ('tests.step', 'tests.private', 'jobs.advance_workflow') ORDER BY id",
            [name],
        )
        return [row[0] for row in rows]

    def run(self, job_id: UUID) -> None:
        """Deliver one job."""
        self._connection.execute("UPDATE outbox SET state = 'queued' WHERE id = %s", [job_id])
        self._runner.run([job_id])

    def lose_advances(self) -> None:
        """As if their last attempts had failed."""
        self._connection.execute("DELETE FROM outbox WHERE name = 'jobs.advance_workflow'")

    def run_until_idle(self) -> None:
        """Run everything, and what follows."""
        for _ in range(1_000):
            waiting = self.waiting()
            if not waiting:
                return
            self.run(waiting[0])
        raise AssertionError("jobs make jobs without end")

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, parameters).fetchall()

    def close(self) -> None:
        for ledger in self._ledgers:
            ledger.close()
        self._connection.close()
