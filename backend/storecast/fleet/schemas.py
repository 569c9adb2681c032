"""API shapes of the fleet."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ProcessKind = Literal["api", "edge", "relay", "worker", "beat"]
ProcessState = Literal["ok", "late", "lost"]
CommandAction = Literal["drain", "resume", "stop", "resize"]

SLOTS_MAX = 64
"""Of one worker process: more than a machine's cores only adds switching, and memory for each child."""


class ChildJob(BaseModel):
    """What a child is running."""

    id: str
    name: str
    title_key: str
    started_at: datetime
    shop_domain: str | None


class ChildRow(BaseModel):
    """A child process of a worker: one slot."""

    pid: int
    rss_mib: float
    job: ChildJob | None


class FleetCommand(BaseModel):
    """What was asked of a process, and whether it has done it."""

    id: int
    action: CommandAction
    slots: int | None
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    error: str | None


class ProcessRow(BaseModel):
    """One process and how it is."""

    name: str
    kind: ProcessKind
    host: str
    pid: int
    state: ProcessState
    queues: list[str]
    slots: int
    busy: int
    pool: str
    children: list[ChildRow]
    prefetched: int
    rss_mib: float
    started_at: datetime
    beat_at: datetime
    version: str
    outdated: bool
    done: int
    done_per_min: float
    last_job: str | None
    last_job_at: datetime | None
    broker_age_s: float | None
    draining: bool
    dropped: int
    orphans: int
    commands: list[FleetCommand]


class Deploy(BaseModel):
    """A version and when it was first seen running."""

    version: str
    at: datetime


class Workers(BaseModel):
    """Every known process, those in trouble first, as of ``at``."""

    processes: list[ProcessRow]
    deploys: list[Deploy]
    newest_version: str | None
    at: datetime


class OrphanRow(BaseModel):
    """A job whose worker was lost, what was done with it, and where it is now."""

    job_id: str
    name: str
    title_key: str
    shop_domain: str | None
    attempt: int
    at: datetime
    outcome: Literal["retried", "dead", "cancelled"]
    state: str | None


class CommandRequest(BaseModel):
    """What to ask of a process."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"action": "resize", "slots": 4, "reason": "a sale"}]}
    )

    action: CommandAction
    slots: Annotated[int, Field(ge=1, le=SLOTS_MAX)] | None = None
    reason: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _slots_belong_to_resize(self) -> Self:
        if (self.action == "resize") != (self.slots is not None):
            raise ValueError("slots are given with resize, and with nothing else")
        return self


Facts = dict[str, Any]
