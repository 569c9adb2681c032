"""SQL of versions and of what they achieved."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Numeric, Select, and_, cast, delete, func, select
from sqlalchemy.orm import Session

from storecast.campaigns.draws import Lot, draw
from storecast.campaigns.languages import FIRST_NUMBER
from storecast.campaigns.models import Campaign, CampaignVariant, MessageDelivery
from storecast.events import selectables as events
from storecast.kit.types import ShopId

Revenue = Callable[[ShopId, int, str], Select[int, int]]
"""From a shop, a campaign and a currency to ``delivery_id`` and ``amount_minor``, one row per delivery that earned."""


class Achieved(NamedTuple):
    """What one version achieved."""

    people: int
    opened: int
    clicked: int
    buyers: int
    total_minor: int
    squares: float


def list_all(session: Session, shop_id: ShopId, campaign_id: int) -> Sequence[CampaignVariant]:
    """The further versions of the test, then those of the languages."""
    return session.scalars(
        select(CampaignVariant)
        .where(CampaignVariant.shop_id == shop_id, CampaignVariant.campaign_id == campaign_id)
        .order_by(CampaignVariant.number)
    ).all()


def list_versions(session: Session, shop_id: ShopId, campaign_id: int) -> list[CampaignVariant]:
    """The further versions of the test."""
    return [each for each in list_all(session, shop_id, campaign_id) if each.locale is None]


def list_languages(session: Session, shop_id: ShopId, campaign_id: int) -> list[CampaignVariant]:
    """The versions of languages."""
    return [each for each in list_all(session, shop_id, campaign_id) if each.locale is not None]


def replace_versions(
    session: Session, shop_id: ShopId, campaign_id: int, versions: Sequence[CampaignVariant]
) -> None:
    _drop(session, shop_id, campaign_id, CampaignVariant.locale.is_(None))
    add(session, versions)


def replace_languages(
    session: Session, shop_id: ShopId, campaign_id: int, versions: Sequence[CampaignVariant]
) -> None:
    _drop(session, shop_id, campaign_id, CampaignVariant.locale.is_not(None))
    add(session, versions)


def add(session: Session, versions: Sequence[CampaignVariant]) -> None:
    session.add_all(versions)
    session.flush()


def _drop(session: Session, shop_id: ShopId, campaign_id: int, which: ColumnElement[bool]) -> None:
    session.execute(
        delete(CampaignVariant).where(
            CampaignVariant.shop_id == shop_id, CampaignVariant.campaign_id == campaign_id, which
        )
    )


def achieved(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    share_percent: int,
    revenue: Select[int, int] | None,
) -> dict[int, Achieved]:
    """By version, what those who took part in the test did; the rest got the winner and proves nothing."""
    row = MessageDelivery
    touches = events.message_touches(shop_id).subquery("touches")
    touched = (
        select(touches.c.delivery_id, func.bool_or(touches.c.kind == "click").label("clicked"))
        .where(touches.c.campaign_id == campaign.id)
        .group_by(touches.c.delivery_id)
        .subquery("touched")
    )
    query = (
        select(
            row.variant,
            func.count().label("people"),
            func.count(touched.c.delivery_id).label("opened"),
            func.count().filter(touched.c.clicked).label("clicked"),
        )
        .outerjoin(touched, touched.c.delivery_id == row.id)
        .where(
            row.shop_id == shop_id,
            row.campaign_id == campaign.id,
            row.frozen_at == campaign.frozen_at,
            row.state == "accepted",
            draw(row.customer_id.expression, campaign.id, Lot.TEST, 100) < share_percent,
        )
        .group_by(row.variant)
    )
    if revenue is not None:
        earned = revenue.subquery("earned")
        amount = cast(earned.c.amount_minor, Numeric)
        query = query.add_columns(
            func.count(earned.c.delivery_id).label("buyers"),
            func.coalesce(func.sum(amount), 0).label("total"),
            func.coalesce(func.sum(amount * amount), 0).label("squares"),
        ).outerjoin(earned, and_(earned.c.delivery_id == row.id))
    found: dict[int, Achieved] = {}
    for each in session.execute(query).mappings():
        found[each["variant"]] = Achieved(
            each["people"],
            each["opened"],
            each["clicked"],
            each.get("buyers", 0),
            int(each.get("total", 0)),
            float(each.get("squares", 0)),
        )
    return found


def awaits_outcome(session: Session, shop_id: ShopId, campaign: Campaign) -> bool:
    """Whether somebody who takes part in the test has not got the message yet."""
    row = MessageDelivery
    waiting = select(row.id).where(
        row.shop_id == shop_id,
        row.campaign_id == campaign.id,
        row.frozen_at == campaign.frozen_at,
        row.state == "pending",
        row.variant < FIRST_NUMBER,
    )
    return bool(session.scalar(select(waiting.exists())))
