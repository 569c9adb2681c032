"""API shapes of the console's figures: states, queues, percentiles, series, the health strip."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

Window = Literal["1h", "24h", "7d"]
Severity = Literal["ok", "warn", "bad"]
HealthUnit = Literal["s", "percent", "count"]


class JobStates(BaseModel):
    """How many jobs are in each state."""

    scheduled: int
    staged: int
    queued: int
    running: int
    retrying: int
    succeeded_24h: int
    dead: int
    cancelled_24h: int


class QueueLimits(BaseModel):
    """What an operator set for a queue; null: no limit of that kind."""

    in_flight: int | None
    shop_in_flight: int | None
    rate: int | None
    rate_period_s: int


class TopShop(BaseModel):
    """A shop with much waiting."""

    shop_domain: str | None
    depth: int


class SparkPoint(BaseModel):
    """Jobs over in one minute."""

    at: datetime
    done: int
    failed: int


class QueueRow(BaseModel):
    """A queue: what waits, for how long, who works it off and how fast."""

    name: str
    depth: int
    scheduled: int
    running: int
    oldest_age_s: float | None
    wait_p95_ms: float | None
    in_per_min: float
    out_per_min: float
    drain_min: float | None
    done_per_min: float
    consumers: int
    slots: int
    busy: int
    paused: bool
    paused_by: str | None
    limits: QueueLimits | None
    top_shops: list[TopShop]
    spark: list[SparkPoint]


class JobsSummary(BaseModel):
    """States and queues at a glance. A shop's people get their shop's states and no queues: those are everyone's."""

    states: JobStates
    queues: list[QueueRow]


class Percentiles(BaseModel):
    """Of durations in milliseconds; null when there were none."""

    p50: float | None
    p95: float | None
    p99: float | None


class JobFigures(BaseModel):
    """One kind of job over a window."""

    name: str
    title_key: str
    queue: str
    runs: int
    failed: int
    wait_ms: Percentiles
    run_ms: Percentiles
    total_ms: int


class Figures(BaseModel):
    """Every kind of job that ended within the window, those that took most time first."""

    window: Window
    jobs: list[JobFigures]


class SeriesPoint(BaseModel):
    """Jobs over in one step."""

    at: datetime
    succeeded: int
    dead: int
    cancelled: int
    wait_p95_ms: float | None
    run_p95_ms: float | None


class DeployMark(BaseModel):
    """A version of the program and when a process first ran it."""

    version: str
    at: datetime


class Series(BaseModel):
    """A window cut into steps, every step present, with the deploys that fell into it."""

    step_s: int
    points: list[SeriesPoint]
    deploys: list[DeployMark]


class HealthItem(BaseModel):
    """One thing that can go wrong, and how it is; ``link`` is the page that shows what is behind it."""

    key: str
    severity: Severity
    value: float | None
    unit: HealthUnit
    limit: float
    link: str
    facts: dict[str, Any]


class HealthStrip(BaseModel):
    """The items, worst first."""

    items: list[HealthItem]
