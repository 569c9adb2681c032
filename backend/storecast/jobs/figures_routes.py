"""The API of the console's figures: states, percentiles, series, the health strip, and the live stream."""

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from storecast.jobs import figures, health_strip, stream
from storecast.jobs.figures_schemas import Figures, HealthStrip, JobsSummary, Series, Window
from storecast.jobs.view import OperatorView, View, scope_of
from storecast.kit.clock import utcnow
from storecast.shops.access import CurrentPrincipal, Permission, require
from storecast.worker.job import Queue

router = APIRouter(tags=["jobs"])


@router.get("/jobs/summary", dependencies=[require(Permission.READ)])
def get_summary(view: View) -> JobsSummary:
    """How many jobs are in each state; for operators also how each queue is doing."""
    return figures.summarize(view.session, view.scope, now=utcnow())


@router.get("/jobs/figures", dependencies=[require(Permission.READ)])
def get_figures(view: OperatorView, window: Window = "24h") -> Figures:
    """Per kind of job: how many ran and failed, how long they waited and ran."""
    return figures.by_job(view.session, window, now=utcnow())


@router.get("/jobs/series", dependencies=[require(Permission.READ)])
def get_series(
    view: OperatorView, window: Window = "24h", queue: Queue | None = None, name: str | None = None
) -> Series:
    """Jobs over time, with deploys."""
    return figures.series(view.session, window, queue=queue, name=name, now=utcnow())


@router.get("/health-strip", dependencies=[require(Permission.READ)])
def get_health_strip(view: OperatorView) -> HealthStrip:
    """What can go wrong with background work, worst first."""
    return health_strip.check(view.session, now=utcnow())


@router.get(
    "/jobs/stream",
    dependencies=[require(Permission.READ)],
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_jobs(principal: CurrentPrincipal) -> StreamingResponse:
    """Server-sent events: `snapshot` when something changed, a comment every 15 s otherwise; ends after ten minutes."""
    return stream.answer(scope_of(principal))
