"""Rules of the figures: who is credited, and how revenue is counted.

An order is credited at most once a model, with at most what was paid for it, so the attributed revenue of any
period is never more than its revenue.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from storecast.analytics import attribution, report_repository, repository, schemas
from storecast.analytics.attribution import LATENESS, Windows
from storecast.analytics.calendar import last_days
from storecast.analytics.report_repository import Touched
from storecast.analytics.repository import Sum
from storecast.campaigns import reading as campaigns
from storecast.campaigns import variants
from storecast.campaigns.schemas import CampaignFacts
from storecast.customers.schemas import TimelineEntry
from storecast.events.selectables import FUNNEL_STEPS
from storecast.kit.money import Money
from storecast.kit.pages import Page
from storecast.kit.types import ShopId
from storecast.shops import service as shops

log = structlog.get_logger(__name__)

variants.provide_revenue(repository.earned_by_delivery)

SORTED_AMONG = 200
"""Campaigns that a sorted list chooses from, the newest: each costs a look at all of its events."""

# Of many rows at once: one by one takes twice as long.
_ROWS = TypeAdapter(list[schemas.CampaignRow])

_NOTHING = Sum(0, 0)
_UNTOUCHED = Touched()


def _rate(part: float, row: schemas.CampaignRow) -> float:
    return part / row.sent if row.sent else -1.0


_SORT_KEYS: dict[schemas.Sort, Callable[[schemas.CampaignRow], float]] = {
    "sent": lambda row: row.sent,
    "open_rate": lambda row: _rate(row.opens, row),
    "click_rate": lambda row: _rate(row.clicks, row),
    "revenue": lambda row: row.revenue.amount_minor if row.sent else -1.0,
    "revenue_per_recipient": lambda row: _rate(row.revenue.amount_minor, row),
}


def attribute(session: Session, shop_id: ShopId, order_ids: Collection[int]) -> int:
    """Credit these orders anew; returns how many have a credit. Safe to repeat."""
    if not order_ids:
        return 0
    credited = attribution.credit(session, shop_id, order_ids, windows(session, shop_id))
    log.info("orders_attributed", shop_id=shop_id, orders=len(order_ids), credited=credited)
    return credited


def attribute_after_touches(
    session: Session,
    shop_id: ShopId,
    *,
    customer_ids: Collection[int],
    client_ids: Collection[str],
    now: datetime,
) -> int:
    """Credit the orders that new evidence about these people could change."""
    affected = attribution.find_affected_orders(
        session,
        shop_id,
        customer_ids=customer_ids,
        client_ids=client_ids,
        since=now - windows(session, shop_id).longest - LATENESS,
    )
    return attribute(session, shop_id, affected)


def windows(session: Session, shop_id: ShopId) -> Windows:
    """The shop's attribution windows."""
    shop = shops.get(session, shop_id)
    return Windows(click=timedelta(days=shop.click_window_days), open=timedelta(days=shop.open_window_days))


def overview(session: Session, shop_id: ShopId, *, days: int, now: datetime) -> schemas.Overview:
    """The analytics page over the last days of the shop's calendar, today included."""
    shop = shops.get(session, shop_id)
    currency = shop.currency
    period = last_days(days, now=now, timezone=shop.timezone)
    paid = repository.revenue_by_day(session, shop_id, currency, period)
    credited = repository.attributed_by_day(session, shop_id, currency, period)
    total = sum(day.amount_minor for day in paid.values())
    orders = sum(day.orders for day in paid.values())
    attributed = sum(credited.values())

    def money(amount_minor: int) -> Money:
        return Money(amount_minor=amount_minor, currency=currency)

    return schemas.Overview(
        currency=currency,
        timezone=shop.timezone,
        revenue=[
            schemas.RevenueDay(
                date=day,
                total_minor=paid.get(day, _NOTHING).amount_minor,
                attributed_minor=credited.get(day, 0),
                orders=paid.get(day, _NOTHING).orders,
            )
            for day in period.each_day()
        ],
        total=money(total),
        attributed=money(attributed),
        share=round(attributed / total, 4) if total > 0 else 0.0,
        previous_total=money(repository.revenue(session, shop_id, currency, period.before()).amount_minor),
        previous_attributed=money(repository.attributed(session, shop_id, currency, period.before())),
        orders=orders,
        aov=money(round(total / orders) if orders else 0),
        funnel=[
            schemas.SessionsStep(step=step, sessions=sessions)  # type: ignore[arg-type]  # steps are the Literal's
            for step, sessions in zip(
                FUNNEL_STEPS, repository.sessions_by_step(session, shop_id, period), strict=True
            )
        ],
        by_campaign=[
            schemas.CampaignRevenue(
                id=public_id, name=name, revenue=money(sum_.amount_minor), orders=sum_.orders
            )
            for public_id, name, sum_ in _earners(
                session, shop_id, repository.attributed_by_campaign(session, shop_id, currency, period=period)
            )
        ],
        model=schemas.Model(
            name="last_touch", click_days=shop.click_window_days, open_days=shop.open_window_days
        ),
    )


def list_campaigns(
    session: Session, shop_id: ShopId, *, state: str | None, sort: schemas.Sort, cursor: str | None
) -> Page[schemas.CampaignRow]:
    """Campaigns with what they brought: newest first, or the best of the last `SORTED_AMONG` on one page."""
    states = [state] if state else []
    if sort == "newest":
        page = campaigns.campaign_rows(session, shop_id, states, cursor)
        return Page(items=campaign_rows(session, shop_id, page.items), next_cursor=page.next_cursor)
    latest = campaigns.campaign_rows(session, shop_id, states, None, limit=SORTED_AMONG).items
    rows = campaign_rows(session, shop_id, latest)
    # Stable: of equals the newest comes first.
    return Page(items=sorted(rows, key=_SORT_KEYS[sort], reverse=True))


def campaign_rows(
    session: Session, shop_id: ShopId, facts: Sequence[CampaignFacts]
) -> list[schemas.CampaignRow]:
    """Add opens, clicks and revenue to what campaigns know of themselves: two queries for any number of rows."""
    currency = shops.get_currency(session, shop_id)
    # What nobody was sent, nobody opened, and no order is owed to it.
    started = {item.internal_id: item.started_at for item in facts if item.started_at is not None}
    touched = report_repository.touched(session, shop_id, started, min(started.values())) if started else {}
    earned = (
        repository.attributed_by_campaign(session, shop_id, currency, campaign_ids=started) if started else {}
    )
    rows: list[dict[str, Any]] = []
    for item in facts:
        sum_ = earned.get(item.internal_id, _NOTHING)
        revenue = sum_.amount_minor
        people = touched.get(item.internal_id, _UNTOUCHED)
        rows.append(
            {
                "id": item.id,
                "name": item.name,
                "state": item.state,
                "subject": item.subject,
                "segment_name": item.segment_name,
                "scheduled_at": item.scheduled_at,
                "finished_at": item.finished_at,
                "audience_size": item.audience_size,
                "sent": item.sent,
                "opens": people.opened,
                "clicks": people.clicked,
                "orders": sum_.orders,
                "revenue": {"amount_minor": revenue, "currency": currency},
                "revenue_per_recipient_minor": round(revenue / item.sent) if item.sent else None,
            }
        )
    return _ROWS.validate_python(rows)


def timeline_of(session: Session, shop_id: ShopId, customer_id: int, limit: int) -> list[TimelineEntry]:
    """What a customer did with messages, with the campaign's name."""
    return [
        TimelineEntry(
            at=row.occurred_at,
            kind=row.kind,
            facts={"campaign_id": row.public_id, "campaign": row.name, "verdict": row.verdict},
        )
        for row in repository.history_of_customer(session, shop_id, customer_id, limit)
    ]


def _earners(session: Session, shop_id: ShopId, earned: dict[int, Sum]) -> list[tuple[str, str, Sum]]:
    names = repository.campaign_names(session, shop_id, earned)
    return [(*names[campaign_id], sum_) for campaign_id, sum_ in earned.items() if campaign_id in names]
