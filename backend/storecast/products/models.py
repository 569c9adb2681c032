"""Products, their variants and the collections that they stand in, as Shopify knows them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, Timestamps


class Product(Tenant, Timestamps, Base):
    """A product; ``price_minor`` is the lowest price among its variants."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_products_shop_id_handle", "shop_id", "handle"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    gid: Mapped[str]
    title: Mapped[str]
    handle: Mapped[str]
    vendor: Mapped[str | None]
    product_type: Mapped[str | None]
    status: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    image_url: Mapped[str | None]
    price_minor: Mapped[int]
    currency: Mapped[str]
    shopify_updated_at: Mapped[datetime]


class ProductVariant(Tenant, Timestamps, Base):
    """A variant; ``product_id`` is null while its product has not been seen."""

    __tablename__ = "product_variants"
    __table_args__ = (
        UniqueConstraint("shop_id", "gid"),
        Index("ix_product_variants_shop_id_product_id", "shop_id", "product_id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    product_id: Mapped[int | None]
    product_gid: Mapped[str]
    gid: Mapped[str]
    title: Mapped[str]
    sku: Mapped[str | None]
    price_minor: Mapped[int]


class Collection(Tenant, Timestamps, Base):
    """A collection of products, made by hand or by a rule."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("shop_id", "gid"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    gid: Mapped[str]
    title: Mapped[str]
    handle: Mapped[str]
    shopify_updated_at: Mapped[datetime]


class CollectionProduct(Tenant, Base):
    """A product in a collection, by global ids: either may arrive first. ``seen_at`` is when it was last true."""

    __tablename__ = "collection_products"
    __table_args__ = (
        UniqueConstraint("shop_id", "collection_gid", "product_gid"),
        Index("ix_collection_products_shop_id_product_gid", "shop_id", "product_gid"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    collection_gid: Mapped[str]
    product_gid: Mapped[str]
    seen_at: Mapped[datetime]
