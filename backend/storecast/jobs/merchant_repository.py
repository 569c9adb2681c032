"""SQL of a shop's tasks: a few kinds of job of one shop, each read from the index of shop, kind and id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from storecast.jobs import repository
from storecast.jobs.repository import LIVE_STATE, AnyRow
from storecast.kit.types import ShopId
from storecast.worker.models import JobRun, OutboxJob

_COLUMNS = (
    "id",
    "shop_id",
    "name",
    "queue",
    "priority",
    "attempt",
    "run_at",
    "started_at",
    "enqueued_at",
    "progress",
)


OF_ONE_KIND = 3
"""Of what is over: a campaign keeps its sending under way a hundred times, and nobody wants to read that."""


def list_live(session: Session, shop_id: ShopId, names: Sequence[str], *, limit: int) -> list[AnyRow]:
    """What runs, then what waits, the oldest first."""
    query = (
        repository.live((*_COLUMNS, "attempts"))
        .where(OutboxJob.shop_id == shop_id, OutboxJob.name.in_(names), LIVE_STATE != "cancelled")
        .order_by(OutboxJob.state != "running", OutboxJob.id)
        .limit(limit)
    )
    return list(session.execute(query).all())


def list_open_dead(
    session: Session, shop_id: ShopId, names: Sequence[str], *, since: datetime, limit: int
) -> list[AnyRow]:
    """What failed for good and nobody has retried or discarded, newest first."""
    query = (
        repository.finished(_COLUMNS)
        .where(
            JobRun.shop_id == shop_id,
            JobRun.name.in_(names),
            JobRun.state == "dead",
            JobRun.retried_as.is_(None),
            JobRun.discarded_at.is_(None),
            JobRun.finished_at >= since,
        )
        .order_by(JobRun.id.desc())
        .limit(limit)
    )
    return list(session.execute(query).all())


def list_over(session: Session, shop_id: ShopId, names: Sequence[str], *, limit: int) -> list[AnyRow]:
    """What went well or was stopped, newest first."""
    latest = (
        repository.finished(_COLUMNS)
        .where(JobRun.shop_id == shop_id, JobRun.state != "dead")
        .order_by(JobRun.id.desc())
        .limit(OF_ONE_KIND)
    )
    return _of_each(session, latest, names, limit)


def last_successes(session: Session, shop_id: ShopId, names: Sequence[str]) -> list[tuple[str, datetime]]:
    """When each kind last went well, the latest first."""
    latest = (
        repository.finished(("id", "name"))
        .where(JobRun.shop_id == shop_id, JobRun.state == "succeeded")
        .order_by(JobRun.id.desc())
        .limit(1)
    )
    rows = _of_each(session, latest, names, len(names))
    return sorted(((row.name, row.finished_at) for row in rows), key=lambda pair: pair[1], reverse=True)


def _of_each(session: Session, latest: Any, names: Sequence[str], limit: int) -> list[AnyRow]:
    kinds = func.unnest(cast(list(names), ARRAY(Text))).table_valued("kind", name="kinds").render_derived()
    runs = latest.where(JobRun.name == kinds.c.kind).correlate(kinds).lateral()
    query = select(*runs.c).select_from(kinds.join(runs, true())).order_by(runs.c.id.desc()).limit(limit)
    return list(session.execute(query).all())
