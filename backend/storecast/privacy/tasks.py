"""Runs the jobs of privacy."""

from storecast.kit.clock import utcnow
from storecast.privacy import service
from storecast.privacy.jobs import HandleRequest
from storecast.worker.task import TaskContext, task


@task(HandleRequest)
def handle_request(job: HandleRequest, ctx: TaskContext) -> None:
    """Export or erase."""
    service.handle(ctx.unit_of_work, ctx.shop_id, job.request_id, now=utcnow())
