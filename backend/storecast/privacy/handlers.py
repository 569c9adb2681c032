"""Shopify's three compliance topics."""

from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.privacy import service
from storecast.webhooks.registry import Delivery, on


@on(*service.KINDS)
def take_privacy_request(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Record the request; its job does the work."""
    service.receive(session, shop_id, service.KINDS[delivery.topic], delivery, now=utcnow())
