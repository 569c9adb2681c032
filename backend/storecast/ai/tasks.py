"""Runs the jobs that learn from a shop's data."""

from storecast.ai import service
from storecast.ai.jobs import FindMicroSegments
from storecast.worker.task import TaskContext, task


@task(FindMicroSegments)
def find_micro_segments(_job: FindMicroSegments, ctx: TaskContext) -> None:
    """Suggestions take the place of the last ones in one transaction."""
    with ctx.unit_of_work() as session:
        found = service.find(session, ctx.shop_id)
    ctx.result(found=found)
