"""Job bodies of campaigns."""

from datetime import datetime

from storecast.campaigns import discounts, marketing, reading, returns, sending, service, variants
from storecast.campaigns.jobs import (
    Dispatch,
    Finish,
    Freeze,
    MakeDiscount,
    ReleaseRest,
    ReportActivity,
    ReportEngagements,
    ReportEngagementsEverywhere,
    SendBatch,
)
from storecast.events import deliveries
from storecast.events.jobs import UnsubscribeRequested
from storecast.kit.clock import utcnow
from storecast.messaging import receivers
from storecast.messaging.delivery import channel
from storecast.messaging.jobs import ReturnsRecorded
from storecast.worker import outbox, schedule
from storecast.worker.task import TaskContext, task

NOTED_AT_ONCE = 5_000
"""Customers whose last-sent instant moves in one transaction."""

deliveries.provide(reading.find_delivery_facts)
deliveries.provide_arrivals(reading.find_last_arrivals)

# The day is over from Kiribati to Hawaii.
schedule.daily(ReportEngagementsEverywhere(), hour=11, minute=10)


@task(Freeze)
def freeze(job: Freeze, ctx: TaskContext) -> None:
    """Draw the audience."""
    with ctx.unit_of_work() as session:
        service.freeze(session, ctx.shop_id, job.campaign_id)


@task(Dispatch)
def dispatch(job: Dispatch, ctx: TaskContext) -> None:
    """Keep the campaign going."""
    with ctx.unit_of_work() as session:
        service.dispatch(session, ctx.shop_id, job.campaign_id)


@task(SendBatch)
def send_batch(job: SendBatch, ctx: TaskContext) -> None:
    """Send for a slice of time."""
    sending.send_slice(
        ctx.unit_of_work,
        ctx.shop_id,
        job,
        job_id=ctx.job_id,
        attempt=ctx.attempt,
        channel=channel(ctx.unit_of_work, ctx.shop_id),
        progress=ctx.progress,
        receivers=receivers.of_process(),
    )


@task(ReleaseRest)
def release_rest(job: ReleaseRest, ctx: TaskContext) -> None:
    """Send the version that won to the rest."""
    with ctx.unit_of_work() as session:
        ctx.result(people=variants.release_rest(session, ctx.shop_id, job.campaign_id))


@task(Finish)
def finish(job: Finish, ctx: TaskContext) -> None:
    """Close the campaign and note on the customers when they were last written to."""
    with ctx.unit_of_work() as session:
        closed = service.finish(session, ctx.shop_id, job.campaign_id)
    after_id: int | None = 0 if closed else None
    while after_id is not None:
        with ctx.unit_of_work() as session:
            after_id = service.note_sent(session, ctx.shop_id, job.campaign_id, after_id, NOTED_AT_ONCE)


@task(UnsubscribeRequested)
def unsubscribe(job: UnsubscribeRequested, ctx: TaskContext) -> None:
    """Take the word of whoever got the delivery."""
    with ctx.unit_of_work() as session:
        returns.unsubscribe(
            session,
            ctx.shop_id,
            job.campaign_id,
            job.delivery_id,
            asked_at=datetime.fromisoformat(job.requested_at),
        )


@task(ReturnsRecorded)
def judge_returns(job: ReturnsRecorded, ctx: TaskContext) -> None:
    """Look whether the campaign may go on."""
    with ctx.unit_of_work() as session:
        returns.judge_returns(session, ctx.shop_id, job.campaign_id)


@task(ReportActivity)
def report_activity(job: ReportActivity, ctx: TaskContext) -> None:
    """Tell Shopify what the campaign is now."""
    marketing.report_activity(ctx.unit_of_work, ctx.shop_id, job.campaign_public_id, repeated=ctx.attempt > 1)


@task(ReportEngagementsEverywhere)
def report_engagements_everywhere(_job: ReportEngagementsEverywhere, ctx: TaskContext) -> None:
    """One job a shop: each makes calls that may fail by themselves."""
    with ctx.unit_of_work() as session:
        for shop_id in marketing.willing_shops(session):
            outbox.add(session, shop_id, ReportEngagements())


@task(ReportEngagements)
def report_engagements(_job: ReportEngagements, ctx: TaskContext) -> None:
    """Tell Shopify what the campaigns did on the last days."""
    told = marketing.report_engagements(ctx.unit_of_work, ctx.shop_id, now=utcnow(), progress=ctx.progress)
    ctx.result(days=told)


@task(MakeDiscount)
def make_discount(job: MakeDiscount, ctx: TaskContext) -> None:
    """Carry a discount on."""
    discounts.make(ctx.unit_of_work, ctx.shop_id, job.discount_set_id, progress=ctx.progress)
