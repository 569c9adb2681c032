"""Runs the jobs that keep the shops' access alive."""

from storecast.kit.clock import utcnow
from storecast.shops import tokens
from storecast.shops.jobs import MigrateToken, RenewIdleTokens, RenewToken
from storecast.worker import outbox, schedule
from storecast.worker.task import TaskContext, task

schedule.daily(RenewIdleTokens(), hour=4)


@task(RenewIdleTokens)
def renew_idle_tokens(_job: RenewIdleTokens, ctx: TaskContext) -> None:
    """One job a shop: each is a call to Shopify that may fail by itself."""
    with ctx.unit_of_work() as session:
        for shop_id in tokens.idle_shops(session, now=utcnow()):
            outbox.add(session, shop_id, RenewToken())
        for shop_id in tokens.endless_shops(session):
            outbox.add(session, shop_id, MigrateToken())


@task(RenewToken)
def renew_token(_job: RenewToken, ctx: TaskContext) -> None:
    """Asking for a token renews one that has run out, as that of an idle shop has."""
    tokens.access_token(ctx.unit_of_work, ctx.shop_id)


@task(MigrateToken)
def migrate_token(_job: MigrateToken, ctx: TaskContext) -> None:
    """A token that Shopify keeps as it is, that of a custom app, is tried again tomorrow."""
    tokens.migrate(ctx.unit_of_work, ctx.shop_id)
