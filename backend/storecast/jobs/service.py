"""What people may see of a run and do with it.

Retrying makes a new job from a finished one, once; cancelling ends a waiting job and asks a running one to stop
at its next safe point; discarding says that a dead one needs nobody. None of them changes what a job already did.
Of two people who act on one run at once, one wins and the other is told what has happened.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs import plain_errors, repository, waiting
from storecast.jobs.errors import (
    JobNotCancellable,
    JobNotDiscardable,
    JobNotEditable,
    JobNotRetryable,
    JobUnknown,
)
from storecast.jobs.repository import AnyRow
from storecast.jobs.schemas import Attempt, JobDetail, JobLogLine
from storecast.jobs.scope import Scope
from storecast.jobs.shaping import shape_fields
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.masking import find_mask, masked, masked_text, unmasked
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.observability import tracing
from storecast.worker import outbox
from storecast.worker.job import Job
from storecast.worker.models import JobLog, JobRun
from storecast.worker.task import registered

log = structlog.get_logger(__name__)

LOG_PAGE_SIZE = 200
LOGS_COUNTED_MAX = 10_000

DEAD_SHOWN = timedelta(days=30)
"""A dead letter older than this is history, not work."""

RETRYABLE = ("dead", "cancelled")


def get_run(session: Session, scope: Scope, job_id: UUID, *, now: datetime) -> JobDetail:
    """A run with everything that its page shows; raises JobUnknown."""
    row = repository.find(session, scope.shop_id, job_id)
    if row is None:
        raise JobUnknown
    (fields,) = shape_fields(session, scope, [row], now=now)
    job_type = registered().get(row.name)
    editable = _is_open(row) and row.state in RETRYABLE and job_type is not None
    return JobDetail(
        **fields,
        attempts=[_attempt(scope, attempt) for attempt in row.attempts],
        error_key=plain_errors.of_job(row.state, row.error_class),
        result=masked(row.result) if row.result else row.result,
        waits_because=waiting.find_reason(session, scope, row, now=now),
        children_count=repository.count_children(session, row.root_id or row.id, row.id),
        log_count=repository.count_logs(session, row.id, cap=LOGS_COUNTED_MAX),
        trace_url=tracing.find_trace_url(_traceparent(row)),
        cancel_requested_at=row.cancel_requested_at,
        editable=editable,
        args_schema=job_type.fields_schema() if editable and job_type is not None else None,
    )


def _traceparent(row: AnyRow) -> str | None:
    """Of its latest attempt, else of whoever staged it."""
    own: str | None = row.attempts[-1].get("traceparent") if row.attempts else None
    staged: str | None = row.traceparent
    return own or staged


def list_logs(session: Session, scope: Scope, job_id: UUID, *, cursor: str | None) -> Page[JobLogLine]:
    """What the job logged, oldest first."""
    if not repository.find_many(session, scope.shop_id, [job_id], ("id",)):
        raise JobUnknown
    after = None if cursor is None else _read_log_cursor(cursor)
    lines = repository.list_logs(session, job_id, after=after, limit=LOG_PAGE_SIZE + 1)
    shown = lines[:LOG_PAGE_SIZE]
    following = encode_cursor(shown[-1].at, str(shown[-1].id)) if len(lines) > LOG_PAGE_SIZE else None
    return Page(items=[_log_line(scope, line) for line in shown], next_cursor=following)


def count_dead(session: Session, shop_id: ShopId, *, now: datetime) -> int:
    """The shop's dead letters that nobody has tried again or discarded."""
    return repository.count_dead(session, shop_id, now - DEAD_SHOWN)


def retry(
    session: Session,
    scope: Scope,
    job_id: UUID,
    *,
    args: dict[str, Any] | None,
    reason: str | None,
    now: datetime,
) -> JobDetail:
    """Stage a copy of a dead or cancelled job, with other arguments if given; answers with the new one."""
    run = repository.lock_finished(session, scope.shop_id, job_id)
    if run is None:
        raise _not_over(session, scope, job_id)
    _require_open(run)
    payload = None if args is None else _checked(run, args)
    new_id = outbox.again(session, run, args=payload)
    run.retried_as = new_id
    session.flush()
    audit.record(
        session,
        scope.audited_in(run.shop_id),
        scope.actor,
        "job_retried",
        str(job_id),
        job=run.name,
        retried_as=str(new_id),
        edited=sorted(name for name in payload if payload[name] != run.args.get(name)) if payload else [],
        reason=reason,
    )
    log.info("job_retry_requested", job_id=str(job_id), retried_as=str(new_id), shop_id=run.shop_id)
    return get_run(session, scope, new_id, now=now)


def cancel(session: Session, scope: Scope, job_id: UUID, *, now: datetime) -> JobDetail:
    """Ask for the job to stop; asking again changes nothing. The relay clears away what was still waiting."""
    job = repository.lock_live(session, scope.shop_id, job_id)
    if job is None:
        row = repository.find(session, scope.shop_id, job_id)
        if row is None:
            raise JobUnknown
        raise JobNotCancellable(f"The task is already over: it {_ENDED[row.state]}.", happened=row.state)
    if job.cancel_requested_at is None:
        job.cancel_requested_at = now
        if job.state != "running":
            # It will never run; a job staged with the same key from now on must not be taken for covered by it.
            job.unique_key = None
        session.flush()
        audit.record(
            session,
            scope.audited_in(job.shop_id),
            scope.actor,
            "job_cancelled",
            str(job_id),
            job=job.name,
            state=job.state,
        )
        log.info("job_cancel_requested", job_id=str(job_id), shop_id=job.shop_id)
    return get_run(session, scope, job_id, now=now)


def discard(session: Session, scope: Scope, job_id: UUID, *, reason: str, now: datetime) -> JobDetail:
    """Put a dead letter aside; it stays in the history."""
    run = repository.lock_finished(session, scope.shop_id, job_id)
    if run is None:
        if repository.find(session, scope.shop_id, job_id) is None:
            raise JobUnknown
        raise JobNotDiscardable("The task is not over yet.", happened="live")
    if run.state != "dead":
        raise JobNotDiscardable(
            f"The task {_ENDED[run.state]}; there is nothing to put aside.", happened=run.state
        )
    if (happened := _what_happened(run)) is not None:
        raise JobNotDiscardable(happened[0], **happened[1])
    run.discarded_at = now
    session.flush()
    audit.record(
        session,
        scope.audited_in(run.shop_id),
        scope.actor,
        "job_discarded",
        str(job_id),
        job=run.name,
        reason=reason,
    )
    log.info("job_discarded", job_id=str(job_id), shop_id=run.shop_id)
    return get_run(session, scope, job_id, now=now)


_ENDED = {"succeeded": "went well", "dead": "failed", "cancelled": "was cancelled"}


def _not_over(session: Session, scope: Scope, job_id: UUID) -> JobUnknown | JobNotRetryable:
    row = repository.find(session, scope.shop_id, job_id)
    if row is None:
        return JobUnknown()
    return JobNotRetryable("The task is not over yet.", happened=row.state)


def _is_open(row: AnyRow | JobRun) -> bool:
    return row.retried_as is None and row.discarded_at is None


def _require_open(run: JobRun) -> None:
    if run.state not in RETRYABLE:
        raise JobNotRetryable("The task went well; there is nothing to try again.", happened=run.state)
    if (happened := _what_happened(run)) is not None:
        raise JobNotRetryable(happened[0], **happened[1])


def _what_happened(run: JobRun) -> tuple[str, dict[str, str]] | None:
    """What somebody did to the run first, in words and as facts."""
    if run.retried_as is not None:
        facts = {"happened": "retried", "retried_as": str(run.retried_as)}
        return f"The task was started again already, as {run.retried_as}.", facts
    if run.discarded_at is not None:
        facts = {"happened": "discarded", "at": run.discarded_at.isoformat()}
        return "The task was put aside already.", facts
    return None


def _checked(run: JobRun, edited: dict[str, Any]) -> dict[str, Any]:
    """The edited arguments as the job takes them. A mask that was left in place stands for what is stored."""
    job_type: type[Job] | None = registered().get(run.name)
    if job_type is None:
        raise JobNotEditable
    args = unmasked(edited, run.args)
    pointer = find_mask(args, "/args")
    if pointer is not None and find_mask(run.args, "/args") is None:
        fault = FieldError(pointer, "The masked value belongs elsewhere: write it anew.", "masked")
        raise Invalid("The arguments are not this job's.", errors=[fault])
    return job_type.validated(args).payload()


def _attempt(scope: Scope, stored: Any) -> Attempt:
    attempt = Attempt.model_validate(stored)
    trace = attempt.traceback if scope.tracebacks else None
    return attempt.model_copy(
        update={
            "error": masked_text(attempt.error) if attempt.error else attempt.error,
            "error_key": plain_errors.of_attempt(attempt.error),
            "traceback": masked_text(trace) if trace else None,
        }
    )


def _log_line(scope: Scope, line: JobLog) -> JobLogLine:
    facts = masked(line.facts)
    if not scope.tracebacks:
        facts = {key: value for key, value in facts.items() if key not in ("exception", "traceback")}
    return JobLogLine(at=line.at, attempt=line.attempt, level=line.level, event=line.event, facts=facts)


def _read_log_cursor(cursor: str) -> tuple[datetime, UUID]:
    at, line_id = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError(at)
        return instant, UUID(line_id)
    except (TypeError, ValueError, AttributeError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None
