"""All SQL of the fleet's processes, commands and deploys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.fleet.models import FleetCommand, FleetDeploy, FleetProcess
from storecast.worker.models import JobOrphan, JobRun, OutboxJob

SMOOTHING = 0.15
"""Share of the newest beat in the mean: with a beat every five seconds, about a minute's memory."""


def upsert(session: Session, values: dict[str, Any]) -> None:
    """Write a process's row over; columns that are not named keep what others wrote."""
    statement = insert(FleetProcess).values(**values, done_seen=values.get("done", 0))
    changed: dict[str, Any] = {name: statement.excluded[name] for name in values if name != "name"}
    done = changed.get("done", FleetProcess.done)
    since_s = func.greatest(func.extract("epoch", statement.excluded.beat_at - FleetProcess.beat_at), 1)
    changed["done_per_min"] = FleetProcess.done_per_min * (1 - SMOOTHING) + SMOOTHING * func.greatest(
        0, (done - FleetProcess.done_seen) * 60.0 / since_s
    )
    changed["done_seen"] = done
    session.execute(statement.on_conflict_do_update(index_elements=[FleetProcess.name], set_=changed))


def list_all(session: Session) -> Sequence[FleetProcess]:
    query = select(FleetProcess).order_by(FleetProcess.kind, FleetProcess.name)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def find(session: Session, name: str) -> FleetProcess | None:
    return session.scalar(select(FleetProcess).where(FleetProcess.name == name))


def remove(session: Session, name: str) -> None:
    session.execute(delete(FleetProcess).where(FleetProcess.name == name))


def remove_silent_since(session: Session, instant: datetime) -> int:
    return session.execute(delete(FleetProcess).where(FleetProcess.beat_at < instant)).rowcount  # type: ignore[attr-defined,no-any-return]


def note_deploy(session: Session, version: str, now: datetime) -> None:
    session.execute(insert(FleetDeploy).values(version=version, first_seen_at=now).on_conflict_do_nothing())


def list_deploys(session: Session, limit: int) -> Sequence[FleetDeploy]:
    """The newest first."""
    query = select(FleetDeploy).order_by(FleetDeploy.first_seen_at.desc(), FleetDeploy.version.desc())
    return session.scalars(query.limit(limit)).all()


def add_command(session: Session, values: dict[str, Any]) -> FleetCommand:
    command = FleetCommand(**values)
    session.add(command)
    session.flush()
    session.refresh(command)
    return command


def open_commands(session: Session, process: str) -> Sequence[FleetCommand]:
    """What was asked and not done yet, in order."""
    query = select(FleetCommand).where(FleetCommand.process == process, FleetCommand.done_at.is_(None))
    return session.scalars(query.order_by(FleetCommand.id)).all()


def end_command(session: Session, command_id: int, now: datetime, error: str | None) -> None:
    session.execute(
        update(FleetCommand).where(FleetCommand.id == command_id).values(done_at=now, error=error)
    )


def end_commands_before(session: Session, process: str, instant: datetime, now: datetime, error: str) -> None:
    session.execute(
        update(FleetCommand)
        .where(
            FleetCommand.process == process, FleetCommand.done_at.is_(None), FleetCommand.asked_at < instant
        )
        .values(done_at=now, error=error)
    )


def last_commands(session: Session, names: Collection[str], limit: int) -> Sequence[FleetCommand]:
    """The last few of each process, newest first."""
    place = func.row_number().over(partition_by=FleetCommand.process, order_by=FleetCommand.id.desc())
    ranked = select(FleetCommand.id, place.label("place")).where(FleetCommand.process.in_(names)).subquery()
    query = (
        select(FleetCommand)
        .join(ranked, ranked.c.id == FleetCommand.id)
        .where(ranked.c.place <= limit)
        .order_by(FleetCommand.id.desc())
    )
    return session.scalars(query).all()


def running(session: Session) -> Sequence[Row[*tuple[Any, ...]]]:
    """The jobs that are running, with the child that runs each."""
    columns = (OutboxJob.id, OutboxJob.name, OutboxJob.shop_id, OutboxJob.worker, OutboxJob.started_at)
    return session.execute(select(*columns).where(OutboxJob.state == "running")).all()


def count_orphans(session: Session, since: datetime) -> dict[str, int]:
    """Of each process, jobs that it left behind since."""
    query = select(JobOrphan.process, func.count()).where(JobOrphan.at >= since).group_by(JobOrphan.process)
    return {row[0]: row[1] for row in session.execute(query)}


def list_orphans(session: Session, process: str, limit: int) -> Sequence[JobOrphan]:
    """The newest first."""
    query = select(JobOrphan).where(JobOrphan.process == process)
    return session.scalars(query.order_by(JobOrphan.at.desc(), JobOrphan.job_id).limit(limit)).all()


def states(session: Session, job_ids: Collection[Any]) -> dict[Any, str]:
    """Where these jobs are now."""
    found: dict[Any, str] = {}
    for model in (JobRun, OutboxJob):
        found |= {
            row.id: row.state
            for row in session.execute(select(model.id, model.state).where(model.id.in_(job_ids)))
        }
    return found
