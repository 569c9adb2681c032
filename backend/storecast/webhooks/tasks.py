"""Runs the inbox jobs."""

from storecast.kit.clock import utcnow
from storecast.kit.errors import Retryable
from storecast.webhooks import service
from storecast.webhooks.jobs import DrainInbox
from storecast.worker.task import TaskContext, task


@task(DrainInbox)
def drain_inbox(_job: DrainInbox, ctx: TaskContext) -> None:
    """Batch after batch until nothing is due; comes back when what failed is due again."""
    more = True
    while more:
        with ctx.unit_of_work() as session:
            drained = service.drain(session, ctx.shop_id, now=utcnow())
        more = drained.may_leave_more
    if drained.retry_in_s is not None:
        raise Retryable("deliveries failed and are tried again", retry_after=drained.retry_in_s)
