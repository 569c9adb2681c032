"""The API of runs: a shop's people see their shop's, operators see everyone's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from storecast.db.session import platform_session, tenant_session
from storecast.jobs import service
from storecast.jobs.schemas import JobDetail, JobRun, JobsSummary, JobState
from storecast.jobs.service import Scope
from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, require

router = APIRouter(prefix="/jobs", tags=["jobs"])


@dataclass(frozen=True, slots=True)
class _View:
    session: Session
    scope: Scope


def _view(principal: CurrentPrincipal) -> Iterator[_View]:
    tracebacks = Permission.OPERATE in principal.permissions
    if principal.role == "operator":
        with platform_session() as session:
            yield _View(session, Scope(None, tracebacks))
    else:
        with tenant_session(principal.shop_id) as session:
            yield _View(session, Scope(principal.shop_id, tracebacks))


View = Annotated[_View, Depends(_view, scope="function")]


@router.get("/summary", dependencies=[require(Permission.READ)])
def get_summary(view: View) -> JobsSummary:
    """How many jobs are in each state, and how each queue is doing."""
    return service.summarize(view.session, view.scope, now=utcnow())


@router.get("", dependencies=[require(Permission.READ)])
def list_jobs(
    view: View, state: JobState | None = None, name: str | None = None, cursor: str | None = None
) -> Page[JobRun]:
    """Jobs, newest first."""
    return service.list_runs(view.session, view.scope, state=state, name=name, cursor=cursor)


@router.get("/{job_id}", dependencies=[require(Permission.READ)])
def get_job(view: View, job_id: UUID) -> JobDetail:
    """A job with every attempt."""
    return service.get_run(view.session, view.scope, job_id)


@router.post("/{job_id}/retry", dependencies=[require(Permission.OPERATE)])
def retry_job(view: View, job_id: UUID) -> JobDetail:
    """Start a failed or cancelled job again, as a new job; answers with the new one."""
    return service.retry(view.session, view.scope, job_id)


@router.post("/{job_id}/cancel", dependencies=[require(Permission.OPERATE)])
def cancel_job(view: View, job_id: UUID) -> JobDetail:
    """Stop a job: at once while it waits, at its next safe point while it runs."""
    return service.cancel(view.session, view.scope, job_id, now=utcnow())
