"""The API of runs: a shop's people see their shop's, operators see everyone's."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from storecast.jobs import bulk, family, search, service
from storecast.jobs.schemas import (
    BulkAnswer,
    BulkRequest,
    DiscardRequest,
    Family,
    JobCount,
    JobDetail,
    JobLogLine,
    JobRun,
    JobState,
    RetryRequest,
    Suggestions,
)
from storecast.jobs.view import View
from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
from storecast.shops.access import Permission, require

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("", dependencies=[require(Permission.READ)])
def list_jobs(
    view: View, state: JobState | None = None, q: str = "", cursor: str | None = None
) -> Page[JobRun]:
    """Jobs, newest first.

    `q` holds words separated by spaces: `shop:` `tag:` `arg.<field>:` `error:` `class:` `fingerprint:` `root:`
    `batch:` `name:` `queue:` `worker:` `id:`, or a bare word for a name, a tag or an id. All of them have to fit.
    """
    return search.list_runs(view.session, view.scope, state=state, q=q, cursor=cursor, now=utcnow())


@router.get("/count", dependencies=[require(Permission.READ)])
def count_jobs(view: View, state: JobState | None = None, q: str = "") -> JobCount:
    """How many jobs the list has, up to 1,000."""
    return search.count(view.session, view.scope, state=state, q=q)


@router.get("/suggest", dependencies=[require(Permission.READ)])
def suggest_search(
    view: View, q: str = "", cursor_at: Annotated[int | None, Query(ge=0)] = None
) -> Suggestions:
    """What the word at a place of the search may become."""
    return search.suggest(view.session, view.scope, q=q, cursor_at=cursor_at)


@router.post("/bulk", dependencies=[require(Permission.OPERATE)])
def act_in_bulk(view: View, body: BulkRequest) -> BulkAnswer:
    """Retry, cancel or discard what a filter finds, by a job of its own; `dry_run` only counts."""
    return bulk.request(view.session, view.scope, body)


@router.get("/{job_id}", dependencies=[require(Permission.READ)])
def get_job(view: View, job_id: UUID) -> JobDetail:
    """A job with every attempt, and why it waits."""
    return service.get_run(view.session, view.scope, job_id, now=utcnow())


@router.get("/{job_id}/logs", dependencies=[require(Permission.READ)])
def list_job_logs(view: View, job_id: UUID, cursor: str | None = None) -> Page[JobLogLine]:
    """What a job logged, oldest first."""
    return service.list_logs(view.session, view.scope, job_id, cursor=cursor)


@router.get("/{job_id}/family", dependencies=[require(Permission.READ)])
def get_job_family(view: View, job_id: UUID) -> Family:
    """The jobs that a job descends from, stands beside and has made; 200 at most, the nearest first."""
    return family.get(view.session, view.scope, job_id)


@router.post("/{job_id}/retry", dependencies=[require(Permission.OPERATE)])
def retry_job(view: View, job_id: UUID, body: RetryRequest | None = None) -> JobDetail:
    """Start a failed or cancelled job again, as a new job, with other arguments if given; answers with the new one."""
    body = body or RetryRequest()
    return service.retry(view.session, view.scope, job_id, args=body.args, reason=body.reason, now=utcnow())


@router.post("/{job_id}/cancel", dependencies=[require(Permission.OPERATE)])
def cancel_job(view: View, job_id: UUID) -> JobDetail:
    """Stop a job: at once while it waits, at its next safe point while it runs."""
    return service.cancel(view.session, view.scope, job_id, now=utcnow())


@router.post("/{job_id}/discard", dependencies=[require(Permission.OPERATE)])
def discard_job(view: View, job_id: UUID, body: DiscardRequest) -> JobDetail:
    """Say that a dead letter needs nobody's attention any more; it stays in the history."""
    return service.discard(view.session, view.scope, job_id, reason=body.reason, now=utcnow())
