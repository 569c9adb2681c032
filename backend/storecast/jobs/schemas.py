"""API shapes of runs."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

JobState = Literal["staged", "queued", "running", "retrying", "succeeded", "dead", "cancelled"]


class JobProgress(BaseModel):
    """How far a job is, in its own unit."""

    done: int
    total: int
    note: str


class JobRun(BaseModel):
    """A job, waiting, running or over."""

    id: str
    name: str
    title_key: str
    queue: str
    state: JobState
    attempt: int
    max_attempts: int
    enqueued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    wait_ms: int | None
    run_ms: int | None
    worker: str | None
    error: str | None
    progress: JobProgress | None
    shop_domain: str | None
    request_id: str | None
    args: dict[str, Any]
    parent_id: str | None


class Attempt(BaseModel):
    """One try of a job."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    worker: str | None
    error: str | None
    traceback: str | None


class JobDetail(JobRun):
    """A job with its tries."""

    attempts: list[Attempt]


class JobStates(BaseModel):
    """How many jobs are in each state."""

    staged: int
    queued: int
    running: int
    retrying: int
    succeeded_24h: int
    dead: int
    cancelled_24h: int


class QueueRow(BaseModel):
    """A queue: what waits, for how long, and how fast it is worked off."""

    name: str
    depth: int
    oldest_age_s: float | None
    running: int
    paused: bool
    done_per_min: float


class JobsSummary(BaseModel):
    """States and queues at a glance."""

    states: JobStates
    queues: list[QueueRow]
