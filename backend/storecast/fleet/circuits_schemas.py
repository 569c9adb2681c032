"""Circuits on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class CircuitBudget(BaseModel):
    """Retries that the host may still be sent, of how many at most."""

    left: float
    capacity: float


class CircuitRow(BaseModel):
    """An external host that failed lately. ``probe_at``: when one call may try it again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "host": "acme.myshopify.com",
                    "state": "open",
                    "failures": 7,
                    "opened_at": "2026-11-22T10:00:00Z",
                    "probe_at": "2026-11-22T10:00:30Z",
                    "last_error": "HTTP 502",
                    "budget": {"left": 3.5, "capacity": 10},
                }
            ]
        }
    )

    host: str
    state: Literal["closed", "open", "half_open"]
    failures: int
    opened_at: datetime | None
    probe_at: datetime | None
    last_error: str | None
    budget: CircuitBudget


class CloseRequest(BaseModel):
    """Why the circuit is closed by hand."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "their status page says it is over"}]}
    )

    reason: Annotated[str, Field(max_length=500)] | None = None
