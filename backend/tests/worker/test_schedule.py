"""Schedules that the program declares: refused at once when they could not work."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from storecast.jobs.jobs import MaintainPartitions
from storecast.jobs.tasks import maintain_partitions
from storecast.worker import schedule
from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class Uncounted(Job):
    name: ClassVar[str] = "tests.uncounted"


def test_a_declared_schedule_is_known_by_its_job() -> None:
    assert callable(maintain_partitions)  # importing the job's body declares it
    (entry,) = (each for each in schedule.scheduled() if isinstance(each.job, MaintainPartitions))
    assert (entry.cron, entry.interval_s) == ("10 2 * * *", None)


def test_a_schedule_without_a_unique_key_is_refused() -> None:
    with pytest.raises(ValueError, match="unique key"):
        schedule.every(Uncounted(), seconds=60)


def test_a_job_is_scheduled_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        schedule.every(MaintainPartitions(), seconds=60)


def test_an_interval_shorter_than_the_scheduler_s_own_is_refused() -> None:
    with pytest.raises(ValueError, match="5 seconds"):
        schedule.every(MaintainPartitions(), seconds=4)
