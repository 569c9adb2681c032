"""Who is left of a campaign, by its ledger."""

from typing import Any

from sqlalchemy import Select, and_, not_, select
from sqlalchemy.orm import Session

from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.events import selectables as events
from storecast.kit.types import ShopId

LEFT_OUT = ("cancelled", "policy_expired", "test_undecided")
"""Why somebody got nothing who was to get it; who was excluded for any other reason still is."""


def find_origin(session: Session, shop_id: ShopId, campaign: Campaign) -> Campaign | None:
    return session.scalar(
        select(Campaign).where(Campaign.shop_id == shop_id, Campaign.id == campaign.origin_id)
    )


def left_of(shop_id: ShopId, origin: Campaign, kind: str) -> Select[Any]:
    """Customers: ``rest`` was not sent, ``failed`` was refused, ``non_openers`` got it and neither opened nor clicked.

    An open that only a machine made is none.
    """
    row = MessageDelivery
    query = select(row.customer_id).where(
        row.shop_id == shop_id, row.campaign_id == origin.id, row.frozen_at == origin.frozen_at
    )
    if kind == "rest":
        return query.where(row.state == "excluded", row.reason.in_(LEFT_OUT))
    if kind == "failed":
        return query.where(row.state == "failed")
    touches = events.message_touches(shop_id).subquery()
    touched = select(touches.c.delivery_id).where(
        and_(touches.c.campaign_id == origin.id, touches.c.delivery_id == row.id)
    )
    return query.where(row.state == "accepted", not_(touched.exists()))
