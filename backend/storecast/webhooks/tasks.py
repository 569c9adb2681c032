"""Runs the inbox jobs."""

from storecast.kit.errors import Retryable
from storecast.webhooks import service
from storecast.webhooks.jobs import DrainInbox
from storecast.worker.task import TaskContext, task


@task(DrainInbox)
def drain_inbox(_job: DrainInbox, ctx: TaskContext) -> None:
    """Batch after batch until nothing is left; what failed is tried again after the back-off."""
    while True:
        with ctx.unit_of_work() as session:
            drained = service.drain(session, ctx.shop_id)
        if drained.failed:
            raise Retryable(f"{drained.failed} deliveries failed")
        if drained.handled < service.BATCH:
            return
