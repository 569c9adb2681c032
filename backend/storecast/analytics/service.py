"""Rules of the figures: who is credited, and how revenue is counted.

An order is credited at most once a model, with at most what was paid for it, so the attributed revenue of any
period is never more than its revenue.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from storecast.analytics import attribution, repository, schemas
from storecast.analytics.attribution import LATENESS, Windows
from storecast.analytics.calendar import last_days
from storecast.analytics.repository import Reach, Sum
from storecast.campaigns import service as campaigns
from storecast.campaigns import variants
from storecast.campaigns.schemas import CampaignFacts, DeliveryReport
from storecast.customers import service as customers
from storecast.customers.schemas import CustomerRow, TimelineEntry
from storecast.events.selectables import FUNNEL_STEPS
from storecast.kit.money import Money
from storecast.kit.pages import Page
from storecast.kit.types import ShopId
from storecast.shops import service as shops

log = structlog.get_logger(__name__)

variants.provide_revenue(repository.earned_by_delivery)

_NOTHING = Sum(0, 0)
_NOBODY = Reach(0, 0)


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
    session: Session, shop_id: ShopId, *, state: str | None, cursor: str | None
) -> Page[schemas.CampaignRow]:
    """Campaigns, newest first, with what they brought."""
    page = campaigns.campaign_rows(session, shop_id, [state] if state else [], cursor)
    return Page(items=campaign_rows(session, shop_id, page.items), next_cursor=page.next_cursor)


def campaign_rows(
    session: Session, shop_id: ShopId, facts: Sequence[CampaignFacts]
) -> list[schemas.CampaignRow]:
    """Add opens, clicks and revenue to what campaigns know of themselves: two queries for any number of rows."""
    currency = shops.get_currency(session, shop_id)
    # What nobody was sent, nobody opened, and no order is owed to it.
    ids = [item.internal_id for item in facts if item.started_at is not None]
    reached = repository.people_reached(session, shop_id, ids) if ids else {}
    earned = repository.attributed_by_campaign(session, shop_id, currency, campaign_ids=ids) if ids else {}
    rows = []
    for item in facts:
        revenue = earned.get(item.internal_id, _NOTHING).amount_minor
        opened, clicked = reached.get(item.internal_id, (0, 0))
        rows.append(
            schemas.CampaignRow(
                id=item.id,
                name=item.name,
                state=item.state,
                subject=item.subject,
                segment_name=item.segment_name,
                scheduled_at=item.scheduled_at,
                finished_at=item.finished_at,
                audience_size=item.audience_size,
                sent=item.sent,
                opens=opened,
                clicks=clicked,
                revenue=Money(amount_minor=revenue, currency=currency),
                revenue_per_recipient_minor=round(revenue / item.sent) if item.sent else None,
            )
        )
    return rows


def report(session: Session, shop_id: ShopId, campaign_id: str) -> schemas.Report:
    """What became of a campaign: the ledger's part, with what people did and what it earned."""
    ledger = campaigns.delivery_report(session, shop_id, campaign_id)
    currency = shops.get_currency(session, shop_id)
    earned = repository.attributed_by_campaign(session, shop_id, currency, campaign_ids=[ledger.id]).get(
        ledger.id, _NOTHING
    )
    reach = repository.engagement(session, shop_id, [ledger.id])
    opened, clicked = repository.people_reached(session, shop_id, [ledger.id]).get(ledger.id, (0, 0))
    clicks = repository.link_clicks(session, shop_id, ledger.id)
    people = (
        ("sent", ledger.counts.accepted),
        ("opened", opened),
        ("clicked", clicked),
        ("ordered", repository.count_credited_people(session, shop_id, ledger.id)),
    )
    return schemas.Report(
        state=ledger.state,
        counts=schemas.Counts(**ledger.counts.model_dump()),
        rate_per_s=ledger.rate_per_s,
        eta_s=ledger.eta_s,
        funnel=[schemas.FunnelStep(step=step, people=count) for step, count in people],  # type: ignore[arg-type]
        opens=_human_machine(reach, ledger.id, "open"),
        clicks=_human_machine(reach, ledger.id, "click"),
        orders=earned.orders,
        revenue=Money(amount_minor=earned.amount_minor, currency=currency),
        revenue_over_time=[
            schemas.RevenuePoint(at=at, amount_minor=amount)
            for at, amount in repository.credited_by_hour(session, shop_id, currency, ledger.id)
        ],
        links=[
            schemas.LinkRow(
                number=link.number,
                url=link.url,
                clicks=clicks.get(link.number, (0, 0))[0],
                people=clicks.get(link.number, (0, 0))[1],
            )
            for link in ledger.links
        ],
        waiting=[schemas.WaitingCount(**item.model_dump()) for item in ledger.waiting],
        codes=_codes(session, shop_id, ledger, currency),
        exclusions=[schemas.ReasonCount(reason=item.reason, count=item.count) for item in ledger.exclusions],
        errors=[schemas.ErrorCount(reply=item.reply, count=item.count) for item in ledger.errors],
        started_at=ledger.started_at,
        finished_at=ledger.finished_at,
    )


def _codes(
    session: Session, shop_id: ShopId, ledger: DeliveryReport, currency: str
) -> schemas.CodesReport | None:
    if ledger.codes is None:
        return None
    redeemed, amount = repository.redemptions(session, shop_id, currency, ledger.id)
    return schemas.CodesReport(
        **ledger.codes.model_dump(),
        redeemed=redeemed,
        revenue=Money(amount_minor=amount, currency=currency),
    )


def list_recipients(
    session: Session, shop_id: ShopId, campaign_id: str, *, state: str | None, cursor: str | None
) -> Page[schemas.Recipient]:
    """The people of an audience, each with what they did and what they bought."""
    page = campaigns.recipient_rows(session, shop_id, campaign_id, state, cursor)
    ledger = campaigns.delivery_report(session, shop_id, campaign_id)
    deliveries = [item.delivery_id for item in page.items]
    urls = {link.number: link.url for link in ledger.links}
    events: dict[int, list[schemas.RecipientEvent]] = {}
    for row in repository.history(session, shop_id, ledger.id, deliveries):
        event = schemas.RecipientEvent(
            kind=row.kind, at=row.occurred_at, verdict=row.verdict, url=urls.get(row.link_number)
        )
        events.setdefault(row.delivery_id, []).append(event)
    bought = repository.credited_orders(session, shop_id, ledger.id, deliveries)
    currency = shops.get_currency(session, shop_id)
    people = customers.rows_by_id(session, shop_id, [item.customer_id for item in page.items])
    items = [
        schemas.Recipient(
            customer=people.get(item.customer_id, _erased(currency)),
            state=item.state,
            reason=item.reason,
            attempts=item.attempts,
            accepted_at=item.accepted_at,
            reply=item.reply,
            variant=item.variant,
            due_at=item.due_at,
            events=events.get(item.delivery_id, []),
            order=_order(bought.get(item.delivery_id)),
        )
        for item in page.items
    ]
    return Page(items=items, next_cursor=page.next_cursor)


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


def _erased(currency: str) -> CustomerRow:
    """Stands for a person whose data was erased: the message was sent, and that is all that is known."""
    return CustomerRow(
        id="",
        name="—",
        email=None,
        email_subscription="unsubscribed",
        orders_count=0,
        total_spent=Money(amount_minor=0, currency=currency),
        last_order_at=None,
        city=None,
        country=None,
    )


def _earners(session: Session, shop_id: ShopId, earned: dict[int, Sum]) -> list[tuple[str, str, Sum]]:
    names = repository.campaign_names(session, shop_id, earned)
    return [(*names[campaign_id], sum_) for campaign_id, sum_ in earned.items() if campaign_id in names]


def _human_machine(
    reach: dict[tuple[int, str, str], Reach], campaign_id: int, kind: str
) -> schemas.HumanMachine:
    def count(verdict: str) -> int:
        return reach.get((campaign_id, kind, verdict), _NOBODY).events

    return schemas.HumanMachine(human=count("human"), machine=count("machine") + count("unknown"))


def _order(bought: tuple[str, int, str] | None) -> schemas.RecipientOrder | None:
    if bought is None:
        return None
    name, amount_minor, currency = bought
    return schemas.RecipientOrder(name=name, revenue=Money(amount_minor=amount_minor, currency=currency))
