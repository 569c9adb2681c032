"""API shapes of runs, bulk actions, dead letters and the merchant's tasks."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

JobState = Literal["scheduled", "staged", "queued", "running", "retrying", "succeeded", "dead", "cancelled"]
BulkActionName = Literal["retry", "cancel", "discard"]
WaitCode = Literal[
    "scheduled",
    "retry_delay",
    "queue_paused",
    "job_paused",
    "queue_full",
    "shop_cap",
    "job_cap",
    "rate_limit",
    "unique",
    "no_consumer",
    "behind",
    "relay_late",
]

TaskErrorKey = Literal["store_away", "access_lost", "too_slow", "interrupted", "unexpected"]
"""Why a task failed, in as many words as a shop's people need."""

AttemptErrorKey = Literal[TaskErrorKey, "covered"]
"""Why one try of it failed; ``covered``: a later task does its work."""

BULK_CAP_MAX = 10_000
"""Jobs that one bulk action may touch: what goes wrong with more than that should be looked at twice."""

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Cap = Annotated[int, Field(ge=1, le=BULK_CAP_MAX)]
Rate = Annotated[int | None, Field(ge=1, le=60_000)]


class JobProgress(BaseModel):
    """How far a job is, in its own unit."""

    done: int
    total: int
    note: str


class JobRun(BaseModel):
    """A job, waiting, running or over. Arguments are masked where they hold secrets or say who somebody is."""

    id: str
    name: str
    title_key: str
    queue: str
    priority: int
    state: JobState
    attempt: int
    max_attempts: int
    enqueued_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    wait_ms: int | None
    run_ms: int | None
    usual_run_ms: int | None
    worker: str | None
    error: str | None
    error_class: str | None
    fingerprint: str | None
    progress: JobProgress | None
    shop_domain: str | None
    request_id: str | None
    args: dict[str, Any]
    tags: list[str]
    parent_id: str | None
    root_id: str | None
    batch_id: str | None
    retried_as: str | None
    discarded_at: datetime | None


class Attempt(BaseModel):
    """One try of a job."""

    number: int
    queued_at: datetime | None = None
    started_at: datetime
    finished_at: datetime | None
    worker: str | None
    error: str | None
    error_key: AttemptErrorKey | None = None
    traceback: str | None = None


class WaitReason(BaseModel):
    """Why a job is not running yet; ``until`` is the earliest instant at which that may change."""

    code: WaitCode
    until: datetime | None = None
    facts: dict[str, Any] = {}


class JobDetail(JobRun):
    """A job with its tries, and what may be done with it."""

    attempts: list[Attempt]
    error_key: TaskErrorKey | None
    result: dict[str, Any] | None
    waits_because: WaitReason | None
    children_count: int
    log_count: int
    trace_url: str | None
    cancel_requested_at: datetime | None
    editable: bool
    args_schema: dict[str, Any] | None


class JobCount(BaseModel):
    """How many jobs match; ``capped``: at least so many."""

    count: int
    capped: bool


class Suggestion(BaseModel):
    """What may stand in place of the word under the cursor."""

    text: str
    kind: Literal["qualifier", "name", "queue", "state", "shop", "tag", "arg", "worker", "class"]
    hint: str


class Suggestions(BaseModel):
    """At most ten."""

    items: list[Suggestion]


class JobLogLine(BaseModel):
    """A line that a running job logged."""

    at: datetime
    attempt: int
    level: str
    event: str
    facts: dict[str, Any]


class FamilyNode(BaseModel):
    """A job among those that descend from the same one."""

    id: str
    name: str
    title_key: str
    state: JobState
    parent_id: str | None
    batch_id: str | None
    enqueued_at: datetime
    finished_at: datetime | None


class Family(BaseModel):
    """A job's ancestors, siblings and descendants; ``truncated``: there are more."""

    nodes: list[FamilyNode]
    truncated: bool


class RetryRequest(BaseModel):
    """How to try a job again: with other arguments, if given."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"args": {"campaign_id": 7}, "reason": "the address was wrong"}]}
    )

    args: dict[str, Any] | None = None
    reason: Reason | None = None


class DiscardRequest(BaseModel):
    """Why a dead letter needs nobody's attention any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the shop has left"}]})

    reason: Reason


class BulkRequest(BaseModel):
    """What to do with every job that the filter finds."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "retry",
                    "state": "dead",
                    "q": "name:sync.import",
                    "cap": 500,
                    "rate_per_min": 60,
                    "reason": "Shopify is back",
                    "dry_run": True,
                }
            ]
        }
    )

    action: BulkActionName
    state: JobState | None = None
    q: str = ""
    cap: Cap = 1000
    rate_per_min: Rate = None
    reason: Reason
    dry_run: bool = False


class BulkAnswer(BaseModel):
    """How many jobs the filter finds and how many of them are acted on (the newest first), by which job."""

    matched: int
    capped: bool
    acting: int
    job_id: str | None


class DeadGroup(BaseModel):
    """Dead letters of one cause."""

    fingerprint: str
    error_class: str
    message: str
    name: str
    title_key: str
    count: int
    shops: int
    first_at: datetime
    last_at: datetime
    sample_job_id: str
    notes: int


class DeadNote(BaseModel):
    """What somebody wrote about a group of dead letters, or about one of them."""

    id: int
    body: str
    author: str
    created_at: datetime
    job_id: str | None


class DeadGroupDetail(DeadGroup):
    """A group with its notes."""

    note_list: list[DeadNote]


class ReplayRequest(BaseModel):
    """How to try a group of dead letters again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"cap": 500, "rate_per_min": 60, "reason": "mended in 0.1.1", "dry_run": True}]
        }
    )

    cap: Cap = 1000
    rate_per_min: Rate = None
    reason: Reason
    dry_run: bool = False


class DiscardGroupRequest(BaseModel):
    """Why a group of dead letters needs nobody's attention any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "a test shop", "cap": 100}]})

    reason: Reason
    cap: Cap = BULK_CAP_MAX
    dry_run: bool = False


class NewDeadNote(BaseModel):
    """A note to write."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"body": "The carrier's service is down; replay when it is back."}]}
    )

    body: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    job_id: str | None = None


class Task(BaseModel):
    """A job as the shop's people are told of it."""

    id: str
    name: str
    title_key: str
    state: JobState
    percent: int | None
    done: int | None
    total: int | None
    note: str | None
    eta_s: int | None
    rate_per_min: float | None
    since: datetime
    why: WaitReason | None
    error_key: TaskErrorKey | None
    retryable: bool


class LastSuccess(BaseModel):
    """When a kind of task last went well."""

    name: str
    title_key: str
    at: datetime


class Tasks(BaseModel):
    """What goes on in the shop, what needs somebody, and what went well."""

    running: list[Task]
    needs_you: list[Task]
    recent: list[Task]
    last_success: list[LastSuccess]
