"""Heartbeats: who lives, who is late, who is lost; and what operators ask of workers.

A process is judged by the age of its last beat alone, so a busy worker that still beats is never called dead. A
command is a row that the process reads at its next beat and marks done: asking is not believing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.fleet import repository
from storecast.fleet.errors import ProcessNotReachable, ProcessTakesNoCommands, ProcessUnknown
from storecast.fleet.models import FleetProcess
from storecast.fleet.schemas import (
    ChildJob,
    ChildRow,
    CommandAction,
    CommandRequest,
    Deploy,
    FleetCommand,
    OrphanRow,
    ProcessKind,
    ProcessRow,
    ProcessState,
    Workers,
)
from storecast.kit.types import ShopId
from storecast.shops import service as shops

BEAT_EVERY = timedelta(seconds=5)

LATE_AFTER = 3 * BEAT_EVERY
"""Three beats missed: a busy moment explains one or two."""

LOST_AFTER = 10 * BEAT_EVERY
"""Ten beats missed: by now its job leases are over as well."""

FORGET_AFTER = timedelta(days=1)
"""A lost process stays in sight for a day, so that a night's crash is still there in the morning."""

COMMANDS_SHOWN = 5
DEPLOYS_SHOWN = 20
ORPHANS_SHOWN = 200

_MIB = 1024 * 1024
_WORST_FIRST: dict[ProcessState, int] = {"lost": 0, "late": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class Beat:
    """What a process says of itself. ``done`` None: others count its jobs."""

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
    done: int | None = 0
    pool: str = ""
    # Process id → resident bytes.
    children: Sequence[tuple[int, int]] = ()
    prefetched: int = 0
    broker_at: datetime | None = None
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """What a process is asked to do."""

    id: int
    action: CommandAction
    slots: int | None


def beat(session: Session, process: Beat, *, now: datetime) -> None:
    """Write the process's row over; the first beat makes it, and marks the deploy of a version nobody ran before."""
    values = {
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
        "pool": process.pool,
        "children": [{"pid": pid, "rss_bytes": rss_bytes} for pid, rss_bytes in process.children],
        "prefetched": process.prefetched,
        "draining": process.draining,
        "beat_at": now,
    }
    if process.done is not None:
        values["done"] = process.done
    if process.broker_at is not None:
        values["broker_at"] = process.broker_at
    repository.upsert(session, values)
    if process.version:
        repository.note_deploy(session, process.version, now)


def leave(session: Session, name: str, *, now: datetime) -> None:
    """Remove the row of a process that ends in good order; a command to stop is done with it."""
    for command in repository.open_commands(session, name):
        done = command.action == "stop"
        repository.end_command(session, command.id, now, None if done else "the process has ended")
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


def list_workers(session: Session, *, now: datetime, everything: bool = False) -> Workers:
    """Every process, those in trouble first; with ``everything`` also what each runs, left behind and was asked.

    That is for a session that may see all shops: it names their jobs.
    """
    processes = repository.list_all(session)
    deploys = repository.list_deploys(session, DEPLOYS_SHOWN) if everything else []
    newest = deploys[0].version if deploys else None
    inside = _Inside(session, processes, now) if everything else None
    rows = [_row(process, inside, newest, now) for process in processes]
    rows.sort(key=lambda row: _WORST_FIRST[row.state])
    return Workers(
        processes=rows,
        deploys=[Deploy(version=deploy.version, at=deploy.first_seen_at) for deploy in deploys],
        newest_version=newest,
        at=now,
    )


def list_orphans(session: Session, name: str) -> list[OrphanRow]:
    """The jobs that a process left behind, and what became of them; the newest first."""
    orphans = repository.list_orphans(session, name, ORPHANS_SHOWN)
    states = repository.states(session, {orphan.job_id for orphan in orphans})
    domains = shops.domains(session, {orphan.shop_id for orphan in orphans if orphan.shop_id is not None})
    return [
        OrphanRow(
            job_id=str(orphan.job_id),
            name=orphan.name,
            title_key=f"jobs.{orphan.name}",
            shop_domain=domains.get(orphan.shop_id) if orphan.shop_id is not None else None,
            attempt=orphan.attempt,
            at=orphan.at,
            outcome=orphan.outcome,  # type: ignore[arg-type]  # the table's check constraint allows these only
            state=states.get(orphan.job_id),
        )
        for orphan in orphans
    ]


def ask(
    session: Session, shop_id: ShopId | None, actor: str, name: str, request: CommandRequest, *, now: datetime
) -> FleetCommand:
    """Ask a worker to drain, resume, stop or resize; it answers with its next beat. Audited with the reason."""
    process = repository.find(session, name)
    if process is None:
        raise ProcessUnknown
    if process.kind != "worker":
        raise ProcessTakesNoCommands
    if state_of(process.beat_at, now=now) == "lost":
        raise ProcessNotReachable
    command = repository.add_command(
        session,
        {"process": name, "action": request.action, "slots": request.slots, "asked_by": actor},
    )
    audit.record(
        session, shop_id, actor, f"worker.{request.action}", name, slots=request.slots, reason=request.reason
    )
    return _command(command)


def take_commands(session: Session, name: str, *, started_at: datetime, now: datetime) -> list[Command]:
    """What the process has not done yet, in the order in which it was asked.

    What was asked of a predecessor of the same name is over: a worker that was killed while it was told to stop must
    not stop its successor.
    """
    repository.end_commands_before(session, name, started_at, now, "the process has ended")
    return [
        Command(command.id, command.action, command.slots)  # type: ignore[arg-type]  # by the check constraint
        for command in repository.open_commands(session, name)
    ]


def end_command(session: Session, command_id: int, *, now: datetime, error: str | None) -> None:
    """Note that the process did it, or why it could not."""
    repository.end_command(session, command_id, now, error)


class _Inside:
    """What only operators see of processes, read once for all of them."""

    def __init__(self, session: Session, processes: Sequence[FleetProcess], now: datetime) -> None:
        self.now = now
        running = repository.running(session)
        domains = shops.domains(session, {job.shop_id for job in running if job.shop_id is not None})
        self.jobs = {
            job.worker: ChildJob(
                id=str(job.id),
                name=job.name,
                title_key=f"jobs.{job.name}",
                started_at=job.started_at,
                shop_domain=domains.get(job.shop_id),
            )
            for job in running
        }
        self.orphans = repository.count_orphans(session, now - FORGET_AFTER)
        self.commands: defaultdict[str, list[FleetCommand]] = defaultdict(list)
        names = [process.name for process in processes]
        for command in repository.last_commands(session, names, COMMANDS_SHOWN):
            self.commands[command.process].append(_command(command))


def _row(process: FleetProcess, inside: _Inside | None, newest: str | None, now: datetime) -> ProcessRow:
    broker_age = (now - process.broker_at).total_seconds() if process.broker_at else None
    return ProcessRow(
        name=process.name,
        kind=process.kind,  # type: ignore[arg-type]  # the table's check constraint allows these only
        host=process.host,
        pid=process.pid,
        state=state_of(process.beat_at, now=now),
        queues=process.queues,
        slots=process.slots,
        busy=process.busy,
        pool=process.pool,
        children=_children(process, inside) if inside else [],
        prefetched=process.prefetched,
        rss_mib=_mib(process.rss_bytes),
        started_at=process.started_at,
        beat_at=process.beat_at,
        version=process.version,
        outdated=newest is not None and process.version != newest,
        done=process.done,
        done_per_min=round(process.done_per_min, 1),
        last_job=process.last_job,
        last_job_at=process.last_job_at,
        broker_age_s=round(max(broker_age, 0.0), 1) if broker_age is not None else None,
        draining=process.draining,
        dropped=process.dropped,
        orphans=inside.orphans.get(process.name, 0) if inside else 0,
        commands=inside.commands[process.name] if inside else [],
    )


def _children(process: FleetProcess, inside: _Inside) -> list[ChildRow]:
    children: list[Any] = process.children
    return [
        ChildRow(
            pid=child["pid"],
            rss_mib=_mib(child["rss_bytes"]),
            job=inside.jobs.get(f"{process.name}/{child['pid']}"),
        )
        for child in children
    ]


def _command(command: Any) -> FleetCommand:
    return FleetCommand.model_validate(command, from_attributes=True)


def _mib(size_bytes: int) -> float:
    return round(size_bytes / _MIB, 1)
