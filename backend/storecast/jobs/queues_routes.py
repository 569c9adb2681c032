"""The API of queues and limits: for operators only, since they hold for every shop."""

from typing import Annotated

from fastapi import APIRouter, Path

from storecast.jobs import figures, queues
from storecast.jobs.figures_schemas import QueueRow
from storecast.jobs.queues_schemas import Limit, LimitKind, LimitRequest, PauseRequest, ResumeRequest
from storecast.jobs.view import OperatorView
from storecast.kit.clock import utcnow
from storecast.shops.access import Permission, require

router = APIRouter(tags=["queues"])

Key = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("/queues", dependencies=[require(Permission.READ)])
def list_queues(view: OperatorView) -> list[QueueRow]:
    """Every queue, also an idle one."""
    return figures.queue_rows(view.session, now=utcnow())


@router.post("/queues/{name}/pause", dependencies=[require(Permission.OPERATE)])
def pause_queue(view: OperatorView, name: Key, body: PauseRequest) -> Limit:
    """Let no more jobs of the queue out; those that run go on."""
    return queues.pause(view.session, view.scope, "queue", name, reason=body.reason)


@router.post("/queues/{name}/resume", dependencies=[require(Permission.OPERATE)])
def resume_queue(view: OperatorView, name: Key, body: ResumeRequest | None = None) -> Limit:
    """Let the queue's jobs out again."""
    return queues.resume(view.session, view.scope, "queue", name, reason=body.reason if body else None)


@router.get("/limits", dependencies=[require(Permission.READ)])
def list_limits(view: OperatorView) -> list[Limit]:
    """What operators set for queues, kinds of jobs and shops; what is not listed runs under the defaults."""
    return queues.list_limits(view.session)


@router.put("/limits/{kind}/{key}", dependencies=[require(Permission.OPERATE)])
def put_limit(view: OperatorView, kind: LimitKind, key: Key, body: LimitRequest) -> Limit:
    """Set the limits of a queue, a kind of job, or a shop (by its domain)."""
    return queues.put(view.session, view.scope, kind, key, body)


@router.post("/limits/job/{name}/pause", dependencies=[require(Permission.OPERATE)])
def pause_job_kind(view: OperatorView, name: Key, body: PauseRequest) -> Limit:
    """Let no more jobs of the kind out; those that run go on."""
    return queues.pause(view.session, view.scope, "job", name, reason=body.reason)


@router.post("/limits/job/{name}/resume", dependencies=[require(Permission.OPERATE)])
def resume_job_kind(view: OperatorView, name: Key, body: ResumeRequest | None = None) -> Limit:
    """Let jobs of the kind out again."""
    return queues.resume(view.session, view.scope, "job", name, reason=body.reason if body else None)
