"""Composable queries over the ledger that analytics, segments and privacy join."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from storecast.campaigns.models import Campaign, DiscountCode, MessageDelivery
from storecast.kit.types import ShopId


def deliveries(shop_id: ShopId) -> Select[int, int, int, str, datetime | None, datetime, str | None]:
    """Every row of the ledger: delivery_id, campaign_id, customer_id, state, accepted_at, frozen_at, reason."""
    return select(
        MessageDelivery.id.label("delivery_id"),
        MessageDelivery.campaign_id,
        MessageDelivery.customer_id,
        MessageDelivery.state,
        MessageDelivery.accepted_at,
        MessageDelivery.frozen_at,
        MessageDelivery.reason,
    ).where(MessageDelivery.shop_id == shop_id)


def audience(shop_id: ShopId, campaign_id: int, frozen_at: datetime) -> Select[*tuple[Any, ...]]:
    """One campaign's rows of the ledger, from one partition.

    Columns: delivery_id, customer_id, email, state, reason, attempts, variant, smtp_code, smtp_reply.
    """
    return select(
        MessageDelivery.id.label("delivery_id"),
        MessageDelivery.customer_id,
        MessageDelivery.email,
        MessageDelivery.state,
        MessageDelivery.reason,
        MessageDelivery.attempts,
        MessageDelivery.variant,
        MessageDelivery.smtp_code,
        MessageDelivery.smtp_reply,
    ).where(
        MessageDelivery.shop_id == shop_id,
        MessageDelivery.campaign_id == campaign_id,
        MessageDelivery.frozen_at == frozen_at,
    )


def campaigns(shop_id: ShopId) -> Select[int, str, str, str, datetime | None, datetime | None]:
    """campaign_id, public_id, name, state, frozen_at, started_at."""
    return select(
        Campaign.id.label("campaign_id"),
        Campaign.public_id,
        Campaign.name,
        Campaign.state,
        Campaign.frozen_at,
        Campaign.started_at,
    ).where(Campaign.shop_id == shop_id)


def leased_codes(shop_id: ShopId) -> Select[str, int | None, int | None, datetime | None]:
    """The discount codes that messages carry: code, in capitals, campaign_id, delivery_id, leased_at."""
    return select(
        DiscountCode.code, DiscountCode.campaign_id, DiscountCode.delivery_id, DiscountCode.leased_at
    ).where(DiscountCode.shop_id == shop_id, DiscountCode.delivery_id.is_not(None))
