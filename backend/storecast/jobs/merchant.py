"""A shop's jobs in plain terms: what goes on and until when, what needs somebody, what went well.

Only kinds of job that say something to a shop's people (``Job.for_merchants``), and nothing of queues, workers or
other shops.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.jobs import merchant_repository, plain_errors, waiting
from storecast.jobs.repository import AnyRow
from storecast.jobs.schemas import LastSuccess, Task, Tasks, WaitReason
from storecast.jobs.scope import Scope
from storecast.jobs.service import DEAD_SHOWN
from storecast.kit.masking import masked_text
from storecast.kit.types import ShopId
from storecast.worker.task import registered

RUNNING_MAX = 30
NEEDING_MAX = 50
RECENT_MAX = 10

PACE_KNOWN_AFTER = timedelta(seconds=5)
"""Before that an estimate would jump."""


def get_tasks(session: Session, shop_id: ShopId, *, may_retry: bool, now: datetime) -> Tasks:
    """Everything that the page of tasks shows."""
    names = sorted(name for name, job_type in registered().items() if job_type.for_merchants)
    live = merchant_repository.list_live(session, shop_id, names, limit=RUNNING_MAX)
    reasons = _reasons(session, shop_id, live, now)
    dead = merchant_repository.list_open_dead(
        session, shop_id, names, since=now - DEAD_SHOWN, limit=NEEDING_MAX
    )
    recent = merchant_repository.list_over(session, shop_id, names, limit=RECENT_MAX)
    return Tasks(
        running=[_running(row, reasons.get(row.id), now) for row in live],
        needs_you=[_over(row, retryable=may_retry) for row in dead],
        recent=[_over(row, retryable=False) for row in recent],
        last_success=[
            LastSuccess(name=name, title_key=f"jobs.{name}", at=at)
            for name, at in merchant_repository.last_successes(session, shop_id, names)
        ],
    )


def _reasons(
    session: Session, shop_id: ShopId, live: list[AnyRow], now: datetime
) -> dict[object, WaitReason | None]:
    """Why each waiting job waits; those of one kind that are due wait for the same thing."""
    scope = Scope(shop_id=shop_id, tracebacks=False, actor="", home=shop_id)
    of_kind: dict[str, WaitReason | None] = {}
    reasons = {}
    for row in live:
        if row.run_at > now:
            reasons[row.id] = waiting.find_reason(session, scope, row, now=now)
        elif row.state != "running":
            if row.name not in of_kind:
                of_kind[row.name] = waiting.find_reason(session, scope, row, now=now)
            reasons[row.id] = of_kind[row.name]
    return reasons


def _running(row: AnyRow, why: WaitReason | None, now: datetime) -> Task:
    progress = row.progress if isinstance(row.progress, dict) else {}
    done, total, note = progress.get("done"), progress.get("total"), progress.get("note")
    per_s = _pace(row, done, now)
    percent = eta_s = None
    if done is not None and total:
        percent = min(100, 100 * done // total)
        eta_s = max(0, round((total - done) / per_s)) if per_s else None
    return Task(
        id=str(row.id),
        name=row.name,
        title_key=f"jobs.{row.name}",
        state=row.state,
        percent=percent,
        done=done,
        total=total,
        note=masked_text(note) if note else None,
        eta_s=eta_s,
        rate_per_min=round(per_s * 60, 1) if per_s else None,
        since=row.started_at if row.state == "running" and row.started_at else row.enqueued_at,
        why=why,
        error_key=None,
        retryable=False,
    )


def _pace(row: AnyRow, done: int | None, now: datetime) -> float | None:
    """Units a second since the job first began: one that goes on after a failure has done part of it before."""
    if row.state != "running" or row.started_at is None or not done:
        return None
    began = min(
        [row.started_at, *(datetime.fromisoformat(attempt["started_at"]) for attempt in row.attempts)]
    )
    elapsed = now - began
    return done / elapsed.total_seconds() if elapsed >= PACE_KNOWN_AFTER else None


def _over(row: AnyRow, *, retryable: bool) -> Task:
    progress = row.progress if isinstance(row.progress, dict) else None
    return Task(
        id=str(row.id),
        name=row.name,
        title_key=f"jobs.{row.name}",
        state=row.state,
        percent=100 if row.state == "succeeded" else None,
        done=progress["done"] if progress else None,
        total=progress["total"] if progress else None,
        note=None,
        eta_s=None,
        rate_per_min=None,
        since=row.finished_at,
        why=None,
        error_key=plain_errors.of_job(row.state, row.error_class),
        retryable=retryable,
    )
