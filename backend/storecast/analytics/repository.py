"""All SQL of the figures. Currencies are never added: each query names the one it counts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Date, Row, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from storecast.analytics.attribution import MODEL
from storecast.analytics.calendar import Period
from storecast.analytics.models import Attribution
from storecast.campaigns import selectables as campaigns
from storecast.customers import selectables as customers
from storecast.events import selectables as events
from storecast.kit.types import ShopId
from storecast.orders import selectables as orders

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

SESSION_GAP = timedelta(minutes=30)
"""A visit ends after half an hour without an event, as everywhere in web analytics."""


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount and the number of orders that it comes from."""

    amount_minor: int
    orders: int


def _local_day(instant: ColumnElement[datetime], timezone: str) -> ColumnElement[date]:
    return cast(func.timezone(timezone, instant), Date)


def revenue_by_day(session: Session, shop_id: ShopId, currency: str, period: Period) -> dict[date, Sum]:
    """What was paid for orders, by local day of the order."""
    placed = orders.counted(shop_id).subquery()
    day = _local_day(placed.c.placed_at, period.timezone)
    query = (
        select(day.label("day"), func.sum(placed.c.paid_minor).label("paid"), func.count().label("orders"))
        .where(
            placed.c.currency == currency,
            placed.c.placed_at >= period.starts_at,
            placed.c.placed_at < period.ends_at,
        )
        .group_by(day)
    )
    return {row.day: Sum(int(row.paid), row.orders) for row in session.execute(query)}


def revenue(session: Session, shop_id: ShopId, currency: str, period: Period | None = None) -> Sum:
    """What was paid for the orders of a period, or for all of them."""
    placed = orders.counted(shop_id).subquery()
    query = select(func.coalesce(func.sum(placed.c.paid_minor), 0), func.count()).where(
        placed.c.currency == currency
    )
    if period is not None:
        query = query.where(placed.c.placed_at >= period.starts_at, placed.c.placed_at < period.ends_at)
    paid, count = session.execute(query).one()
    return Sum(int(paid), count)


def _credits(shop_id: ShopId, currency: str, period: Period | None) -> ColumnElement[bool]:
    conditions = [
        Attribution.shop_id == shop_id,
        Attribution.model == MODEL,
        Attribution.currency == currency,
    ]
    if period is not None:
        conditions += [Attribution.ordered_at >= period.starts_at, Attribution.ordered_at < period.ends_at]
    return and_(*conditions)


def attributed_by_day(session: Session, shop_id: ShopId, currency: str, period: Period) -> dict[date, int]:
    day = _local_day(Attribution.ordered_at.expression, period.timezone)
    query = (
        select(day.label("day"), func.sum(Attribution.amount_minor).label("amount"))
        .where(_credits(shop_id, currency, period))
        .group_by(day)
    )
    return {row.day: int(row.amount) for row in session.execute(query)}


def attributed(session: Session, shop_id: ShopId, currency: str, period: Period) -> int:
    query = select(func.coalesce(func.sum(Attribution.amount_minor), 0)).where(
        _credits(shop_id, currency, period)
    )
    return int(session.scalar(query) or 0)


def attributed_by_campaign(
    session: Session,
    shop_id: ShopId,
    currency: str,
    *,
    campaign_ids: Collection[int] | None = None,
    period: Period | None = None,
) -> dict[int, Sum]:
    """Credits per campaign, the largest first."""
    amount = func.sum(Attribution.amount_minor)
    query = (
        select(Attribution.campaign_id, amount.label("amount"), func.count().label("orders"))
        .where(_credits(shop_id, currency, period))
        .group_by(Attribution.campaign_id)
        .order_by(amount.desc(), Attribution.campaign_id)
    )
    if campaign_ids is not None:
        query = query.where(Attribution.campaign_id.in_(campaign_ids))
    return {row.campaign_id: Sum(int(row.amount), row.orders) for row in session.execute(query)}


def campaign_names(
    session: Session, shop_id: ShopId, campaign_ids: Collection[int]
) -> dict[int, tuple[str, str]]:
    """Public id and name by internal id."""
    known = campaigns.campaigns(shop_id).subquery()
    query = select(known.c.campaign_id, known.c.public_id, known.c.name).where(
        known.c.campaign_id.in_(campaign_ids)
    )
    return {row.campaign_id: (row.public_id, row.name) for row in session.execute(query)}


def campaigns_in_trouble(session: Session, shop_id: ShopId, since: datetime) -> Sequence[AnyRow]:
    """Paused ones, and those that failed since the instant: public_id, name, state."""
    known = campaigns.campaigns(shop_id).subquery()
    query = (
        select(known.c.public_id, known.c.name, known.c.state)
        .where(or_(known.c.state == "paused", (known.c.state == "failed") & (known.c.started_at >= since)))
        .order_by(known.c.campaign_id.desc())
        .limit(5)
    )
    return session.execute(query).all()


def has_started_campaign(session: Session, shop_id: ShopId) -> bool:
    known = campaigns.campaigns(shop_id).subquery()
    return bool(session.scalar(select(select(known).where(known.c.started_at.is_not(None)).exists())))


def messages_sent(session: Session, shop_id: ShopId, period: Period) -> int:
    """Messages that a mail server took. Deliveries are frozen before they are sent, hence the earlier bound."""
    sent = campaigns.deliveries(shop_id).subquery()
    query = select(func.count()).where(
        sent.c.frozen_at >= period.starts_at - timedelta(days=7),
        sent.c.accepted_at >= period.starts_at,
        sent.c.accepted_at < period.ends_at,
    )
    return session.scalar(query) or 0


def earned_by_delivery(shop_id: ShopId, campaign_id: int, currency: str) -> Select[int, int]:
    """What was credited to each delivery of a campaign: delivery_id, amount_minor."""
    return (
        select(Attribution.delivery_id, func.sum(Attribution.amount_minor).label("amount_minor"))
        .where(_credits(shop_id, currency, None), Attribution.campaign_id == campaign_id)
        .group_by(Attribution.delivery_id)
    )


def redemptions(session: Session, shop_id: ShopId, currency: str, campaign_id: int) -> tuple[int, int]:
    """How many messages' codes came back with an order, and what those orders brought."""
    query = select(
        func.count(Attribution.delivery_id.distinct()),
        func.coalesce(func.sum(Attribution.amount_minor).filter(Attribution.currency == currency), 0),
    ).where(
        Attribution.shop_id == shop_id,
        Attribution.model == MODEL,
        Attribution.campaign_id == campaign_id,
        Attribution.kind == "code",
    )
    redeemed, amount = session.execute(query).one()
    return redeemed, int(amount)


def history_of_customer(session: Session, shop_id: ShopId, customer_id: int, limit: int) -> Sequence[AnyRow]:
    """What a customer did with messages, newest first, with the campaign's public id and name."""
    done = events.message_history(shop_id).subquery()
    known = campaigns.campaigns(shop_id).subquery()
    query = (
        select(done.c.kind, done.c.occurred_at, done.c.verdict, known.c.public_id, known.c.name)
        .join(known, known.c.campaign_id == done.c.campaign_id)
        .where(done.c.customer_id == customer_id)
        .order_by(done.c.occurred_at.desc())
        .limit(limit)
    )
    return session.execute(query).all()


def customers_by_day(session: Session, shop_id: ShopId, period: Period) -> tuple[int, dict[date, int]]:
    """How many customers there were before the period, and how many came on each of its days."""
    known = customers.audience(shop_id).subquery()
    before = select(func.count()).where(
        or_(known.c.shopify_created_at.is_(None), known.c.shopify_created_at < period.starts_at)
    )
    day = _local_day(known.c.shopify_created_at, period.timezone)
    query = (
        select(day.label("day"), func.count().label("people"))
        .where(known.c.shopify_created_at >= period.starts_at, known.c.shopify_created_at < period.ends_at)
        .group_by(day)
    )
    return session.scalar(before) or 0, {row.day: row.people for row in session.execute(query)}


def sessions_by_step(session: Session, shop_id: ShopId, period: Period) -> list[int]:
    """A closed funnel: per step, the sessions that did it after all the steps before it."""
    step = events.storefront_steps(shop_id).subquery("step")
    rows = (
        select(step)
        .where(step.c.occurred_at >= period.starts_at, step.c.occurred_at < period.ends_at)
        .cte("rows")
    )
    previous = func.lag(rows.c.occurred_at).over(partition_by=rows.c.client_id, order_by=rows.c.occurred_at)
    begins = case((rows.c.occurred_at - previous <= SESSION_GAP, 0), else_=1)
    marked = select(rows, begins.label("begins")).cte("marked")
    number = func.sum(marked.c.begins).over(partition_by=marked.c.client_id, order_by=marked.c.occurred_at)
    reached = select(marked.c.client_id, number.label("visit"), marked.c.name, marked.c.occurred_at).cte(
        "reached_0"
    )
    for index, name in enumerate(events.FUNNEL_STEPS):
        # The earliest instant at which the step counts; taking the earliest leaves most room for those after it.
        counts = reached.c.name == name
        if index:
            counts = and_(counts, reached.c.occurred_at >= reached.c[f"at_{index - 1}"])
        first = func.min(case((counts, reached.c.occurred_at))).over(
            partition_by=(reached.c.client_id, reached.c.visit)
        )
        reached = select(reached, first.label(f"at_{index}")).cte(f"reached_{index + 1}")
    visits = (
        select(
            reached.c.client_id,
            reached.c.visit,
            *(func.min(reached.c[f"at_{n}"]).label(f"at_{n}") for n in range(len(events.FUNNEL_STEPS))),
        )
        .group_by(reached.c.client_id, reached.c.visit)
        .subquery()
    )
    query = select(*(func.count(visits.c[f"at_{n}"]) for n in range(len(events.FUNNEL_STEPS))))
    return [int(count) for count in session.execute(query).one()]
