"""Runs the nightly scoring of customers by their orders."""

from storecast.orders import service
from storecast.orders.jobs import RescoreCustomers, RescoreEverywhere
from storecast.shops import service as shops
from storecast.worker import outbox, schedule
from storecast.worker.task import TaskContext, task

# A buyer is scored among neighbours as they come (`customers.facts`); once a night the fifths are cut anew.
schedule.daily(RescoreEverywhere(), hour=3)


@task(RescoreEverywhere)
def rescore_everywhere(_job: RescoreEverywhere, ctx: TaskContext) -> None:
    """One job a shop, so that a large one keeps none waiting."""
    with ctx.unit_of_work() as session:
        for shop_id in shops.installed_ids(session):
            outbox.add(session, shop_id, RescoreCustomers())


@task(RescoreCustomers)
def rescore_customers(_job: RescoreCustomers, ctx: TaskContext) -> None:
    """Score the customers of one shop."""
    with ctx.unit_of_work() as session:
        service.rescore(session, ctx.shop_id)
