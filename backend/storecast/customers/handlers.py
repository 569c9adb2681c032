"""Webhooks about customers. Deletion is handled by `orders`, which also has to let go of them."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storecast.customers import consent, service
from storecast.customers.records import record_from_webhook
from storecast.customers.repository import Channel
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.shopify.ids import find_gid, find_instant, gid
from storecast.webhooks.registry import Delivery, on


@on("customers/create", "customers/update")
def take_profile(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Create or update the profile; consent comes by its own topic."""
    service.record_profile(session, shop_id, record_from_webhook(delivery.payload))


@on("customers_email_marketing_consent/update")
def take_consent(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """The newest consent to e-mail wins, whatever the order of arrival."""
    customer_gid = gid("Customer", delivery.payload["customer_id"])
    _take(session, shop_id, "email", customer_gid, delivery.payload["email_marketing_consent"], delivery)


@on("customers_marketing_consent/update")
def take_sms_consent(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """The newest consent to text messages wins, whatever the order of arrival."""
    given = delivery.payload.get("sms_marketing_consent")
    customer_gid = find_gid("Customer", delivery.payload)
    if customer_gid is not None and given:
        _take(session, shop_id, "sms", customer_gid, given, delivery)


def _take(
    session: Session,
    shop_id: ShopId,
    channel: Channel,
    customer_gid: str,
    given: dict[str, Any],
    delivery: Delivery,
) -> None:
    told = consent.read(channel, given, otherwise_at=delivery.triggered_at)
    if told.at is None:
        raise Permanent("a consent without an instant")
    service.record_consent(
        session,
        shop_id,
        customer_gid,
        channel=channel,
        state=told.state,
        level=told.level,
        consent_at=told.at,
    )


@on("customer.tags_added")
def take_tags(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Add the tags that the customer got."""
    customer_gid, at = str(delivery.payload["customerId"]), _changed_at(delivery)
    service.change_tags(session, shop_id, customer_gid, add=_tags(delivery), at=at)


@on("customer.tags_removed")
def drop_tags(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Drop the tags that the customer lost."""
    customer_gid, at = str(delivery.payload["customerId"]), _changed_at(delivery)
    service.change_tags(session, shop_id, customer_gid, remove=_tags(delivery), at=at)


def _changed_at(delivery: Delivery) -> datetime:
    return find_instant(delivery.payload.get("occurredAt")) or delivery.triggered_at or utcnow()


def _tags(delivery: Delivery) -> list[str]:
    return [str(tag) for tag in delivery.payload.get("tags") or []]
