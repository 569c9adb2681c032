"""Composable queries over the catalogue that segments join and other modules compare with."""

from typing import Any

from sqlalchemy import Select, func, select

from storecast.kit.types import ShopId
from storecast.products.models import Collection, CollectionProduct, Product


def product_versions(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """Every product by gid and ``version``, the instant of Shopify's last change."""
    return select(Product.gid, Product.shopify_updated_at.label("version")).where(Product.shop_id == shop_id)


def collection_versions(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """Every collection, likewise."""
    return select(Collection.gid, Collection.shopify_updated_at.label("version")).where(
        Collection.shop_id == shop_id
    )


def on_sale(shop_id: ShopId) -> Select[*tuple[Any, ...]]:
    """The active products: id, gid, title, handle, image_url, price_minor, currency."""
    return select(
        Product.id,
        Product.gid,
        Product.title,
        Product.handle,
        Product.image_url,
        Product.price_minor,
        Product.currency,
    ).where(Product.shop_id == shop_id, func.lower(Product.status) == "active")


def in_collection(shop_id: ShopId, collection_gid: str) -> Select[str]:
    """The products of a collection: product_gid."""
    return select(CollectionProduct.product_gid).where(
        CollectionProduct.shop_id == shop_id, CollectionProduct.collection_gid == collection_gid
    )
