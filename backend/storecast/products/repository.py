"""SQL of products and variants."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.products.models import Product, ProductVariant
from storecast.products.records import PRODUCTS, VARIANTS, ProductRecord


def _upsert_products(source: str) -> str:
    columns = [column for column in PRODUCTS.columns if column != "gid"]
    return f"""
    INSERT INTO products (shop_id, {", ".join(PRODUCTS.columns)})
    SELECT :shop_id, {", ".join(PRODUCTS.columns)} FROM (
      SELECT DISTINCT ON (gid) * FROM {source} AS source ORDER BY gid, shopify_updated_at DESC, n DESC
    ) AS newest
    ON CONFLICT (shop_id, gid) DO UPDATE SET
      {", ".join(f"{column} = EXCLUDED.{column}" for column in columns)}, updated_at = now()
    WHERE products.shopify_updated_at <= EXCLUDED.shopify_updated_at
      AND ({", ".join(f"products.{column}" for column in columns)})
        IS DISTINCT FROM ({", ".join(f"EXCLUDED.{column}" for column in columns)})
    RETURNING products.id
    """


_UPSERT_STAGED = text(f"WITH written AS ({_upsert_products(PRODUCTS.name)}) SELECT count(*) FROM written")
_UPSERT_ONE = text(_upsert_products(PRODUCTS.values()))

_VARIANT_COLUMNS = [column for column in VARIANTS.columns if column != "gid"]

# The variants of a product that changed after the bulk operation began came by webhook and are newer.
_UPSERT_VARIANTS = text(f"""
    INSERT INTO product_variants (shop_id, product_id, {", ".join(VARIANTS.columns)})
    SELECT :shop_id, products.id, {", ".join(f"newest.{column}" for column in VARIANTS.columns)}
    FROM (SELECT DISTINCT ON (gid) * FROM {VARIANTS.name} ORDER BY gid, n DESC) AS newest
    LEFT JOIN products ON products.shop_id = :shop_id AND products.gid = newest.product_gid
    WHERE products.id IS NULL OR products.shopify_updated_at <= coalesce(CAST(:as_of AS timestamptz), 'infinity')
    ON CONFLICT (shop_id, gid) DO UPDATE SET
      product_id = EXCLUDED.product_id,
      {", ".join(f"{column} = EXCLUDED.{column}" for column in _VARIANT_COLUMNS)}, updated_at = now()
    WHERE (product_variants.product_id, {", ".join(f"product_variants.{column}" for column in _VARIANT_COLUMNS)})
      IS DISTINCT FROM (EXCLUDED.product_id, {", ".join(f"EXCLUDED.{column}" for column in _VARIANT_COLUMNS)})
""")


def upsert_staged_products(session: Session, shop_id: ShopId) -> int:
    """Carry the staged products on; rows older than what is stored change nothing. Returns the rows written."""
    return session.scalar(_UPSERT_STAGED, {"shop_id": shop_id}) or 0


def upsert_staged_variants(session: Session, shop_id: ShopId, *, as_of: datetime | None) -> None:
    session.execute(_UPSERT_VARIANTS, {"shop_id": shop_id, "as_of": as_of})


def drop_variants_of_staged(session: Session, shop_id: ShopId) -> None:
    """Of the staged products, unless a newer report is stored, drop the variants that are not staged."""
    session.execute(
        text(f"""
        DELETE FROM product_variants AS variant USING products, {PRODUCTS.name} AS staged
        WHERE variant.shop_id = :shop_id AND variant.product_gid = staged.gid
          AND products.shop_id = :shop_id AND products.gid = staged.gid
          AND products.shopify_updated_at <= staged.shopify_updated_at
          AND NOT EXISTS (SELECT 1 FROM {VARIANTS.name} AS kept WHERE kept.gid = variant.gid)
        """),
        {"shop_id": shop_id},
    )


def upsert_one(session: Session, shop_id: ShopId, record: ProductRecord) -> int | None:
    """Write one product; its id when it was new or changed."""
    written: int | None = session.scalar(_UPSERT_ONE, {"shop_id": shop_id, **record._asdict()})
    return written


def drop_variants_except(session: Session, shop_id: ShopId, product_id: int, gids: Sequence[str]) -> None:
    session.execute(
        sql_delete(ProductVariant).where(
            ProductVariant.shop_id == shop_id,
            ProductVariant.product_id == product_id,
            ProductVariant.gid.not_in(gids),
        )
    )


def link(session: Session, shop_id: ShopId) -> None:
    """Tie variants to products that were read after them."""
    session.execute(
        text("""
        UPDATE product_variants SET product_id = products.id FROM products
        WHERE product_variants.shop_id = :shop_id AND product_variants.product_id IS NULL
          AND products.shop_id = :shop_id AND products.gid = product_variants.product_gid
        """),
        {"shop_id": shop_id},
    )


def delete(session: Session, shop_id: ShopId, gid: str) -> None:
    session.execute(
        sql_delete(ProductVariant).where(ProductVariant.shop_id == shop_id, ProductVariant.product_gid == gid)
    )
    session.execute(sql_delete(Product).where(Product.shop_id == shop_id, Product.gid == gid))


def list_sellable(session: Session, shop_id: ShopId, limit: int) -> Sequence[Product]:
    """Active products with an image, newest first."""
    return session.scalars(
        select(Product)
        .where(Product.shop_id == shop_id, Product.status == "active", Product.image_url.is_not(None))
        .order_by(Product.id.desc())
        .limit(limit)
    ).all()


def count(session: Session, shop_id: ShopId) -> int:
    return session.scalar(select(func.count()).where(Product.shop_id == shop_id)) or 0
