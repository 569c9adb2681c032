"""Runs the jobs of segments, and names the query that a workflow may fan out over."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from storecast.jobs.fan_out import fan_out
from storecast.kit.types import ShopId
from storecast.segments import service
from storecast.segments.jobs import RecountEverywhere, RecountSegment, RecountSegments
from storecast.shops import service as shops
from storecast.worker import outbox, schedule
from storecast.worker.task import TaskContext, task

RECOUNT_EVERY_S = 3600
"""Counts move with the calendar as well as with orders: a segment over days changes at midnight by itself."""

schedule.every(RecountEverywhere(), seconds=RECOUNT_EVERY_S)


@task(RecountEverywhere)
def recount_everywhere(_job: RecountEverywhere, ctx: TaskContext) -> None:
    """One job a shop, so that a large one keeps none waiting."""
    with ctx.unit_of_work() as session:
        for shop_id in shops.installed_ids(session):
            outbox.add(session, shop_id, RecountSegments())


@fan_out("segments.all", "Every saved segment of the shop", sample="seg_01jd8")
def every_segment(session: Session, shop_id: ShopId, limit: int) -> Iterable[str]:
    """Public ids, oldest first."""
    return service.public_ids(session, shop_id, limit)


@task(RecountSegments)
def recount_segments(_job: RecountSegments, ctx: TaskContext) -> None:
    """Bring the counts on the list of segments up to date."""
    with ctx.unit_of_work() as session:
        service.recount(session, ctx.shop_id)


@task(RecountSegment)
def recount_segment(job: RecountSegment, ctx: TaskContext) -> None:
    """One segment; one that has been deleted since has nothing to count."""
    with ctx.unit_of_work() as session:
        count = service.recount_one(session, ctx.shop_id, job.segment_id)
    if count is not None:
        ctx.result(member_count=count)
