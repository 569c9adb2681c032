"""Pausing and limiting queues, kinds of jobs and shops: rules and the audit's entry; the relay obeys the rows.

Everything here holds for all shops, so it is for operators, and their own shop's log has the entry.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs.errors import LimitSubjectUnknown
from storecast.jobs.queues_schemas import Limit, LimitKind, LimitRequest
from storecast.jobs.scope import Scope
from storecast.shops import service as shops
from storecast.worker import limits, task
from storecast.worker.job import QUEUES
from storecast.worker.models import WorkLimit

log = structlog.get_logger(__name__)


def list_limits(session: Session) -> list[Limit]:
    """Everything that was ever set, by kind and key."""
    rows = limits.all_limits(session)
    domains = _domains(session, rows)
    return [_shape(row, domains) for row in rows]


def pause(session: Session, scope: Scope, kind: LimitKind, key: str, *, reason: str) -> Limit:
    """Release nothing more of it. Pausing what is paused changes nothing, and who paused it stays."""
    stored = _stored_key(session, kind, key)
    limits.pause(session, kind, stored, scope.actor)
    _record(session, scope, f"{kind}_paused", kind, key, reason=reason)
    return _get(session, kind, stored)


def resume(session: Session, scope: Scope, kind: LimitKind, key: str, *, reason: str | None) -> Limit:
    """Release it again."""
    stored = _stored_key(session, kind, key)
    limits.resume(session, kind, stored)
    _record(session, scope, f"{kind}_resumed", kind, key, reason=reason)
    return _get(session, kind, stored)


def put(session: Session, scope: Scope, kind: LimitKind, key: str, request: LimitRequest) -> Limit:
    """Set the limits as they shall be; a pause stays as it is."""
    stored = _stored_key(session, kind, key)
    values = request.model_dump(exclude={"reason"})
    before = next((row for row in limits.all_limits(session) if (row.kind, row.key) == (kind, stored)), None)
    was = {name: getattr(before, name) for name in values} if before else None
    limits.put(session, kind, stored, **values)
    _record(session, scope, f"{kind}_limited", kind, key, reason=request.reason, limits=values, before=was)
    return _get(session, kind, stored)


def _stored_key(session: Session, kind: LimitKind, key: str) -> str:
    """The key as the relay knows it; raises LimitSubjectUnknown: a limit on a slip of the pen would limit nothing."""
    if kind == "queue" and key in QUEUES:
        return key
    if kind == "job" and key in task.registered():
        return key
    shop = shops.find(session, key) if kind == "shop" else None
    if shop is None:
        raise LimitSubjectUnknown(kind=kind)
    return str(shop.id)


def _record(session: Session, scope: Scope, action: str, kind: str, key: str, **detail: object) -> None:
    audit.record(session, scope.home, scope.actor, action, f"{kind}:{key}", **detail)
    log.info(action, key=key)


def _get(session: Session, kind: LimitKind, stored: str) -> Limit:
    row = next(row for row in limits.all_limits(session) if (row.kind, row.key) == (kind, stored))
    return _shape(row, _domains(session, [row]))


def _domains(session: Session, rows: Sequence[WorkLimit]) -> dict[int, str]:
    ids = {int(row.key) for row in rows if row.kind == "shop"}
    return shops.domains(session, ids) if ids else {}


def _shape(row: WorkLimit, domains: dict[int, str]) -> Limit:
    return Limit(
        kind=row.kind,  # type: ignore[arg-type]  # the table's check constraint allows these only
        key=domains.get(int(row.key), row.key) if row.kind == "shop" else row.key,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        in_flight=row.in_flight,
        shop_in_flight=row.shop_in_flight,
        rate=row.rate,
        rate_period_s=row.rate_period_s,
        weight=row.weight,
    )
