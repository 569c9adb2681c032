"""What each campaign did on each day of a shop's calendar: what Shopify's Marketing pages are told.

`campaigns.marketing` says what is counted; a message counts on the day it was taken, an event and an order on theirs.
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, cast, func, select
from sqlalchemy.orm import Session

from storecast.analytics.attribution import MODEL
from storecast.analytics.models import Attribution
from storecast.campaigns import selectables as campaigns
from storecast.campaigns.marketing import Days, Figures
from storecast.events import selectables as events
from storecast.kit.types import ShopId

LONGEST_SENDING = timedelta(days=14)
"""How long after it was frozen an audience may still be written to, pauses included: bounds the partitions read."""

Key = tuple[int, date]


def figures(session: Session, shop_id: ShopId, currency: str, days: Days) -> dict[Key, Figures]:
    """The figures by campaign and day; days without any are left out."""
    found: dict[Key, dict[str, int]] = {}
    for counted in (
        _messages(session, shop_id, days),
        _events(session, shop_id, days),
        _credits(session, shop_id, currency, days),
    ):
        for key, values in counted.items():
            found.setdefault(key, {}).update(values)
    return {key: Figures(**values) for key, values in found.items()}


def _day(instant: ColumnElement[Any], days: Days) -> ColumnElement[date]:
    return cast(func.timezone(days.timezone, instant), Date).label("day")


def _within(instant: ColumnElement[Any], days: Days) -> ColumnElement[bool]:
    return and_(instant >= days.starts_at, instant < days.ends_at)


def _messages(session: Session, shop_id: ShopId, days: Days) -> dict[Key, dict[str, int]]:
    sent = campaigns.deliveries(shop_id).subquery()
    bounced = events.message_history(shop_id).subquery()
    came_back = (
        select(bounced.c.delivery_id)
        .where(
            bounced.c.campaign_id == sent.c.campaign_id,
            bounced.c.delivery_id == sent.c.delivery_id,
            bounced.c.kind == "bounce",
        )
        .exists()
    )
    day = _day(sent.c.accepted_at, days)
    query = (
        select(
            sent.c.campaign_id,
            day,
            func.count().label("sends"),
            func.count().filter(~came_back).label("delivered"),
        )
        .where(sent.c.frozen_at >= days.starts_at - LONGEST_SENDING, _within(sent.c.accepted_at, days))
        .group_by(sent.c.campaign_id, day)
    )
    return {
        (row.campaign_id, row.day): {"sends": row.sends, "delivered": row.delivered}
        for row in session.execute(query)
    }


def _events(session: Session, shop_id: ShopId, days: Days) -> dict[Key, dict[str, int]]:
    done = events.message_history(shop_id).subquery()
    day = _day(done.c.occurred_at, days)
    human = done.c.verdict == "human"
    people = func.count(done.c.delivery_id.distinct())
    query = (
        select(
            done.c.campaign_id,
            day,
            func.count().filter(done.c.kind == "open", human).label("opens"),
            people.filter(done.c.kind == "open", human).label("people_opened"),
            func.count().filter(done.c.kind == "click", human).label("clicks"),
            people.filter(done.c.kind == "click", human).label("people_clicked"),
            people.filter(done.c.kind == "bounce").label("bounces"),
            people.filter(done.c.kind == "complaint").label("complaints"),
            people.filter(done.c.kind == "unsubscribe").label("unsubscribes"),
        )
        .where(_within(done.c.occurred_at, days))
        .group_by(done.c.campaign_id, day)
    )
    counted: dict[Key, dict[str, int]] = {}
    for row in session.execute(query).mappings():
        values = {name: row[name] for name in row if name not in ("campaign_id", "day")}
        # A day of nothing but machines is a day without figures.
        if any(values.values()):
            counted[row["campaign_id"], row["day"]] = values
    return counted


def _credits(session: Session, shop_id: ShopId, currency: str, days: Days) -> dict[Key, dict[str, int]]:
    day = _day(Attribution.ordered_at.expression, days)
    query = (
        select(
            Attribution.campaign_id,
            day,
            func.count().label("orders"),
            func.sum(Attribution.amount_minor).label("sales_minor"),
        )
        .where(
            Attribution.shop_id == shop_id,
            Attribution.model == MODEL,
            Attribution.currency == currency,
            _within(Attribution.ordered_at.expression, days),
        )
        .group_by(Attribution.campaign_id, day)
    )
    return {
        (row.campaign_id, row.day): {"orders": row.orders, "sales_minor": int(row.sales_minor)}
        for row in session.execute(query)
    }
