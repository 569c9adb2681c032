"""Retry, cancel or discard everything that a filter finds.

The request counts, records and stages; a job does it in chunks. How far it has come is written in the very commits
that act, so that a worker that dies has acted on nothing twice, and never on more than was announced.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs import bulk_repository, query, search, search_repository
from storecast.jobs.jobs import BulkAction
from storecast.jobs.models import JobBulkAction
from storecast.jobs.schemas import BulkAnswer, BulkRequest
from storecast.jobs.scope import Scope
from storecast.jobs.search_repository import Filter, Model
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.worker import outbox
from storecast.worker.models import JobRun, OutboxJob

log = structlog.get_logger(__name__)

CHUNK = 200

MATCHED_MAX = 100_000
"""How far matches are counted: beyond it a filter is too wide to act on, whatever the exact number."""

_STATES: dict[str, tuple[str | None, ...]] = {
    "retry": ("dead", "cancelled"),
    "cancel": (None, "scheduled", "staged", "queued", "running", "retrying"),
    "discard": ("dead",),
}


@dataclass(frozen=True, slots=True)
class Step:
    """How far an action is after a chunk."""

    acted: int
    cap: int
    over: bool


def request(session: Session, scope: Scope, asked: BulkRequest) -> BulkAnswer:
    """Count what the filter finds and, unless it is a dry run, stage the job that acts on the newest of it."""
    state = _state_for(asked)
    if asked.rate_per_min is not None and asked.action != "retry":
        fault = FieldError(
            "/rate_per_min", "Only what is tried again can be spread over time.", "rate_unused"
        )
        raise Invalid("The action cannot be done like this.", errors=[fault])
    wanted = _wanted(session, scope.shop_id, asked.action, asked.q, state)
    newest = uuid7()
    matched = search_repository.count_of(
        session, wanted, _model(asked.action), before=newest, cap=MATCHED_MAX
    )
    acting = min(matched, asked.cap)
    job_id = None
    if acting and not asked.dry_run:
        action = JobBulkAction(
            id=uuid7(),
            shop_id=scope.shop_id,
            action=asked.action,
            state=state,
            q=asked.q,
            cap=acting,
            rate_per_min=asked.rate_per_min,
            asked_by=scope.actor,
            asked_at=utcnow(),
            before_id=newest,
        )
        session.add(action)
        session.flush()
        job_id = outbox.add(session, scope.shop_id, BulkAction(str(action.id)))
        _record(session, scope, asked, state, matched, acting, job_id)
    return BulkAnswer(
        matched=matched, capped=acting < matched, acting=acting, job_id=str(job_id) if job_id else None
    )


def act(session: Session, bulk_id: UUID, *, now: datetime) -> Step | None:
    """Act on the next chunk; None when the session sees no such action."""
    action = bulk_repository.lock_action(session, bulk_id)
    if action is None:
        return None
    if action.finished_at is not None:
        return Step(action.acted, action.cap, over=True)
    shop_id = None if action.shop_id is None else ShopId(action.shop_id)
    wanted = _wanted(session, shop_id, action.action, action.q, action.state)
    room = min(CHUNK, action.cap - action.acted)
    model = _model(action.action)
    ids = (
        search_repository.ids_of(session, wanted, model, before=action.before_id, limit=room) if room else []
    )
    if ids:
        action.acted += _act_on(session, action, ids, now)
        action.before_id = ids[-1]
    else:
        action.finished_at = now
        log.info("jobs_bulk_action_done", bulk_id=str(bulk_id), action=action.action, acted=action.acted)
    session.flush()
    return Step(action.acted, action.cap, over=not ids)


def _act_on(session: Session, action: JobBulkAction, ids: list[UUID], now: datetime) -> int:
    if action.action == "retry":
        return _retry(session, action, ids, now)
    if action.action == "discard":
        return bulk_repository.discard(session, ids, now)
    return bulk_repository.cancel(session, ids, now)


def _retry(session: Session, action: JobBulkAction, ids: list[UUID], now: datetime) -> int:
    runs = bulk_repository.lock_open_runs(session, ids)
    at = max(now, action.next_run_at or now)
    for run in runs:
        run.retried_as = outbox.again(session, run, run_at=at if action.rate_per_min else None)
        if action.rate_per_min:
            at += timedelta(minutes=1) / action.rate_per_min
    action.next_run_at = at if action.rate_per_min else None
    return len(runs)


def _wanted(session: Session, shop_id: ShopId | None, action: str, q: str, state: str | None) -> Filter:
    wanted = search.wanted_by(session, shop_id, query.parse(q), state=state)
    if wanted.state not in _STATES[action]:
        raise _wrong_state("/q", action)
    return replace(wanted, untouched=True)


def _state_for(asked: BulkRequest) -> str | None:
    state = asked.state or query.parse(asked.q).state
    if state is None and asked.action != "cancel":
        return "dead"
    if state not in _STATES[asked.action]:
        raise _wrong_state("/state", asked.action)
    return state


def _wrong_state(pointer: str, action: str) -> Invalid:
    states = ", ".join(state for state in _STATES[action] if state)
    fault = FieldError(pointer, f"Only {states} jobs can be acted on like this.", "wrong_state")
    return Invalid("The action does not fit the state.", errors=[fault])


def _model(action: str) -> Model:
    return OutboxJob if action == "cancel" else JobRun


def _record(
    session: Session,
    scope: Scope,
    asked: BulkRequest,
    state: str | None,
    matched: int,
    acting: int,
    job_id: UUID | None,
) -> None:
    audit.record(
        session,
        scope.home,
        scope.actor,
        f"jobs_bulk_{asked.action}",
        str(job_id),
        q=asked.q,
        state=state,
        matched=matched,
        acting=acting,
        rate_per_min=asked.rate_per_min,
        every_shop=scope.everyone,
        reason=asked.reason,
    )
    log.info("jobs_bulk_action_requested", action=asked.action, job_id=str(job_id), acting=acting)
