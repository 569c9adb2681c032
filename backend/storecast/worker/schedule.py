"""Schedules that the program declares: which job is staged when. `jobs.beat` keeps them in the table of schedules."""

from dataclasses import dataclass

from storecast.worker.job import Job

MIN_INTERVAL_S = 5
"""The scheduler looks this often at the latest: what is shorter would only be late."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job of the platform, and when it is staged: by a cron expression (UTC) or every so many seconds."""

    job: Job
    cron: str | None = None
    interval_s: int | None = None


_scheduled: dict[str, Scheduled] = {}


def every(job: Job, *, seconds: int) -> None:
    """Stage the job again and again."""
    if seconds < MIN_INTERVAL_S:
        raise ValueError(f"{job.name}: an interval is {MIN_INTERVAL_S} seconds or longer")
    _add(Scheduled(job, interval_s=seconds))


def daily(job: Job, *, hour: int, minute: int = 0) -> None:
    """Stage the job once a day (UTC)."""
    _add(Scheduled(job, cron=f"{minute} {hour} * * *"))


def _add(scheduled: Scheduled) -> None:
    job = scheduled.job
    if job.name in _scheduled:
        raise ValueError(f"{job.name} is scheduled twice")
    if job.unique_key() is None:
        raise ValueError(f"{job.name} needs a unique key: runs that pile up must not do the work twice")
    _scheduled[job.name] = scheduled


def scheduled() -> list[Scheduled]:
    """Every schedule."""
    return list(_scheduled.values())
