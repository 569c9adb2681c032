"""What people may see of jobs and do with them.

Retrying makes a new job from a finished one, once; cancelling ends a waiting job and asks a running one to stop
at its next safe point. Neither changes what a job already did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.jobs import repository
from storecast.jobs.errors import JobNotCancellable, JobNotRetryable, JobUnknown
from storecast.jobs.repository import AnyRow
from storecast.jobs.schemas import Attempt, JobDetail, JobProgress, JobRun, JobsSummary, JobStates, QueueRow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import uuid7
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.worker.job import QUEUES
from storecast.worker.models import OutboxJob

log = structlog.get_logger(__name__)

PAGE_SIZE = 50

RATE_WINDOW = timedelta(minutes=5)
"""Over which a queue's pace is counted: long enough that one batch does not make it jump."""

DEAD_SHOWN = timedelta(days=30)
"""A dead letter older than this is history, not work."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose jobs are meant: one shop's, or everyone's (``shop_id`` None, for operators)."""

    shop_id: ShopId | None
    # Tracebacks tell of the inside of the program: operators' matter.
    tracebacks: bool


def list_runs(
    session: Session, scope: Scope, *, state: str | None, name: str | None, cursor: str | None
) -> Page[JobRun]:
    """Newest first."""
    after = None
    if cursor is not None:
        after = _read_cursor(cursor)
    rows = repository.list_newest(
        session, scope.shop_id, state=state, name=name, after=after, limit=PAGE_SIZE + 1
    )
    domains = _domains(session, rows)
    items = [JobRun(**_shape(row, domains)) for row in rows[:PAGE_SIZE]]
    more = len(rows) > PAGE_SIZE
    last = rows[PAGE_SIZE - 1] if more else None
    return Page(items=items, next_cursor=encode_cursor(last.enqueued_at, str(last.id)) if last else None)


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    at, job_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(at), UUID(job_id)
    except (TypeError, ValueError, AttributeError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None


def get_run(session: Session, scope: Scope, job_id: UUID) -> JobDetail:
    row = repository.find(session, scope.shop_id, job_id)
    if row is None:
        raise JobUnknown
    attempts = [Attempt.model_validate(attempt) for attempt in row.attempts]
    if not scope.tracebacks:
        attempts = [attempt.model_copy(update={"traceback": None}) for attempt in attempts]
    return JobDetail(**_shape(row, _domains(session, [row])), attempts=attempts)


def summarize(session: Session, scope: Scope, *, now: datetime) -> JobsSummary:
    """Counts by state and the queues, every queue named even when it is idle."""
    live = {row.queue: row for row in repository.live_by_queue(session, scope.shop_id, now)}
    recent = repository.finished_since(session, scope.shop_id, now - RATE_WINDOW)
    day = repository.finished_since(session, scope.shop_id, now - timedelta(days=1))
    minutes = RATE_WINDOW.total_seconds() / 60
    queues = []
    for name in QUEUES:
        row = live.get(name)
        done = sum(item.runs for item in recent if item.queue == name)
        queues.append(
            QueueRow(
                name=name,
                depth=row.depth if row else 0,
                oldest_age_s=round(float(row.oldest_age_s), 1)
                if row and row.oldest_age_s is not None
                else None,
                running=row.running if row else 0,
                paused=False,
                done_per_min=round(done / minutes, 1),
            )
        )
    states = JobStates(
        staged=sum(row.staged for row in live.values()),
        queued=sum(row.queued for row in live.values()),
        running=sum(row.running for row in live.values()),
        retrying=sum(row.retrying for row in live.values()),
        succeeded_24h=sum(item.runs for item in day if item.state == "succeeded"),
        dead=repository.count_dead(session, scope.shop_id, now - DEAD_SHOWN),
        cancelled_24h=sum(item.runs for item in day if item.state == "cancelled"),
    )
    return JobsSummary(states=states, queues=queues)


def count_dead(session: Session, shop_id: ShopId, *, now: datetime) -> int:
    """The shop's dead letters that nobody has tried again."""
    return repository.count_dead(session, shop_id, now - DEAD_SHOWN)


def retry(session: Session, scope: Scope, job_id: UUID) -> JobDetail:
    """Stage a copy of a dead or cancelled job. The claim on the old row lets two clicks start one job."""
    run = repository.find_finished(session, scope.shop_id, job_id)
    if run is None:
        if repository.find(session, scope.shop_id, job_id) is not None:
            raise JobNotRetryable
        raise JobUnknown
    new_id = uuid7()
    if run.state not in ("dead", "cancelled") or not repository.claim_retry(session, run, new_id):
        raise JobNotRetryable
    session.add(
        OutboxJob(
            id=new_id,
            shop_id=run.shop_id,
            name=run.name,
            queue=run.queue,
            args=run.args,
            tags=run.tags,
            state="staged",
            max_attempts=run.max_attempts,
            parent_id=run.id,
            request_id=run.request_id,
        )
    )
    session.flush()
    log.info("job_retry_requested", job_id=str(job_id), retried_as=str(new_id), shop_id=run.shop_id)
    return get_run(session, scope, new_id)


def cancel(session: Session, scope: Scope, job_id: UUID, *, now: datetime) -> JobDetail:
    """Ask for the job to stop; asking again changes nothing. The relay clears away what was still waiting."""
    job = repository.lock_live(session, scope.shop_id, job_id)
    if job is None:
        if repository.find_finished(session, scope.shop_id, job_id) is not None:
            raise JobNotCancellable
        raise JobUnknown
    if job.cancel_requested_at is None:
        job.cancel_requested_at = now
        if job.state != "running":
            # It will never run; a job staged with the same key from now on must not be taken for covered by it.
            job.unique_key = None
        session.flush()
        log.info("job_cancel_requested", job_id=str(job_id), shop_id=job.shop_id)
    return get_run(session, scope, job_id)


def _domains(session: Session, rows: Sequence[AnyRow]) -> dict[int, str]:
    return shops.domains(session, {row.shop_id for row in rows if row.shop_id is not None})


def _shape(row: AnyRow, domains: dict[int, str]) -> dict[str, Any]:
    began = row.started_at if row.state not in ("staged", "queued", "retrying") else None
    return {
        "id": str(row.id),
        "name": row.name,
        "title_key": f"jobs.{row.name}",
        "queue": row.queue,
        "state": row.state,
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "enqueued_at": row.enqueued_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "wait_ms": _milliseconds(row.enqueued_at, began),
        "run_ms": _milliseconds(row.started_at, row.finished_at),
        "worker": row.worker,
        "error": row.error,
        "progress": JobProgress.model_validate(row.progress) if row.progress else None,
        "shop_domain": domains.get(row.shop_id) if row.shop_id is not None else None,
        "request_id": row.request_id,
        "args": row.args,
        "parent_id": str(row.parent_id) if row.parent_id else None,
    }


def _milliseconds(since: datetime | None, until: datetime | None) -> int | None:
    if since is None or until is None:
        return None
    return max(0, round((until - since).total_seconds() * 1000))
