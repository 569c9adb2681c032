"""API shapes of workflows."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from storecast.jobs.workflow_engine import NodeState, Operator, WorkflowState

KEY_PATTERN = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
MAX_NODES = 100
MAX_RETRIES = 10

EXAMPLE: dict[str, Any] = {
    "name": "Refresh and count",
    "nodes": [
        {"key": "facts", "job": "orders.rescore_customers", "args": {}},
        {
            "key": "segments",
            "job": "segments.recount_segment",
            "args": {},
            "needs": ["facts"],
            "fan_out": {"over": "segments.all", "as": "segment_id"},
            "retries": 1,
        },
    ],
}

Key = Annotated[str, Field(pattern=KEY_PATTERN)]
Name = Annotated[str, Field(min_length=1, max_length=120)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class WorkflowCondition(_Input):
    """Run the node only when this holds of the result of an earlier one; otherwise skip it."""

    node: Key
    field: Annotated[str, Field(min_length=1, max_length=100)]
    op: Operator
    value: bool | int | float | Annotated[str, Field(max_length=1_000)] | None = None


class WorkflowFanOut(_Input):
    """One job for each value of a registered query, given to the job as this argument."""

    over: Annotated[str, Field(max_length=100)]
    argument: Annotated[str, Field(alias="as", max_length=100)]


class WorkflowNodeInput(_Input):
    """A step: a job, what it needs before it, and when it is skipped."""

    key: Key
    job: Annotated[str, Field(max_length=100)]
    args: dict[str, Any] = Field(default_factory=dict)
    needs: Annotated[list[Key], Field(max_length=MAX_NODES)] = Field(default_factory=list)
    condition: WorkflowCondition | None = None
    fan_out: WorkflowFanOut | None = None
    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 0


class WorkflowInput(_Input):
    """A graph of jobs."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    nodes: Annotated[list[WorkflowNodeInput], Field(min_length=1, max_length=MAX_NODES)]


class WorkflowFault(BaseModel):
    """One thing wrong with a definition; ``pointer`` leads to it."""

    pointer: str
    message: str
    code: str


class WorkflowCheck(BaseModel):
    """Whether a definition could be started, and what is in its way."""

    ok: bool
    errors: list[WorkflowFault]


class WorkflowRow(BaseModel):
    """A workflow in a list. A skipped node is done; a cancelled one counts as failed."""

    id: UUID
    name: str
    state: WorkflowState
    shop_domain: str | None
    nodes_total: int
    nodes_done: int
    nodes_failed: int
    created_at: datetime
    finished_at: datetime | None
    created_by: str | None


class WorkflowBatch(BaseModel):
    """How far the jobs of a node's newest try are."""

    total: int
    succeeded: int
    dead: int
    cancelled: int


class WorkflowNode(BaseModel):
    """A node with what became of it; ``job_ids`` are the first few of its newest try."""

    key: str
    position: int
    state: NodeState
    needs: list[str]
    job_name: str
    title_key: str
    args: dict[str, Any]
    condition: dict[str, Any] | None
    fan_out: dict[str, Any] | None
    retries: int
    tries: int
    batch: WorkflowBatch | None
    job_ids: list[UUID]
    result: dict[str, Any] | None
    error: str | None
    started_at: datetime | None
    finished_at: datetime | None


class Workflow(WorkflowRow):
    """A workflow with its graph."""

    definition: dict[str, Any]
    nodes: list[WorkflowNode]


class WorkflowJob(BaseModel):
    """A job that people may use, with the JSON Schema of its arguments."""

    name: str
    title_key: str
    args_schema: dict[str, Any]


class WorkflowQuery(BaseModel):
    """A query to fan out over."""

    name: str
    description: str


class WorkflowParts(BaseModel):
    """What a workflow can be built of."""

    jobs: list[WorkflowJob]
    queries: list[WorkflowQuery]


WorkflowStateFilter = Literal["running", "paused", "succeeded", "failed", "cancelled"]
