"""Composable queries over events that segments, reports and attribution join."""

from datetime import datetime

from sqlalchemy import Select, func, select

from storecast.events.models import CustomerInterest, Identity, MessageEvent, PixelEvent
from storecast.kit.types import ShopId

FUNNEL_STEPS = (
    "page_viewed",
    "product_viewed",
    "product_added_to_cart",
    "checkout_started",
    "checkout_completed",
)


def message_touches(shop_id: ShopId) -> Select[int, int, int | None, str, datetime]:
    """Opens and clicks by people: delivery_id, campaign_id, customer_id, kind, touch_at."""
    return select(
        MessageEvent.delivery_id,
        MessageEvent.campaign_id,
        MessageEvent.customer_id,
        MessageEvent.kind,
        MessageEvent.occurred_at.label("touch_at"),
    ).where(
        MessageEvent.shop_id == shop_id,
        MessageEvent.kind.in_(("open", "click")),
        MessageEvent.verdict == "human",
        MessageEvent.processed_at.is_not(None),
    )


def storefront_touches(shop_id: ShopId) -> Select[str, int | None, int | None, datetime]:
    """Visits that a verified click token brought: client_id, delivery_id, campaign_id, touch_at.

    A browser that ran the pixel with the visitor's consent is a person's, whatever was thought of the click. A
    visitor's clock may be fast: nothing happened later than it arrived.
    """
    return select(
        PixelEvent.client_id,
        PixelEvent.delivery_id,
        PixelEvent.campaign_id,
        func.least(PixelEvent.occurred_at, PixelEvent.received_at).label("touch_at"),
    ).where(PixelEvent.shop_id == shop_id, PixelEvent.delivery_id.is_not(None))


def checkouts(shop_id: ShopId) -> Select[str, str | None, str | None, datetime]:
    """Completed checkouts: client_id, order_gid, checkout_token, occurred_at."""
    return select(
        PixelEvent.client_id, PixelEvent.order_gid, PixelEvent.checkout_token, PixelEvent.occurred_at
    ).where(PixelEvent.shop_id == shop_id, PixelEvent.name == "checkout_completed")


def storefront_steps(shop_id: ShopId) -> Select[str, str, datetime]:
    """Every event: client_id, name, occurred_at."""
    return select(PixelEvent.client_id, PixelEvent.name, PixelEvent.occurred_at).where(
        PixelEvent.shop_id == shop_id
    )


def message_history(shop_id: ShopId) -> Select[int, int | None, str, datetime, str, int | None, int]:
    """What recipients did: delivery_id, customer_id, kind, occurred_at, verdict, link_number, campaign_id."""
    return select(
        MessageEvent.delivery_id,
        MessageEvent.customer_id,
        MessageEvent.kind,
        MessageEvent.occurred_at,
        MessageEvent.verdict,
        MessageEvent.link_number,
        MessageEvent.campaign_id,
    ).where(MessageEvent.shop_id == shop_id)


def viewed_products(shop_id: ShopId) -> Select[int | None, str | None, datetime]:
    """Products that known customers looked at: customer_id, product_gid, occurred_at."""
    return (
        select(Identity.customer_id, PixelEvent.product_gid, PixelEvent.occurred_at)
        .join(
            Identity, (Identity.shop_id == PixelEvent.shop_id) & (Identity.client_id == PixelEvent.client_id)
        )
        .where(
            PixelEvent.shop_id == shop_id,
            PixelEvent.name == "product_viewed",
            PixelEvent.product_gid.is_not(None),
        )
    )


def interests(shop_id: ShopId, kind: str) -> Select[int, str, list[datetime]]:
    """When customers last did something of a kind by product or campaign: customer_id, subject, recent_at."""
    return select(CustomerInterest.customer_id, CustomerInterest.subject, CustomerInterest.recent_at).where(
        CustomerInterest.shop_id == shop_id, CustomerInterest.kind == kind
    )
