"""Runs the jobs of privacy."""

import structlog

from storecast.db.session import platform_session
from storecast.kit.clock import utcnow
from storecast.messaging import alert_mail
from storecast.privacy import service
from storecast.privacy.jobs import (
    AnswerStrangers,
    ForgetArchives,
    HandleRequest,
    ResumeRequests,
    TellMerchant,
)
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

schedule.daily(ForgetArchives(), hour=3, minute=10)
schedule.daily(ResumeRequests(), hour=3, minute=20)
schedule.every(AnswerStrangers(), seconds=300)


@task(HandleRequest)
def handle_request(job: HandleRequest, ctx: TaskContext) -> None:
    """Export or erase."""
    service.handle(ctx.unit_of_work, ctx.shop_id, job.request_id, now=utcnow())


@task(TellMerchant)
def tell_merchant(job: TellMerchant, ctx: TaskContext) -> None:
    """Send the mail outside of any transaction; sent twice, it has the same Message-ID."""
    with ctx.unit_of_work() as session:
        told = service.message(session, ctx.shop_id, job.request_id)
    if told is not None:
        alert_mail.send(*told)


@task(AnswerStrangers)
def answer_strangers(_job: AnswerStrangers, _ctx: TaskContext) -> None:
    """Nothing is held of them: say so, in the record."""
    with platform_session() as session:
        count = service.answer_strangers(session, now=utcnow())
    log.info("privacy_strangers_answered", count=count)


@task(ForgetArchives)
def forget_archives(_job: ForgetArchives, _ctx: TaskContext) -> None:
    """Delete what is past its time."""
    with platform_session() as session:
        count = service.forget_archives(session, now=utcnow())
    log.info("privacy_archives_forgotten", count=count)


@task(ResumeRequests)
def resume_requests(_job: ResumeRequests, _ctx: TaskContext) -> None:
    """A request that gave up waits for nobody to find it: it is begun again every night."""
    with platform_session() as session:
        count = service.resume(session)
    log.info("privacy_requests_resumed", count=count)
