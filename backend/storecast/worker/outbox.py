"""Staging of jobs: a row in the caller's own transaction, so that a job exists exactly when its cause does."""

from collections.abc import Collection, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.chunks import batched
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.observability import tracing
from storecast.worker import job as jobs
from storecast.worker.job import J, Job
from storecast.worker.models import JobRun, OutboxJob

CHANNEL = "storecast_outbox"
"""NOTIFY channel that wakes a sleeping relay; its poll is the guarantee, this is only haste."""

CHUNK = 1000

# One JSON parameter: fifteen a row took four times the CPU, half of it in the database's parser.
INSERT = text("""
INSERT INTO outbox (id, name, queue, priority, args, tags, terms, max_attempts, unique_key,
                    shop_id, batch_id, parent_id, root_id, request_id, traceparent, state, run_at)
SELECT given.*, :shop_id, :batch_id, :parent_id, :root_id, :request_id, :traceparent, :state, coalesce(:run_at, now())
  FROM json_to_recordset(CAST(:rows AS json))
    AS given (id uuid, name text, queue text, priority smallint, args jsonb, tags text[], terms text[],
              max_attempts smallint, unique_key text)
ON CONFLICT (coalesce(shop_id, 0), name, unique_key) WHERE unique_key IS NOT NULL AND state <> 'running'
DO UPDATE SET run_at = least(outbox.run_at, excluded.run_at),
              state = CASE WHEN outbox.state = 'scheduled' AND excluded.run_at <= now() THEN 'staged'
                           ELSE outbox.state END,
              priority = least(outbox.priority, excluded.priority)
RETURNING id
""").bindparams(
    *(bindparam(name, type_=Uuid) for name in ("batch_id", "parent_id", "root_id")),
    bindparam("shop_id", type_=BigInteger),
    bindparam("run_at", type_=DateTime(timezone=True)),
    *(bindparam(name, type_=Text) for name in ("rows", "state", "request_id", "traceparent")),
)


@dataclass(frozen=True, slots=True)
class Ancestor:
    """The job that is running here: what it stages are its children."""

    id: UUID
    root_id: UUID | None


_ancestor: ContextVar[Ancestor | None] = ContextVar("storecast_ancestor", default=None)


def descend_from(ancestor: Ancestor) -> None:
    """In this context, staged jobs have this parent from now on."""
    _ancestor.set(ancestor)


def add(
    session: Session,
    shop_id: ShopId | None,
    job: Job,
    *,
    run_at: datetime | None = None,
    tags: Sequence[str] = (),
    priority: int | None = None,
    batch_id: UUID | None = None,
) -> UUID | None:
    """Stage a job; it runs after the caller's commit, at ``run_at`` or as soon as a worker is free.

    Returns None when a job with the same unique key is already waiting: that one does the work. Its row is locked
    until the caller's commit, so that it cannot start in between and miss what the caller wrote.
    """
    row = _row(job, tags, priority, counted=batch_id is not None)
    ids = _insert(session, [row], _common(session, shop_id, run_at, batch_id))
    wake(session)
    return row["id"] if row["id"] in ids else None


def add_many(
    session: Session,
    shop_id: ShopId | None,
    many: Iterable[Job],
    *,
    run_at: datetime | None = None,
    tags: Sequence[str] = (),
    priority: int | None = None,
    batch_id: UUID | None = None,
) -> int:
    """Stage many jobs; returns how many rows were made (one that is covered by a waiting job makes none)."""
    made = 0
    common = _common(session, shop_id, run_at, batch_id)
    for chunk in batched(many, CHUNK):
        rows = [_row(job, tags, priority, counted=batch_id is not None) for job in chunk]
        # One statement may meet a key once; a row without one has only itself.
        distinct = {(row["name"], row["unique_key"] or row["id"]): row for row in rows}
        ids = _insert(session, list(distinct.values()), common)
        made += sum(row["id"] in ids for row in distinct.values())
    if made:
        wake(session)
    return made


def again(
    session: Session, run: JobRun, *, args: dict[str, Any] | None = None, run_at: datetime | None = None
) -> UUID:
    """Stage a copy of a finished job, with other arguments if given; it counts its attempts anew."""
    payload = run.args if args is None else args
    job_id = uuid7()
    row = {
        "id": job_id,
        "shop_id": run.shop_id,
        "name": run.name,
        "queue": run.queue,
        "priority": run.priority,
        "args": payload,
        "tags": run.tags,
        "terms": jobs.terms(tuple(run.tags), payload),
        "max_attempts": run.max_attempts,
        "parent_id": run.id,
        "root_id": run.root_id or run.id,
        "request_id": run.request_id,
        "traceparent": tracing.current_traceparent(),
        **_due(session, run_at),
    }
    session.execute(insert(OutboxJob).values(row))
    wake(session)
    return job_id


def pending(session: Session, job_type: type[J]) -> list[J]:
    """The waiting jobs of one type that the session may see, oldest first."""
    return _listed(session, job_type, OutboxJob.state != "running")


def running(session: Session, job_type: type[J]) -> list[J]:
    """Those that a worker is at, or was at when it died and for as long as its lease."""
    return _listed(session, job_type, OutboxJob.state == "running")


def still_running(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """Those of the jobs that a worker is at, or was at when it died and nobody has noticed."""
    query = select(OutboxJob.id).where(OutboxJob.id.in_(ids), OutboxJob.state == "running")
    return set(session.scalars(query))


def _listed(session: Session, job_type: type[J], which: ColumnElement[bool]) -> list[J]:
    rows = session.scalars(
        select(OutboxJob)
        .where(OutboxJob.name == job_type.name, which)
        .order_by(OutboxJob.enqueued_at, OutboxJob.id)
    )
    return [job_type.from_payload(dict(row.args)) for row in rows]


def hurry(session: Session, shop_id: ShopId, *, held_by: str) -> None:
    """Let the shop's jobs that an error of this class made wait run now."""
    session.execute(
        update(OutboxJob)
        .where(
            OutboxJob.shop_id == shop_id,
            OutboxJob.state == "scheduled",
            OutboxJob.error.startswith(f"{held_by}:", autoescape=True),
        )
        .values(state="staged", run_at=func.now())
        .execution_options(synchronize_session=False)
    )
    wake(session)


def wake(session: Session) -> None:
    """Tell the relays, once per transaction: a pending NOTIFY takes an instance-wide lock at commit."""
    if not session.info.get("outbox_notified"):
        session.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))
        session.info["outbox_notified"] = True


def _row(job: Job, tags: Sequence[str], priority: int | None, *, counted: bool) -> dict[str, Any]:
    """The columns that each job has its own of."""
    payload = job.payload()
    all_tags = (*job.tags, *tags)
    return {
        "id": uuid7(),
        "name": job.name,
        "queue": job.queue,
        "priority": job.priority if priority is None else priority,
        "args": payload,
        "tags": all_tags,
        "terms": jobs.terms(all_tags, payload),
        "max_attempts": job.max_attempts,
        # A batch counts its own: a job of somebody else's cannot stand in for one of them.
        "unique_key": None if counted else job.unique_key(),
    }


def _common(
    session: Session, shop_id: ShopId | None, run_at: datetime | None, batch_id: UUID | None
) -> dict[str, Any]:
    """The columns that all jobs of one call share."""
    parent = _ancestor.get()
    return {
        "shop_id": shop_id,
        "batch_id": batch_id,
        "parent_id": parent.id if parent else None,
        "root_id": (parent.root_id or parent.id) if parent else None,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "traceparent": tracing.current_traceparent(),
        **({"run_at": None} | _due(session, run_at)),
    }


def _due(session: Session, run_at: datetime | None) -> dict[str, Any]:
    """The columns that say when; later or not is asked of the database's clock, which is the relay's."""
    if run_at is None:
        return {"state": "staged"}
    later = session.scalar(select(literal(run_at) > func.now()))
    return {"state": "scheduled" if later else "staged", "run_at": run_at}


def _insert(session: Session, rows: Sequence[dict[str, Any]], common: dict[str, Any]) -> set[UUID]:
    """Insert rows, or hurry the jobs that wait under their keys already; the ids of the rows that stand there now."""
    given = orjson.dumps(rows, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    return set(session.scalars(INSERT, {"rows": given, **common}))
