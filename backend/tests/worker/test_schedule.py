"""Schedules: staged once however many ticks pile up, sent by one leader at a time."""

import random
from dataclasses import dataclass
from typing import ClassVar

import pytest
import redis
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.jobs.jobs import MaintainPartitions
from storecast.worker import retry, schedule
from storecast.worker.beat import LOCK, LOCK_S, LockedScheduler
from storecast.worker.broker import SCHEDULE_TASK
from storecast.worker.job import Job
from storecast.worker.models import OutboxJob


@dataclass(frozen=True, slots=True)
class Uncounted(Job):
    name: ClassVar[str] = "tests.uncounted"


@pytest.fixture
def scheduler(database: str) -> LockedScheduler:
    return LockedScheduler(Celery("tests", broker="memory://"), lazy=True)


def test_code_declared_schedules_reach_beat(database: str) -> None:
    from storecast.entrypoints.worker import app, stage_scheduled

    entry = app.conf.beat_schedule[MaintainPartitions.name]
    assert (entry["task"], entry["args"]) == (SCHEDULE_TASK, (MaintainPartitions.name,))
    assert stage_scheduled.name == SCHEDULE_TASK


def test_ticks_that_pile_up_stage_one_job(platform: Session) -> None:
    from storecast.entrypoints.worker import stage_scheduled

    for _ in range(3):
        stage_scheduled(MaintainPartitions.name)

    assert platform.scalars(select(OutboxJob.name)).all() == [MaintainPartitions.name]


def test_a_schedule_without_a_unique_key_is_refused() -> None:
    with pytest.raises(ValueError, match="unique key"):
        schedule.every(Uncounted(), seconds=1)


def test_a_job_is_scheduled_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        schedule.every(MaintainPartitions(), seconds=1)


def test_one_scheduler_leads_until_it_closes(
    scheduler: LockedScheduler, database: str, redis_url: str
) -> None:
    other = LockedScheduler(Celery("other", broker="memory://"), lazy=True)
    other._me = "another"

    assert scheduler._lead()
    assert scheduler._lead()
    assert not other._lead()
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.ttl(LOCK) <= LOCK_S
    assert other.tick() > 0

    scheduler.close()
    assert other._lead()
    other.close()


@given(attempt=st.integers(1, 40), seed=st.integers())
def test_the_retry_curve_grows_and_stays_bounded(attempt: int, seed: int) -> None:
    ceiling = min(retry.CAP_S, retry.BASE_S * 2 ** (attempt - 1))
    assert ceiling / 2 <= retry.delay_s(attempt, rng=random.Random(seed)) <= ceiling


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        retry.delay_s(0)
