"""Runs the jobs of segments."""

from storecast.segments import service
from storecast.segments.jobs import RecountEverywhere, RecountSegments
from storecast.shops import service as shops
from storecast.worker import outbox, schedule
from storecast.worker.task import TaskContext, task

RECOUNT_EVERY_S = 3600.0
"""Counts move with the calendar as well as with orders: a segment over days changes at midnight by itself."""

schedule.every(RecountEverywhere(), seconds=RECOUNT_EVERY_S)


@task(RecountEverywhere)
def recount_everywhere(_job: RecountEverywhere, ctx: TaskContext) -> None:
    """One job a shop, so that a large one keeps none waiting."""
    with ctx.unit_of_work() as session:
        for shop_id in shops.installed_ids(session):
            outbox.add(session, shop_id, RecountSegments())


@task(RecountSegments)
def recount_segments(_job: RecountSegments, ctx: TaskContext) -> None:
    """Bring the counts on the list of segments up to date."""
    with ctx.unit_of_work() as session:
        service.recount(session, ctx.shop_id)
