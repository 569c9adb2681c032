"""A customer as one source reported it, ready to be staged; the order of fields is that of the staging table."""

from datetime import datetime
from typing import Any, NamedTuple

from storecast.db.staging import Staging
from storecast.kit.errors import Permanent
from storecast.kit.ids import public_id
from storecast.shopify.ids import find_gid, find_instant


class CustomerRecord(NamedTuple):
    """What a bulk line or a webhook says about a customer.

    ``email_state`` None means that the source says nothing about consent (customer webhooks do not since 2025).
    """

    public_id: str
    gid: str
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    locale: str | None
    country: str | None
    province: str | None
    city: str | None
    tags: list[str] | None
    email_state: str | None
    email_opt_in_level: str | None
    email_consent_at: datetime | None
    sms_state: str | None
    open_tracking: bool | None
    shopify_created_at: datetime | None
    shopify_updated_at: datetime
    sms_opt_in_level: str | None = None
    sms_consent_at: datetime | None = None


STAGING = Staging(
    "staged_customers",
    {
        "public_id": "text",
        "gid": "text",
        "email": "text",
        "phone": "text",
        "first_name": "text",
        "last_name": "text",
        "locale": "text",
        "country": "text",
        "province": "text",
        "city": "text",
        "tags": "text[]",
        "email_state": "text",
        "email_opt_in_level": "text",
        "email_consent_at": "timestamptz",
        "sms_state": "text",
        "open_tracking": "boolean",
        "shopify_created_at": "timestamptz",
        "shopify_updated_at": "timestamptz",
        "sms_opt_in_level": "text",
        "sms_consent_at": "timestamptz",
    },
    key=("gid",),
    version="shopify_updated_at",
)


def record_from_webhook(payload: dict[str, Any]) -> CustomerRecord:
    """The record of a customer object in a webhook; raises Permanent when it has no id."""
    customer_gid = find_gid("Customer", payload)
    updated_at = find_instant(payload.get("updated_at"))
    if customer_gid is None or updated_at is None:
        raise Permanent("a customer without id or updated_at")
    address = payload.get("default_address") or {}
    tags = payload.get("tags")
    return CustomerRecord(
        public_id=public_id("cus"),
        gid=customer_gid,
        email=payload.get("email") or None,
        phone=payload.get("phone") or None,
        first_name=payload.get("first_name") or None,
        last_name=payload.get("last_name") or None,
        locale=payload.get("locale"),
        country=address.get("country_code") or None,
        province=address.get("province") or None,
        city=address.get("city") or None,
        tags=[tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else None,
        email_state=None,
        email_opt_in_level=None,
        email_consent_at=None,
        sms_state=None,
        open_tracking=None,
        shopify_created_at=find_instant(payload.get("created_at")),
        shopify_updated_at=updated_at,
    )
