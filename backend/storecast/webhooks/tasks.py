"""Runs the inbox jobs."""

import structlog

from storecast.db.session import retention_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Retryable
from storecast.webhooks import service
from storecast.webhooks.jobs import DrainInbox, ForgetDeliveries
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

schedule.daily(ForgetDeliveries(), hour=2, minute=40)


@task(ForgetDeliveries)
def forget_deliveries(_job: ForgetDeliveries, _ctx: TaskContext) -> None:
    """Bodies hold personal data: they go when nobody needs them any more."""
    with retention_session() as session:
        count = service.forget(session, now=utcnow())
    log.info("deliveries_forgotten", count=count)


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
