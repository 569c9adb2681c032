"""Rows of the ledger as workers leave them, written by the role that may."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.shops.models import Shop
from storecast.worker.ledger import connect
from storecast.worker.models import OutboxJob

_INSERT = """
INSERT INTO job_runs (id, shop_id, name, queue, args, state, attempt, max_attempts, run_at, enqueued_at, started_at,
                      finished_at, retried_as, discarded_at)
VALUES (%(id)s, %(shop_id)s, %(name)s, %(queue)s, '{}', %(state)s, 1, 3, %(run_at)s, %(enqueued_at)s, %(started_at)s,
        %(finished_at)s, %(retried_as)s, %(discarded_at)s)
"""


def add_live(shop: Shop | None = None, **columns: Any) -> UUID:
    """A job that is not over."""
    job_id = uuid7()
    values = {
        "id": job_id,
        "shop_id": shop.id if shop else None,
        "name": "tests.job",
        "queue": "default",
        "args": {},
        "state": "staged",
        "max_attempts": 3,
        **columns,
    }
    with platform_session() as session:
        session.add(OutboxJob(**values))
    return job_id


def add_run(
    finished_at: datetime,
    *,
    wait_s: float = 1.0,
    run_s: float = 2.0,
    shop: Shop | None = None,
    **columns: Any,
) -> UUID:
    """A job that ended at the instant after waiting and running for so long."""
    (job_id,) = add_runs(
        [{"finished_at": finished_at, "wait_s": wait_s, "run_s": run_s, "shop": shop, **columns}]
    )
    return job_id


def add_runs(runs: list[dict[str, Any]]) -> list[UUID]:
    """Many of them in one round trip."""
    rows = [_row(**run) for run in runs]
    with connect(get_settings().database_url) as connection, connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)
    return [row["id"] for row in rows]


def _row(
    *,
    finished_at: datetime | None = None,
    wait_s: float = 1.0,
    run_s: float = 2.0,
    shop: Shop | None = None,
    **columns: Any,
) -> dict[str, Any]:
    finished_at = finished_at or utcnow()
    started_at = finished_at - timedelta(seconds=run_s)
    due_at = started_at - timedelta(seconds=wait_s)
    return {
        "id": uuid7(),
        "shop_id": shop.id if shop else None,
        "name": "tests.job",
        "queue": "default",
        "state": "succeeded",
        "run_at": due_at,
        "enqueued_at": due_at,
        "started_at": started_at,
        "finished_at": finished_at,
        "retried_as": None,
        "discarded_at": None,
        **columns,
    }
