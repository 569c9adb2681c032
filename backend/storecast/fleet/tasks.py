"""Runs the jobs of the fleet."""

from contextlib import suppress

import structlog

from storecast.fleet import alerting, alerts, service
from storecast.fleet.jobs import CheckAlerts, CheckShopAlerts, DeliverAlert, ForgetLost
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

schedule.every(ForgetLost(), seconds=3600)
schedule.every(CheckAlerts(), seconds=30)


@task(ForgetLost)
def forget_lost(_job: ForgetLost, ctx: TaskContext) -> None:
    """Keep the list of workers to those that anybody still asks about, and the alerts to the last months'."""
    with ctx.unit_of_work() as session:
        forgotten = service.forget_lost(session, now=utcnow())
        events = alerts.forget_old_events(session, now=utcnow())
    if forgotten or events:
        log.info("processes_forgotten", count=forgotten, alert_events=events)


@task(CheckAlerts)
def check_alerts(_job: CheckAlerts, ctx: TaskContext) -> None:
    """Shops first: their jobs need not wait for the operators' figures."""
    with ctx.unit_of_work() as session:
        watched = alerting.stage_shops(session)
    events = alerting.check(ctx.unit_of_work, None, now=utcnow())
    ctx.result(shops=watched, events=events)


@task(CheckShopAlerts)
def check_shop_alerts(_job: CheckShopAlerts, ctx: TaskContext) -> None:
    """Look at the shop's rules."""
    ctx.result(events=alerting.check(ctx.unit_of_work, ctx.shop_id, now=utcnow()))


@task(DeliverAlert)
def deliver_alert(job: DeliverAlert, ctx: TaskContext) -> None:
    """Send, outside of any transaction."""
    shop_id: ShopId | None = None
    with suppress(LookupError):  # an alert of the operators
        shop_id = ctx.shop_id
    alerting.deliver(ctx.unit_of_work, shop_id, job, attempt=ctx.attempt)
