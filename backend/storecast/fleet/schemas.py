"""API shapes of the fleet."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

ProcessKind = Literal["api", "edge", "relay", "worker", "beat"]
ProcessState = Literal["ok", "late", "lost"]


class ProcessRow(BaseModel):
    """One process and how it is."""

    name: str
    kind: ProcessKind
    host: str
    pid: int
    queues: list[str]
    slots: int
    busy: int
    rss_mib: float
    started_at: datetime
    beat_at: datetime
    state: ProcessState
    version: str
    done: int


class Workers(BaseModel):
    """Every known process, those in trouble first, as of ``at``."""

    processes: list[ProcessRow]
    at: datetime
