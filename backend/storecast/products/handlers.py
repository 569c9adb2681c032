"""Webhooks about products."""

from typing import Any

from sqlalchemy.orm import Session

from storecast.kit.errors import Permanent
from storecast.kit.money import to_minor
from storecast.kit.types import ShopId
from storecast.products import service
from storecast.products.records import ProductRecord, VariantRecord
from storecast.shopify.ids import find_gid, find_instant
from storecast.shops import service as shops
from storecast.webhooks.registry import About, Delivery, on


@on("products/create", "products/update", about=About("Product"))
def take_product(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Take over the product with its variants."""
    currency = shops.get(session, shop_id).currency
    variants = _read_variants(delivery.payload, currency)
    product = _read_product(delivery.payload, variants, currency)
    service.record(
        session, shop_id, product, variants, variant_gids=_variant_gids(delivery.payload, variants)
    )


@on("products/delete", about=About("Product", ends=True))
def drop_product(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Remove the product."""
    service.forget(session, shop_id, _gid(delivery.payload, "Product"))


def _read_product(payload: dict[str, Any], variants: list[VariantRecord], currency: str) -> ProductRecord:
    updated_at = find_instant(payload.get("updated_at"))
    if updated_at is None:
        raise Permanent("a product without updated_at")
    tags = payload.get("tags") or ""
    return ProductRecord(
        gid=_gid(payload, "Product"),
        title=str(payload.get("title") or ""),
        handle=str(payload.get("handle") or ""),
        vendor=payload.get("vendor") or None,
        product_type=payload.get("product_type") or None,
        status=str(payload.get("status") or "active").lower(),
        tags=[tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else list(tags),
        image_url=(payload.get("image") or {}).get("src"),
        price_minor=min((variant.price_minor for variant in variants), default=0),
        currency=currency,
        shopify_updated_at=updated_at,
    )


def _read_variants(payload: dict[str, Any], currency: str) -> list[VariantRecord]:
    product_gid = _gid(payload, "Product")
    try:
        return [
            VariantRecord(
                product_gid=product_gid,
                gid=_gid(variant, "ProductVariant"),
                title=str(variant.get("title") or ""),
                sku=variant.get("sku") or None,
                price_minor=to_minor(str(variant.get("price") or "0"), currency),
            )
            for variant in payload.get("variants") or []
        ]
    except ValueError as error:
        raise Permanent(str(error)) from error


def _variant_gids(payload: dict[str, Any], variants: list[VariantRecord]) -> list[str]:
    """Every variant that the product has. It may have 2,048, of which the payload describes only some."""
    named = [_gid(variant, "ProductVariant") for variant in payload.get("variant_gids") or []]
    return [*named, *(variant.gid for variant in variants)]


def _gid(payload: dict[str, Any], kind: str) -> str:
    found = find_gid(kind, payload)
    if found is None:
        raise Permanent(f"a {kind} without id")
    return found
