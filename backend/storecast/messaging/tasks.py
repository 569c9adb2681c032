"""Job bodies of messaging. Who runs jobs also sends alerts, so their mail is made known here."""

from storecast.customers import consent
from storecast.db.session import retention_session
from storecast.kit.clock import utcnow
from storecast.messaging import alert_mail, confirmations, returned, sending_domains
from storecast.messaging.jobs import (
    AskToConfirm,
    CheckSendingDomains,
    CheckSendingDomainsEverywhere,
    ForgetReturns,
    WriteConsent,
)
from storecast.messaging.resolver import process_resolver
from storecast.shops import service as shops
from storecast.worker import outbox, schedule
from storecast.worker.task import TaskContext, task

__all__ = ["alert_mail", "write_consent"]

FORGOTTEN_AT_ONCE = 5_000

schedule.daily(CheckSendingDomainsEverywhere(), hour=3, minute=30)
schedule.daily(ForgetReturns(), hour=2, minute=50)


@task(WriteConsent)
def write_consent(job: WriteConsent, ctx: TaskContext) -> None:
    """The consent is stored: `customers` gives it back to Shopify."""
    consent.write_back(ctx.unit_of_work, ctx.shop_id, job.customer_gid, "email")


@task(CheckSendingDomainsEverywhere)
def check_sending_domains_everywhere(_job: CheckSendingDomainsEverywhere, ctx: TaskContext) -> None:
    """One job a shop: each waits for name servers of its own."""
    with ctx.unit_of_work() as session:
        for shop_id in shops.installed_ids(session):
            outbox.add(session, shop_id, CheckSendingDomains())


@task(CheckSendingDomains)
def check_sending_domains(_job: CheckSendingDomains, ctx: TaskContext) -> None:
    """A record that went missing shows before the next campaign."""
    ctx.result(domains=sending_domains.check_all(ctx.unit_of_work, ctx.shop_id, process_resolver()))


@task(AskToConfirm)
def ask_to_confirm(job: AskToConfirm, ctx: TaskContext) -> None:
    """Send the mails that are due."""
    ctx.result(asked=confirmations.ask(ctx.unit_of_work, ctx.shop_id, job.import_id))


@task(ForgetReturns)
def forget_returns(_job: ForgetReturns, ctx: TaskContext) -> None:
    """Chunk by chunk, each in its own transaction."""
    before = utcnow() - returned.KEPT
    total, found = 0, FORGOTTEN_AT_ONCE
    while found == FORGOTTEN_AT_ONCE:
        ctx.check_cancelled()
        with retention_session() as session:
            found = returned.forget(session, before=before, limit=FORGOTTEN_AT_ONCE)
        total += found
    ctx.result(forgotten=total)
