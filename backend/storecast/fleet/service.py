"""Heartbeats: every process writes its own row, and silence is read as trouble.

Nobody declares a process lost; it follows from the age of its last beat, so a process that comes back is well
again with its next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.fleet import repository
from storecast.fleet.schemas import ProcessKind, ProcessRow, ProcessState, Workers

BEAT_EVERY = timedelta(seconds=5)

LATE_AFTER = 3 * BEAT_EVERY
"""Three beats missed: a busy moment explains one or two."""

LOST_AFTER = 10 * BEAT_EVERY
"""Ten beats missed: by now its job leases are over as well."""

FORGET_AFTER = timedelta(days=1)
"""A lost process stays in sight for a day, so that a night's crash is still there in the morning."""

_MIB = 1024 * 1024
_WORST_FIRST: dict[ProcessState, int] = {"lost": 0, "late": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class Beat:
    """What a process says of itself."""

    name: str
    kind: ProcessKind
    host: str
    pid: int
    started_at: datetime
    queues: Sequence[str] = ()
    slots: int = 0
    busy: int = 0
    rss_bytes: int = 0
    version: str = ""
    done: int = 0


def beat(session: Session, process: Beat, *, now: datetime) -> None:
    """Write the process's row over; the first beat makes it."""
    repository.upsert(
        session,
        {
            "name": process.name,
            "kind": process.kind,
            "host": process.host,
            "pid": process.pid,
            "started_at": process.started_at,
            "queues": list(process.queues),
            "slots": process.slots,
            "busy": process.busy,
            "rss_bytes": process.rss_bytes,
            "version": process.version,
            "done": process.done,
            "beat_at": now,
        },
    )


def leave(session: Session, name: str) -> None:
    """Remove the row of a process that ends in good order."""
    repository.remove(session, name)


def forget_lost(session: Session, *, now: datetime) -> int:
    """Remove the rows of processes silent for longer than `FORGET_AFTER`; returns how many."""
    return repository.remove_silent_since(session, now - FORGET_AFTER)


def state_of(beat_at: datetime, *, now: datetime) -> ProcessState:
    """Well, late or lost, by the age of the last beat."""
    age = now - beat_at
    if age > LOST_AFTER:
        return "lost"
    return "late" if age > LATE_AFTER else "ok"


def list_workers(session: Session, *, now: datetime) -> Workers:
    """Every process, those in trouble first."""
    rows = [
        ProcessRow(
            name=process.name,
            kind=process.kind,  # type: ignore[arg-type]  # the table's check constraint allows these only
            host=process.host,
            pid=process.pid,
            queues=process.queues,
            slots=process.slots,
            busy=process.busy,
            rss_mib=round(process.rss_bytes / _MIB, 1),
            started_at=process.started_at,
            beat_at=process.beat_at,
            state=state_of(process.beat_at, now=now),
            version=process.version,
            done=process.done,
        )
        for process in repository.list_all(session)
    ]
    rows.sort(key=lambda row: _WORST_FIRST[row.state])
    return Workers(processes=rows, at=now)
