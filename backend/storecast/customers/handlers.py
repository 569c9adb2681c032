"""Webhooks about customers. Deletion is handled by `orders`, which also has to let go of them."""

from sqlalchemy.orm import Session

from storecast.customers import service
from storecast.customers.models import EMAIL_STATES
from storecast.customers.records import record_from_webhook
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
    """The newest consent wins, whatever the order of arrival."""
    payload = delivery.payload
    consent = payload["email_marketing_consent"]
    state = str(consent["state"]).lower()
    consent_at = find_instant(consent.get("consent_updated_at")) or delivery.triggered_at
    if state not in EMAIL_STATES or consent_at is None:
        raise Permanent(f"not a consent: {state!r}")
    level = consent.get("opt_in_level")
    service.record_consent(
        session,
        shop_id,
        gid("Customer", payload["customer_id"]),
        state=state,
        level=str(level).lower() if level else None,
        consent_at=consent_at,
    )


@on("customers_marketing_consent/update")
def take_sms_consent(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Keep the state of the consent to text messages."""
    consent = delivery.payload.get("sms_marketing_consent") or {}
    customer_gid = find_gid("Customer", delivery.payload)
    if customer_gid is not None and consent.get("state"):
        service.record_sms_state(session, shop_id, customer_gid, str(consent["state"]).lower())


@on("customer.tags_added")
def take_tags(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Add the tags that the customer got."""
    service.change_tags(session, shop_id, str(delivery.payload["customerId"]), add=_tags(delivery))


@on("customer.tags_removed")
def drop_tags(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Drop the tags that the customer lost."""
    service.change_tags(session, shop_id, str(delivery.payload["customerId"]), remove=_tags(delivery))


def _tags(delivery: Delivery) -> list[str]:
    return [str(tag) for tag in delivery.payload.get("tags") or []]
