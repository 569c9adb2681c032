"""Webhooks about customers. Deletion and merging are handled by `orders`, which also has to let go of them.

Nothing waits for the profile: a consent, tag or figure that overtakes `customers/create` makes the customer, whom the
profile completes. Otherwise the history's order would decide what is known of them.
"""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.orm import Session

from storecast.customers import consent, segment_changes, service
from storecast.customers.records import record_from_webhook
from storecast.customers.repository import Channel
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent
from storecast.kit.money import to_minor
from storecast.kit.types import ShopId
from storecast.shopify.ids import find_gid, find_instant, gid
from storecast.webhooks.registry import About, Delivery, Payload, on


def _email_customer(payload: Payload) -> str | None:
    number = payload.get("customer_id")
    return gid("Customer", number) if number else None


def _sms_customer(payload: Payload) -> str | None:
    return find_gid("Customer", payload)


def _named_customer(payload: Payload) -> str | None:
    return str(payload["customerId"]) if payload.get("customerId") else None


def _member(payload: Payload) -> str | None:
    return str(payload["customer_id"]) if payload.get("customer_id") else None


def _tags(payload: Payload) -> list[str]:
    return [str(tag) for tag in payload.get("tags") or []]


_PROFILE = About("Customer")
_EMAIL = About("Customer", aspect=None, gid=_email_customer)
_SMS = About("Customer", aspect=None, gid=_sms_customer)
_TAGS = About("Customer", aspect=None, gid=_named_customer)
_MEMBERSHIP = About(
    "Customer", aspect=lambda payload: segment_changes.aspect(str(payload.get("segment_id"))), gid=_member
)
_PURCHASES = About(
    "Customer", "purchases", gid=_named_customer, instant=lambda payload: payload.get("occurredAt")
)


@on("customers/create", "customers/update", "customers/enable", "customers/disable", about=_PROFILE)
def take_profile(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Create or update the profile; consent comes by its own topic."""
    service.record_profile(session, shop_id, record_from_webhook(delivery.payload))


@on("customers_email_marketing_consent/update", about=_EMAIL)
def take_consent(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """The newest consent to e-mail wins, whatever the order of arrival."""
    payload = delivery.payload
    customer_gid = gid("Customer", payload["customer_id"])
    service.make_known(session, shop_id, customer_gid)
    _take(session, shop_id, "email", customer_gid, payload["email_marketing_consent"], delivery)


@on("customers_marketing_consent/update", about=_SMS)
def take_sms_consent(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """The newest consent to text messages wins, whatever the order of arrival."""
    given, customer_gid = delivery.payload.get("sms_marketing_consent"), _sms_customer(delivery.payload)
    if customer_gid is not None and given:
        service.make_known(session, shop_id, customer_gid)
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


@on("customer.tags_added", about=_TAGS)
def take_tags(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Add the tags that the customer got."""
    customer_gid, at = str(delivery.payload["customerId"]), _occurred_at(delivery) or utcnow()
    service.make_known(session, shop_id, customer_gid)
    service.change_tags(session, shop_id, customer_gid, add=_tags(delivery.payload), at=at)


@on("customer.tags_removed", about=_TAGS)
def drop_tags(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Drop the tags that the customer lost."""
    customer_gid, at = str(delivery.payload["customerId"]), _occurred_at(delivery) or utcnow()
    service.make_known(session, shop_id, customer_gid)
    service.change_tags(session, shop_id, customer_gid, remove=_tags(delivery.payload), at=at)


@on(segment_changes.JOINED, segment_changes.LEFT, about=_MEMBERSHIP)
def take_membership(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Follow a segment of Shopify's: the payload carries no instant, so X-Shopify-Triggered-At says what is newest."""
    segment_gid, customer_gid = delivery.payload.get("segment_id"), _member(delivery.payload)
    if not segment_gid or customer_gid is None or delivery.triggered_at is None:
        raise Permanent("a segment's member without segment, customer or instant")
    service.make_known(session, shop_id, customer_gid)
    joined = delivery.topic == segment_changes.JOINED
    segment_changes.take(
        session, shop_id, str(segment_gid), customer_gid, joined=joined, at=delivery.triggered_at
    )


@on("customers/purchasing_summary", about=_PURCHASES)
def take_purchases(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Keep what Shopify counts itself: its lifetime figures reach further back than the orders that an app may read."""
    payload = delivery.payload
    customer_gid, at = _named_customer(payload), _occurred_at(delivery)
    spent = payload.get("amountSpent") or {}
    try:
        count = int(payload["numberOfOrders"])
        spent_minor = to_minor(str(Decimal(str(spent["amount"]))), str(spent["currencyCode"]))
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise Permanent(f"not a summary of purchases: {error!r}") from error
    if customer_gid is None or at is None:
        raise Permanent("a summary of purchases without customer or instant")
    service.make_known(session, shop_id, customer_gid)
    service.record_lifetime(
        session, shop_id, customer_gid, orders_count=count, spent_minor=spent_minor, counted_at=at
    )


def _occurred_at(delivery: Delivery) -> datetime | None:
    return find_instant(delivery.payload.get("occurredAt")) or delivery.triggered_at
