"""API shapes of schedules."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from storecast.jobs.schemas import JobState

Overlap = Literal["skip", "queue"]
CatchUp = Literal["none", "last", "all"]
Source = Literal["code", "user"]
TickOutcome = Literal["staged", "waiting", "skipped", "overlapped", "missed"]
Title = Annotated[str, Field(min_length=1, max_length=120)]


class NextRun(BaseModel):
    """An instant, in UTC and on the schedule's own clock."""

    at_utc: datetime
    at_local: datetime


class ScheduleResult(BaseModel):
    """What came of one instant at which the schedule was due; ``drift_ms`` is by how much it was met late."""

    due_at: datetime
    outcome: TickOutcome
    job_id: str | None
    state: JobState | None
    drift_ms: int


class Schedule(BaseModel):
    """A job that is started again and again. Of ``cron`` and ``interval_s`` exactly one is there."""

    id: str
    source: Source
    title: str
    title_key: str | None
    job_name: str
    args: dict[str, Any]
    cron: str | None
    interval_s: int | None
    timezone: str
    overlap: Overlap
    catch_up: CatchUp
    paused_at: datetime | None
    skip_next: bool
    next_runs: list[NextRun]
    last_results: list[ScheduleResult]
    # Over the last seven days.
    missed: int
    shop_domain: str | None
    words: str
    created_by: str | None


class Rhythm(BaseModel):
    """When something is due: one of ``cron`` and ``interval_s``, and the clock that cron is read on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"cron": "30 6 * * 1-5", "timezone": "Europe/Berlin"}]}
    )

    cron: str | None = None
    interval_s: int | None = None
    timezone: str | None = None


class NewSchedule(Rhythm):
    """A schedule to start. Without a time zone it follows the shop's; only operators may name another shop."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Full import on Sunday nights",
                    "job_name": "sync.full",
                    "args": {},
                    "cron": "30 2 * * sun",
                    "timezone": "Europe/Berlin",
                    "overlap": "skip",
                    "catch_up": "last",
                }
            ]
        }
    )

    title: Title
    job_name: Annotated[str, Field(max_length=200)]
    args: dict[str, Any] = {}
    overlap: Overlap = "skip"
    catch_up: CatchUp = "last"
    shop_domain: Annotated[str, Field(max_length=255)] | None = None


class ScheduleChanges(Rhythm):
    """An edit; fields left out stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cron": "0 7 * * *", "overlap": "skip"}]})

    title: Title | None = None
    args: dict[str, Any] | None = None
    overlap: Overlap | None = None
    catch_up: CatchUp | None = None


class ScheduleReason(BaseModel):
    """Why it is done; goes to the audit log."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "stocktaking"}]})

    reason: Annotated[str, Field(max_length=500)] | None = None


class SchedulePreview(BaseModel):
    """What a rhythm comes to."""

    next_runs: list[NextRun]
    words: str


class SchedulableJob(BaseModel):
    """A job that people may schedule, and the JSON Schema of its arguments."""

    name: str
    title_key: str
    args_schema: dict[str, Any]
