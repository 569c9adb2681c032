"""Crediting orders when they change, and again when evidence arrives late."""

from storecast.analytics import daily, service
from storecast.campaigns import marketing
from storecast.events.jobs import TouchesRecorded
from storecast.kit.clock import utcnow
from storecast.orders.jobs import OrderRecorded
from storecast.worker.task import TaskContext, task

marketing.provide_figures(daily.figures)


@task(OrderRecorded)
def attribute_order(job: OrderRecorded, ctx: TaskContext) -> None:
    """Credit one order."""
    with ctx.unit_of_work() as session:
        service.attribute(session, ctx.shop_id, [job.order_id])


@task(TouchesRecorded)
def attribute_after_touches(job: TouchesRecorded, ctx: TaskContext) -> None:
    """Credit the recent orders of people about whom something new is known."""
    with ctx.unit_of_work() as session:
        service.attribute_after_touches(
            session, ctx.shop_id, customer_ids=job.customer_ids, client_ids=job.client_ids, now=utcnow()
        )
