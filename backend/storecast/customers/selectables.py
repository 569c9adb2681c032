"""Composable queries over customers that segments, campaigns, analytics and privacy join."""

from typing import Any

from sqlalchemy import Select, and_, func, select

from storecast.customers.models import (
    ContactImportRow,
    Customer,
    CustomerFacts,
    ShopifySegment,
    ShopifySegmentMember,
)
from storecast.kit.types import ShopId

_PROFILE = (
    "public_id",
    "gid",
    "email",
    "phone",
    "first_name",
    "last_name",
    "locale",
    "country",
    "province",
    "city",
    "open_tracking",
)

_FACTS = (
    "tags",
    "email_state",
    "email_consent_at",
    "sms_state",
    "sms_consent_at",
    "shopify_created_at",
    "country_folded",
    "province_folded",
    "city_folded",
    "locale_folded",
    "orders_count",
    "total_spent_minor",
    "average_order_minor",
    "first_order_at",
    "last_order_at",
    "rfm_recency",
    "rfm_frequency",
    "rfm_monetary",
    "last_sent_at",
    "last_opened_at",
    "last_clicked_at",
    "ordered_at",
    "opened_at",
    "clicked_at",
    "viewed_at",
    "added_to_cart_at",
    "started_checkout_at",
)


def audience(shop_id: ShopId) -> Select[Any]:
    """Every customer of the shop, one row each: ``id``, the profile, consent and facts.

    The join is an outer one although it finds a customer for every row: PostgreSQL leaves it out where no column of the
    profile is asked for.
    """
    columns = [getattr(Customer, name) for name in _PROFILE] + [
        getattr(CustomerFacts, name) for name in _FACTS
    ]
    theirs = and_(Customer.id == CustomerFacts.customer_id, Customer.shop_id == shop_id)
    return (
        select(CustomerFacts.customer_id.label("id"), *columns)
        .outerjoin_from(CustomerFacts, Customer, theirs)
        .where(CustomerFacts.shop_id == shop_id)
    )


def awaiting_confirmation(shop_id: ShopId, import_id: int) -> Select[int]:
    """The customers (``id``) of a file that asks for confirmation whose consent waits for it."""
    return (
        select(Customer.id)
        .join(ContactImportRow, ContactImportRow.email == func.lower(Customer.email))
        .where(
            Customer.shop_id == shop_id,
            Customer.email_state == "pending",
            ContactImportRow.shop_id == shop_id,
            ContactImportRow.import_id == import_id,
            ContactImportRow.consent_state == "pending",
            ContactImportRow.outcome.in_(("created", "updated", "unchanged")),
        )
    )


def versions(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """Every customer by gid and ``version``, the instant of Shopify's last change."""
    return select(Customer.gid, Customer.shopify_updated_at.label("version")).where(
        Customer.shop_id == shop_id
    )


def segment_versions(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """Every segment kept in Shopify, likewise."""
    return select(ShopifySegment.gid, ShopifySegment.shopify_updated_at.label("version")).where(
        ShopifySegment.shop_id == shop_id
    )


def shopify_segment_members(shop_id: ShopId, segment_id: int) -> Select[int]:
    """Who was in a segment of Shopify's when its members were last read: customer_id."""
    return select(ShopifySegmentMember.customer_id).where(
        ShopifySegmentMember.shop_id == shop_id, ShopifySegmentMember.segment_id == segment_id
    )
