"""Runs the jobs that keep the shops' access and pixels alive."""

import structlog

from storecast.kit.clock import utcnow
from storecast.shopify.shop import fetch_profile
from storecast.shops import pixel, service, tokens
from storecast.shops.errors import ReauthorizationNeeded, ShopPaused
from storecast.shops.jobs import (
    CheckPixel,
    CheckPixels,
    MigrateToken,
    ProbeShop,
    ProbeShops,
    RenewIdleTokens,
    RenewToken,
)
from storecast.worker import outbox, schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

schedule.daily(RenewIdleTokens(), hour=4)
schedule.daily(ProbeShops(), hour=4, minute=20)
schedule.daily(CheckPixels(), hour=4, minute=40)


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


@task(ProbeShops)
def probe_shops(_job: ProbeShops, ctx: TaskContext) -> None:
    """One job a shop: each is a call that may fail by itself."""
    with ctx.unit_of_work() as session:
        for shop_id in service.list_unavailable(session):
            outbox.add(session, shop_id, ProbeShop())


@task(ProbeShop)
def probe_shop(_job: ProbeShop, ctx: TaskContext) -> None:
    """An answer makes the shop an installed one again; a refusal is what was expected."""
    try:
        profile = fetch_profile(tokens.admin_client(ctx.unit_of_work, ctx.shop_id, probing=True))
    except (ShopPaused, ReauthorizationNeeded) as refused:
        log.info("shop_still_unavailable", shop_id=ctx.shop_id, reason=refused.code)
        return
    with ctx.unit_of_work() as session:
        service.refresh_profile(session, ctx.shop_id, profile)


@task(CheckPixels)
def check_pixels(_job: CheckPixels, ctx: TaskContext) -> None:
    """One job a shop: each is a call that may fail by itself."""
    with ctx.unit_of_work() as session:
        for shop_id in service.installed_ids(session):
            outbox.add(session, shop_id, CheckPixel())


@task(CheckPixel)
def check_pixel(_job: CheckPixel, ctx: TaskContext) -> None:
    """What somebody changed or lost at Shopify is put right."""
    try:
        pixel.maintain(ctx.unit_of_work, ctx.shop_id)
    except ReauthorizationNeeded as needed:
        # The settings page says so; a dead letter a day for every such shop would say no more.
        log.info("pixel_not_checked", shop_id=ctx.shop_id, reason=needed.code)
