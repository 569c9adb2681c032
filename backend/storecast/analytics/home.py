"""The home page: what campaigns earned, what waits for the merchant, and how the store stands."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.analytics import repository, schemas, service
from storecast.analytics.calendar import Period, last_days
from storecast.campaigns import reading as campaigns
from storecast.customers import service as customers
from storecast.fleet import service as fleet
from storecast.jobs import service as jobs
from storecast.kit.money import Money
from storecast.kit.types import ShopId
from storecast.orders import service as orders
from storecast.products import service as products
from storecast.segments import service as segments
from storecast.shops import service as shops
from storecast.shops import settings_page
from storecast.shops.schemas import Settings
from storecast.sync import service as sync
from storecast.sync.schemas import SyncRun

DAYS = 30
RECENT_CAMPAIGNS = 5

FAILED_SHOWN = timedelta(days=7)
"""A campaign that failed longer ago is history, not work."""


def read(session: Session, shop_id: ShopId, *, now: datetime) -> schemas.Home:
    """The page of a shop."""
    shop = shops.get(session, shop_id)
    period = last_days(DAYS, now=now, timezone=shop.timezone)
    settings = settings_page.read(session, shop_id)
    latest_sync = sync.find_latest(session, shop_id)
    recent = campaigns.campaign_rows(session, shop_id, [], None).items[:RECENT_CAMPAIGNS]
    return schemas.Home(
        earned=_earned(session, shop_id, shop.currency, period),
        totals=_totals(session, shop_id, shop.currency),
        needs=_needs(session, shop_id, settings, latest_sync, now),
        checklist=_checklist(session, shop_id, settings, latest_sync),
        sync=latest_sync,
        recent_campaigns=service.campaign_rows(session, shop_id, recent),
        growth=_growth(session, shop_id, period),
    )


def _earned(session: Session, shop_id: ShopId, currency: str, period: Period) -> schemas.Earned:
    def money(amount_minor: int) -> Money:
        return Money(amount_minor=amount_minor, currency=currency)

    return schemas.Earned(
        days=period.days,
        attributed=money(repository.attributed(session, shop_id, currency, period)),
        previous=money(repository.attributed(session, shop_id, currency, period.before())),
        store_total=money(repository.revenue(session, shop_id, currency, period).amount_minor),
        messages_sent=repository.messages_sent(session, shop_id, period),
    )


def _totals(session: Session, shop_id: ShopId, currency: str) -> schemas.Totals:
    revenue = repository.revenue(session, shop_id, currency).amount_minor
    return schemas.Totals(
        customers=customers.count(session, shop_id),
        products=products.count(session, shop_id),
        orders=orders.count(session, shop_id),
        revenue=Money(amount_minor=revenue, currency=currency),
        subscribed=customers.count_subscribed(session, shop_id),
    )


def _checklist(
    session: Session, shop_id: ShopId, settings: Settings, latest_sync: SyncRun | None
) -> list[schemas.ChecklistItem]:
    synced = latest_sync is not None and latest_sync.state == "done"
    return [
        schemas.ChecklistItem(key="install", done=True),
        schemas.ChecklistItem(key="sync", done=synced or customers.count(session, shop_id) > 0),
        schemas.ChecklistItem(key="sender", done=settings.sender.verified),
        schemas.ChecklistItem(key="pixel", done=settings.pixel.state == "active"),
        schemas.ChecklistItem(key="segment", done=segments.count(session, shop_id) > 0),
        schemas.ChecklistItem(key="campaign", done=repository.has_started_campaign(session, shop_id)),
    ]


def _needs(
    session: Session, shop_id: ShopId, settings: Settings, latest_sync: SyncRun | None, now: datetime
) -> list[schemas.Need]:
    """Critical first."""
    needs = _setup_needs(settings)
    if latest_sync is not None and latest_sync.state == "failed":
        needs.append(schemas.Need(code="sync_failed", severity="warning", facts={"sync_id": latest_sync.id}))
    for row in repository.campaigns_in_trouble(session, shop_id, now - FAILED_SHOWN):
        facts = {"campaign_id": row.public_id, "name": row.name}
        needs.append(schemas.Need(code=f"campaign_{row.state}", severity="critical", facts=facts))
    dead = jobs.count_dead(session, shop_id, now=now)
    if dead:
        needs.append(schemas.Need(code="dead_tasks", severity="warning", facts={"count": dead}))
    workers = [
        process for process in fleet.list_workers(session, now=now).processes if process.kind == "worker"
    ]
    if workers and all(worker.state == "lost" for worker in workers):
        needs.append(schemas.Need(code="workers_lost", severity="critical", facts={"count": len(workers)}))
    order = {"critical": 0, "warning": 1, "info": 2}
    return sorted(needs, key=lambda need: order[need.severity])


def _setup_needs(settings: Settings) -> list[schemas.Need]:
    needs = []
    if settings.token.state != "valid":
        needs.append(
            schemas.Need(code="token_invalid", severity="critical", facts={"state": settings.token.state})
        )
    if settings.scopes.missing:
        missing = {"count": len(settings.scopes.missing), "scopes": settings.scopes.missing}
        needs.append(schemas.Need(code="scopes_missing", severity="warning", facts=missing))
    if not settings.sender.verified:
        needs.append(schemas.Need(code="sender_missing", severity="warning", facts={}))
    if settings.pixel.state != "active":
        code = f"pixel_{settings.pixel.state}"
        needs.append(
            schemas.Need(code=code, severity="warning" if code == "pixel_error" else "info", facts={})
        )
    if settings.webhooks.dead:
        count = settings.webhooks.dead
        needs.append(schemas.Need(code="webhooks_dead", severity="warning", facts={"count": count}))
    return needs


def _growth(session: Session, shop_id: ShopId, period: Period) -> list[schemas.Growth]:
    known, new = repository.customers_by_day(session, shop_id, period)
    growth = []
    for day in period.each_day():
        known += new.get(day, 0)
        growth.append(schemas.Growth(date=day, customers=known))
    return growth
