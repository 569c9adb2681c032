"""Which feature needs which access scope of Shopify's, and whether the merchant has granted it.

A feature whose scopes are missing is off with that as its stated reason; nobody calls Shopify to be refused. Optional
scopes are asked for when a person switches the feature on (shopify.app.toml lists them).
"""

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.shops import repository
from storecast.shops.errors import ScopeMissing, ShopUnknown
from storecast.shops.models import Shop


class Feature(StrEnum):
    """What a store can have switched on."""

    PEOPLE = "people"
    ORDERS = "orders"
    PRODUCTS = "products"
    CONSENT = "consent"
    PIXEL = "pixel"
    MARKETING = "marketing"
    DISCOUNTS = "discounts"
    STORE_CREDIT = "store_credit"


NEEDS: dict[Feature, tuple[str, ...]] = {
    Feature.PEOPLE: ("read_customers",),
    Feature.ORDERS: ("read_orders",),
    Feature.PRODUCTS: ("read_products",),
    Feature.CONSENT: ("write_customers",),
    Feature.PIXEL: ("write_pixels", "read_customer_events"),
    Feature.MARKETING: ("write_marketing_events",),
    Feature.DISCOUNTS: ("write_discounts",),
    Feature.STORE_CREDIT: ("write_store_credit_account_transactions", "read_store_credit_accounts"),
}

OPTIONAL = frozenset({Feature.MARKETING, Feature.DISCOUNTS, Feature.STORE_CREDIT})
"""Asked for when they are switched on; the others come with the installation."""


def missing(feature: Feature, granted: Collection[str]) -> list[str]:
    """The feature's scopes that are not granted."""
    return [scope for scope in NEEDS[feature] if not holds(scope, granted)]


def holds(scope: str, granted: Collection[str]) -> bool:
    """Whether a scope is granted: a write scope implies the read scope, and Shopify lists only the former."""
    return scope in granted or scope.replace("read_", "write_", 1) in granted


def lacking(shop: Shop, feature: Feature) -> list[str]:
    """As `missing`, of a shop. While its scopes are not known Shopify itself decides."""
    return missing(feature, shop.scopes) if shop.scopes else []


def list_missing(session: Session, shop_id: ShopId, feature: Feature) -> list[str]:
    """What keeps the feature off; empty when it may be used."""
    shop = repository.find(session, shop_id)
    if shop is None:
        raise ShopUnknown
    return lacking(shop, feature)


def require(session: Session, shop_id: ShopId, feature: Feature) -> None:
    """Raise ScopeMissing while the feature is off."""
    scopes = list_missing(session, shop_id, feature)
    if scopes:
        raise ScopeMissing(
            f"The store has not allowed {', '.join(scopes)}.", feature=feature.value, scopes=scopes
        )
