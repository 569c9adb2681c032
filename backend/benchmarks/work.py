"""Jobs to measure with: some that do nothing, some that leave an effect that can be counted."""

import random
import time
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import text

from storecast.worker.job import Job
from storecast.worker.retry import Retry
from storecast.worker.task import TaskContext, task

SLOWEST_EFFECT_S = 0.004


@dataclass(frozen=True, slots=True)
class Nothing(Job):
    """Does nothing, one a message."""

    name: ClassVar[str] = "bench.nothing"


@dataclass(frozen=True, slots=True)
class SmallNothing(Job):
    """Does nothing, many a message."""

    name: ClassVar[str] = "bench.small_nothing"
    bundle: ClassVar[int] = 100


@dataclass(frozen=True, slots=True)
class Effect(Job):
    """Leaves one effect, one a message."""

    name: ClassVar[str] = "bench.effect"
    max_attempts: ClassVar[int] = 20
    retry: ClassVar[Retry] = Retry(base_s=0.05, cap_s=0.1)


@dataclass(frozen=True, slots=True)
class SmallEffect(Job):
    """Leaves one effect, many a message."""

    name: ClassVar[str] = "bench.small_effect"
    bundle: ClassVar[int] = 20
    max_attempts: ClassVar[int] = 20
    retry: ClassVar[Retry] = Retry(base_s=0.05, cap_s=0.1)


@task(Nothing)
def nothing(job: Nothing, ctx: TaskContext) -> None:
    pass


@task(SmallNothing)
def small_nothing(job: SmallNothing, ctx: TaskContext) -> None:
    pass


EFFECT_TABLES = """
CREATE TABLE runs (job_id uuid NOT NULL, attempt int NOT NULL);
CREATE TABLE effects (job_id uuid NOT NULL);
CREATE INDEX ON effects (job_id);
GRANT SELECT, INSERT ON runs, effects TO storecast_platform;
"""


def leave_effect(job: Job, ctx: TaskContext) -> None:
    """In one transaction: note the run, and leave the effect when none is there yet.

    Nothing in the schema forbids a second effect: two runs of a job at the same time would leave two.
    """
    with ctx.unit_of_work() as session:
        key = {"id": ctx.job_id, "attempt": ctx.attempt}
        session.execute(text("INSERT INTO runs (job_id, attempt) VALUES (:id, :attempt)"), key)
        session.execute(
            text(
                "INSERT INTO effects (job_id) SELECT :id WHERE NOT EXISTS (SELECT FROM effects WHERE job_id = :id)"
            ),
            key,
        )
        # Longer than it needs, so that kills hit it in the middle.
        time.sleep(random.uniform(0, SLOWEST_EFFECT_S))


@task(Effect)
def effect(job: Effect, ctx: TaskContext) -> None:
    leave_effect(job, ctx)


@task(SmallEffect)
def small_effect(job: SmallEffect, ctx: TaskContext) -> None:
    leave_effect(job, ctx)
