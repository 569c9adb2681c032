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
)

VARIANTS = Staging(
    "staged_variants",
    {"product_gid": "text", "gid": "text", "title": "text", "sku": "text", "price_minor": "bigint"},
)
