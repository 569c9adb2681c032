"""Code-declared schedules: which job is staged when. Beat sends the ticks; one leader at a time holds the lock."""

from dataclasses import dataclass
from typing import Any

from celery.schedules import crontab, schedule

from storecast.worker.broker import SCHEDULE_TASK
from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job without arguments, and when it is staged."""

    job: Job
    when: schedule


_scheduled: dict[str, Scheduled] = {}


def every(job: Job, *, seconds: float) -> None:
    """Stage the job again and again."""
    _add(job, schedule(run_every=seconds))


def daily(job: Job, *, hour: int, minute: int = 0) -> None:
    """Stage the job once a day (UTC)."""
    _add(job, crontab(hour=str(hour), minute=str(minute)))


def _add(job: Job, when: schedule) -> None:
    if job.name in _scheduled:
        raise ValueError(f"{job.name} is scheduled twice")
    if job.unique_key() is None:
        raise ValueError(f"{job.name} needs a unique key: ticks that pile up must not run it twice")
    _scheduled[job.name] = Scheduled(job, when)


def job_for(name: str) -> Job:
    """The job of a schedule; raises KeyError for one that this version does not know."""
    return _scheduled[name].job


def scheduled() -> list[Scheduled]:
    """Every schedule."""
    return list(_scheduled.values())


def beat_entries() -> dict[str, dict[str, Any]]:
    """The schedules as Celery beat reads them. A tick that nobody took within a minute is dropped: the next comes."""
    return {
        name: {
            "task": SCHEDULE_TASK,
            "args": (name,),
            "schedule": entry.when,
            "options": {"queue": "default", "expires": 60},
        }
        for name, entry in _scheduled.items()
    }
