"""Runs the jobs of events."""

from storecast.events import service
from storecast.events.jobs import ProcessEvents
from storecast.kit.clock import utcnow
from storecast.worker.task import TaskContext, task


@task(ProcessEvents)
def process_events(_job: ProcessEvents, ctx: TaskContext) -> None:
    """Batch after batch until both tables are drained. Message events go first: clicks explain visits."""
    for process in (service.process_message_events, service.process_pixel_events):
        while True:
            ctx.check_cancelled()
            with ctx.unit_of_work() as session:
                taken = process(session, ctx.shop_id, now=utcnow())
            if taken < service.BATCH:
                break
