"""A product or variant as one source reported it, ready to be staged."""

from datetime import datetime
from typing import NamedTuple

from storecast.db.staging import Staging


class ProductRecord(NamedTuple):
    """What a bulk line or a webhook says about a product."""

    gid: str
    title: str
    handle: str
    vendor: str | None
    product_type: str | None
    status: str
    tags: list[str]
    image_url: str | None
    price_minor: int
    currency: str
    shopify_updated_at: datetime


class VariantRecord(NamedTuple):
    """A variant and the product that it belongs to."""

    product_gid: str
    gid: str
    title: str
    sku: str | None
    price_minor: int


class CollectionRecord(NamedTuple):
    """What a source says about a collection."""

    gid: str
    title: str
    handle: str
    shopify_updated_at: datetime


class MembershipRecord(NamedTuple):
    """A product that stands in a collection."""

    collection_gid: str
    product_gid: str


PRODUCTS = Staging(
    "staged_products",
    {
        "gid": "text",
        "title": "text",
        "handle": "text",
        "vendor": "text",
        "product_type": "text",
        "status": "text",
        "tags": "text[]",
        "image_url": "text",
        "price_minor": "bigint",
        "currency": "text",
        "shopify_updated_at": "timestamptz",
    },
    key=("gid",),
    version="shopify_updated_at",
)

VARIANTS = Staging(
    "staged_variants",
    {"product_gid": "text", "gid": "text", "title": "text", "sku": "text", "price_minor": "bigint"},
    key=("gid",),
)

COLLECTIONS = Staging(
    "staged_collections",
    {"gid": "text", "title": "text", "handle": "text", "shopify_updated_at": "timestamptz"},
    key=("gid",),
    version="shopify_updated_at",
)

MEMBERSHIPS = Staging(
    "staged_memberships",
    {"collection_gid": "text", "product_gid": "text"},
    key=("collection_gid", "product_gid"),
)
