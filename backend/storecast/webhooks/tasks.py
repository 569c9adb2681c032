"""Runs the inbox jobs."""

import time

import structlog

from storecast.db.session import platform_session, retention_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Retryable
from storecast.webhooks import service
from storecast.webhooks.jobs import DrainInbox, ForgetDeliveries, SweepInbox
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 300
"""A delivery that kills whoever handles it takes four processes along each time: that must stay rare."""

TURN_S = 15.0
"""One shop's backlog holds a worker this long; then whoever else waits has a turn."""

schedule.daily(ForgetDeliveries(), hour=2, minute=40)
schedule.every(SweepInbox(), seconds=SWEEP_EVERY_S)


@task(ForgetDeliveries)
def forget_deliveries(_job: ForgetDeliveries, _ctx: TaskContext) -> None:
    """Bodies hold personal data: they go when nobody needs them any more."""
    with retention_session() as session:
        count = service.forget(session, now=utcnow())
    log.info("deliveries_forgotten", count=count)


@task(DrainInbox)
def drain_inbox(_job: DrainInbox, ctx: TaskContext) -> None:
    """Batch after batch until nothing is due or the turn is over; comes back when what failed is due again."""
    ends_at = time.monotonic() + TURN_S
    while True:
        with ctx.unit_of_work() as session:
            drained = service.drain(session, ctx.shop_id, now=utcnow())
            if drained.may_leave_more and time.monotonic() > ends_at:
                service.drain_on(session, ctx.shop_id)
                return
        if not drained.may_leave_more:
            break
    if drained.retry_in_s is not None:
        raise Retryable("deliveries failed and are tried again", retry_after=drained.retry_in_s)


@task(SweepInbox)
def sweep_inbox(_job: SweepInbox, _ctx: TaskContext) -> None:
    """What a drain left behind that died for good does not wait for the shop's next delivery."""
    with platform_session() as session:
        shops = service.sweep(session, now=utcnow())
    if shops:
        log.warning("inboxes_swept", shops=shops)
