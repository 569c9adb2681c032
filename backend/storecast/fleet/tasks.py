"""Runs the jobs of the fleet."""

import structlog

from storecast.fleet import service
from storecast.fleet.jobs import ForgetLost
from storecast.kit.clock import utcnow
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

schedule.every(ForgetLost(), seconds=3600)


@task(ForgetLost)
def forget_lost(_job: ForgetLost, ctx: TaskContext) -> None:
    """Keep the list of workers to those that anybody still asks about."""
    with ctx.unit_of_work() as session:
        forgotten = service.forget_lost(session, now=utcnow())
    if forgotten:
        log.info("processes_forgotten", count=forgotten)
