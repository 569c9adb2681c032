"""People in front of the console, and runs for them to look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.testclient import TestClient
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.config.settings import get_settings
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.modules import register_jobs, routers
from storecast.jobs.jobs import BulkAction
from storecast.jobs.routes import router
from storecast.jobs.tasks import act_in_bulk
from storecast.kit.clock import utcnow
from storecast.kit.errors import StorecastError
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.observability import problems
from storecast.shops.access import Principal, Role
from storecast.shops.models import Shop
from storecast.worker.job import terms
from storecast.worker.ledger import connect
from storecast.worker.models import JobRun, OutboxJob
from tests.factories.context import Context

FINGERPRINT = "0123456789abcdef"


def add_live(shop: Shop | None, **columns: Any) -> UUID:
    """A job that is not over."""
    job_id = columns.pop("id", None) or uuid7()
    args = columns.get("args", {"order_id": 1})
    values = {
        "id": job_id,
        "shop_id": shop.id if shop else None,
        "name": "tests.job",
        "queue": "default",
        "args": args,
        "terms": terms(tuple(columns.get("tags", ())), args),
        "state": "staged",
        "max_attempts": 3,
        **columns,
    }
    with platform_session() as session:
        session.add(OutboxJob(**values))
    return job_id


def add_finished(shop: Shop | None, state: str, **columns: Any) -> UUID:
    """A job that is over, in the hand of the only role that may write history."""
    return add_many_finished([{"shop": shop, "state": state, **columns}])[0]


def add_many_finished(runs: list[dict[str, Any]]) -> list[UUID]:
    """Many of them, in the order in which they were made."""
    rows = [_finished_row(**run) for run in runs]
    names = list(rows[0])
    statement = sql.SQL("INSERT INTO job_runs ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join(map(sql.Placeholder, names))
    )
    with connect(get_settings().database_url) as connection, connection.cursor() as cursor:
        cursor.executemany(statement, rows)
    return [row["id"] for row in rows]


def _finished_row(*, shop: Shop | None, state: str, **columns: Any) -> dict[str, Any]:
    enqueued_at = columns.get("enqueued_at") or utcnow() - timedelta(seconds=5)
    args = columns.get("args", {"order_id": 1})
    dead = state == "dead"
    error = "ValueError: no" if dead else None
    attempt = {
        "number": 1, "queued_at": None, "started_at": "2026-11-21T22:00:00+00:00", "finished_at": None, "worker": "w",
        "error": error, "traceback": "Traceback: line 1" if dead else None,
    }  # fmt: skip
    row = {
        "id": uuid7(),
        "shop_id": shop.id if shop else None,
        "name": "tests.job",
        "queue": "default",
        "args": args,
        "tags": [],
        "terms": terms(tuple(columns.get("tags", ())), args),
        "state": state,
        "attempt": 1,
        "max_attempts": 3,
        "attempts": [attempt],
        "worker": "bulk@host/4711",
        "progress": None,
        "run_at": enqueued_at,
        "enqueued_at": enqueued_at,
        "started_at": enqueued_at + timedelta(seconds=1),
        "finished_at": enqueued_at + timedelta(seconds=3),
        "error": error,
        "error_class": "ValueError" if dead else None,
        "fingerprint": FINGERPRINT if dead else None,
        "parent_id": None,
        "root_id": None,
        "batch_id": None,
        "retried_as": None,
        "discarded_at": None,
        "traceparent": None,
        **columns,
    }
    return {name: Jsonb(value) if name in _JSON else value for name, value in row.items()}


_JSON = ("args", "attempts", "progress")


def client_of(shop: Shop, role: Role) -> TestClient:
    """The console for somebody with a role, without the ceremony of signing in."""
    register_jobs()
    routers()  # endpoints end their units of work
    app = FastAPI()

    @app.middleware("http")
    async def sign_in(request: Request, call_next: Any) -> Any:
        request.state.principal = Principal(ShopId(shop.id), shop.domain, "1", "Ada", None, role, "browser")
        return await call_next(request)

    @app.exception_handler(StorecastError)
    async def tell(_request: Request, error: StorecastError) -> Response:
        status, headers, body = problems.render(error, "r")
        return Response(body, status_code=status, headers=headers)

    app.include_router(router, prefix="/api/v1")
    return TestClient(app)


def job_of(job_id: UUID | str) -> OutboxJob | None:
    with platform_session() as session:
        return session.get(OutboxJob, UUID(str(job_id)))


def run_of(job_id: UUID | str) -> JobRun:
    with platform_session() as session:
        return session.scalars(select(JobRun).where(JobRun.id == UUID(str(job_id)))).one()


def run_bulk(job_id: str) -> dict[str, Any]:
    """Do what a worker would with the staged action; returns its results."""
    job = job_of(job_id)
    assert job is not None
    context = Context(None if job.shop_id is None else ShopId(job.shop_id))
    act_in_bulk(BulkAction.from_payload(dict(job.args)), context)
    return context.results


def audited(shop: Shop) -> list[tuple[str, str, dict[str, Any]]]:
    """Action, subject and detail of the shop's entries, oldest first."""
    with platform_session() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.shop_id == shop.id).order_by(AuditEntry.id)
        )
        return [(entry.action, entry.subject, dict(entry.detail)) for entry in entries]


@contextmanager
def inside(shop: Shop | None) -> Iterator[Session]:
    """A session as the API opens it: of one shop, or of an operator."""
    with platform_session() if shop is None else tenant_session(ShopId(shop.id)) as session:
        yield session


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json()["items"]]


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer.json()["items"]]
