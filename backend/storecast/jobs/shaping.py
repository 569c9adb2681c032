"""Rows of runs as the API shows them: masked, with their shop's domain and the usual run time of their kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from storecast.jobs.repository import AnyRow
from storecast.jobs.schemas import JobRun
from storecast.jobs.scope import Scope
from storecast.jobs.usual import run_ms
from storecast.kit.masking import masked, masked_text
from storecast.shops import service as shops

# Of many rows at once: one by one takes twice as long.
_RUNS = TypeAdapter(list[JobRun])

_NOT_BEGUN = ("scheduled", "staged", "queued", "retrying")


def shape(
    session: Session,
    scope: Scope,
    rows: Sequence[AnyRow],
    *,
    now: datetime,
    usual: Mapping[str, int] | None = None,
) -> list[JobRun]:
    """The rows in their order; ``usual`` when the usual run times of their kinds are known already."""
    return _RUNS.validate_python(shape_fields(session, scope, rows, now=now, usual=usual))


def shape_fields(
    session: Session,
    scope: Scope,
    rows: Sequence[AnyRow],
    *,
    now: datetime,
    usual: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:
    """What a `JobRun` is made of."""
    domains = shops.domains(session, {row.shop_id for row in rows if row.shop_id is not None})
    if usual is None:
        names = {row.name for row in rows}
        usual = run_ms(session, scope.shop_id, names, now)
    return [_fields(row, domains, usual) for row in rows]


def _fields(row: AnyRow, domains: dict[int, str], usual: Mapping[str, int]) -> dict[str, Any]:
    # A job that waits for its next attempt still carries the start of the last one.
    began = row.started_at if row.state not in _NOT_BEGUN else None
    return {
        "id": str(row.id),
        "name": row.name,
        "title_key": f"jobs.{row.name}",
        "queue": row.queue,
        "priority": row.priority,
        "state": row.state,
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "enqueued_at": row.enqueued_at,
        "run_at": row.run_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "wait_ms": milliseconds(row.run_at, began),
        "run_ms": milliseconds(row.started_at, row.finished_at),
        "usual_run_ms": usual.get(row.name),
        "worker": row.worker,
        "error": masked_text(row.error) if row.error else row.error,
        "error_class": row.error_class,
        "fingerprint": row.fingerprint,
        "progress": row.progress or None,
        "shop_domain": domains.get(row.shop_id) if row.shop_id is not None else None,
        "request_id": row.request_id,
        "args": masked(row.args),
        "tags": row.tags,
        "parent_id": _text(row.parent_id),
        "root_id": _text(row.root_id),
        "batch_id": _text(row.batch_id),
        "retried_as": _text(row.retried_as),
        "discarded_at": row.discarded_at,
    }


def milliseconds(since: datetime | None, until: datetime | None) -> int | None:
    """How long between two instants; never negative, whatever the clocks did."""
    if since is None or until is None:
        return None
    return max(0, round((until - since).total_seconds() * 1000))


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None
