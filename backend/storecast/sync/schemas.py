"""API shapes of synchronisation."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class SyncRefusal(BaseModel):
    """A line of a result that could not be used."""

    line: int
    reason: str


class SyncResource(BaseModel):
    """One kind of thing in a run; rows are the things themselves, without their variants and lines."""

    model_config = ConfigDict(from_attributes=True)

    resource: Literal["customers", "products", "orders"]
    state: Literal["pending", "requested", "ready", "importing", "done", "failed", "cancelled"]
    objects_expected: int | None
    rows_done: int
    rows_refused: int
    bytes_done: int
    bytes_total: int | None
    refusals: list[SyncRefusal]


class SyncRun(BaseModel):
    """A synchronisation; ``progress`` runs from 0 to 1."""

    id: str
    kind: Literal["first", "manual", "scheduled"]
    mode: Literal["bulk"]
    state: Literal["queued", "running", "importing", "done", "failed", "cancelled"]
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    resources: list[SyncResource]
    progress: float


class SyncInput(BaseModel):
    """What to synchronise."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mode": "bulk"}]})

    mode: Literal["bulk"] = "bulk"
