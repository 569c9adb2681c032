"""SQL of products and variants."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from storecast.db import staging
from storecast.db.staging import Upsert
from storecast.kit.types import ShopId
from storecast.products.models import Product, ProductVariant
from storecast.products.records import PRODUCTS, VARIANTS, ProductRecord

_PRODUCT_COLUMNS = [column for column in PRODUCTS.columns if column != "gid"]

_PRODUCTS = Upsert(
    "products",
    inserted={column: f"newest.{column}" for column in PRODUCTS.columns},
    changed={column: f"EXCLUDED.{column}" for column in _PRODUCT_COLUMNS},
    guard="products.shopify_updated_at <= EXCLUDED.shopify_updated_at",
)
_UPSERT_STAGED = text(_PRODUCTS.many(PRODUCTS))
_UPSERT_ONE = text(f"{_PRODUCTS.few(f'{PRODUCTS.values()} AS newest')} RETURNING products.id")

_VARIANT_COLUMNS = [column for column in VARIANTS.columns if column != "gid"]

_THEIR_PRODUCTS = staging.stored("products", {"gid": f"SELECT product_gid FROM {VARIANTS.name}"})
# The variants of a product that changed after the bulk operation began came by webhook and are newer.
_UPSERT_VARIANTS = text(
    Upsert(
        "product_variants",
        inserted={"product_id": "products.id", **{column: f"newest.{column}" for column in VARIANTS.columns}},
        changed={column: f"EXCLUDED.{column}" for column in ("product_id", *_VARIANT_COLUMNS)},
    ).many(
        VARIANTS,
        f"""LEFT JOIN {_THEIR_PRODUCTS} ON products.gid = newest.product_gid
    WHERE products.id IS NULL OR products.shopify_updated_at <= coalesce(CAST(:as_of AS timestamptz), 'infinity')""",
    )
)

_DROP_VARIANTS = text(f"""
    WITH shown AS MATERIALIZED (
      SELECT products.id FROM {staging.stored("products", {"gid": f"SELECT gid FROM {PRODUCTS.name}"})}
      JOIN {PRODUCTS.name} AS staged USING (gid) WHERE products.shopify_updated_at <= staged.shopify_updated_at
    )
    DELETE FROM product_variants WHERE shop_id = :shop_id AND id = ANY (ARRAY(
      SELECT product_variants.id FROM {staging.stored("product_variants", {"product_id": "SELECT id FROM shown"})}
      WHERE product_variants.gid NOT IN (SELECT gid FROM {VARIANTS.name})
    ))
""")

# Only products that were there before this transaction, and show any variant at all, can have lost one.
_LOST_VARIANTS = text(f"""
    WITH shown AS MATERIALIZED (
      SELECT products.id FROM {_THEIR_PRODUCTS} JOIN {PRODUCTS.name} AS staged USING (gid)
      WHERE products.created_at < now() AND products.shopify_updated_at <= staged.shopify_updated_at
    )
    SELECT product_variants.id
    FROM {staging.stored("product_variants", {"product_id": "SELECT id FROM shown"})}
    WHERE product_variants.gid NOT IN (SELECT gid FROM {VARIANTS.name})
""")


def upsert_staged_products(session: Session, shop_id: ShopId) -> int:
    """Carry the staged products on; rows older than what is stored change nothing. Returns the rows written."""
    return staging.carry_on(session, _UPSERT_STAGED, {"shop_id": shop_id})


def upsert_staged_variants(session: Session, shop_id: ShopId, *, as_of: datetime | None) -> None:
    staging.carry_on(session, _UPSERT_VARIANTS, {"shop_id": shop_id, "as_of": as_of})


def drop_variants_of_staged(session: Session, shop_id: ShopId) -> None:
    """Of the staged products, unless a newer report is stored, drop the variants that are not staged."""
    session.execute(_DROP_VARIANTS, {"shop_id": shop_id})


def list_lost_variants(session: Session, shop_id: ShopId) -> Sequence[int]:
    """Variants that are stored of products with staged ones, unless a newer report is stored, and are not staged."""
    return session.scalars(_LOST_VARIANTS, {"shop_id": shop_id}).all()


def drop_variants(session: Session, shop_id: ShopId, ids: Sequence[int]) -> None:
    session.execute(
        sql_delete(ProductVariant).where(ProductVariant.shop_id == shop_id, ProductVariant.id.in_(ids))
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


def list_active(
    session: Session,
    shop_id: ShopId,
    *,
    search: str | None,
    gids: Sequence[str] | None,
    before_id: int | None,
    limit: int,
) -> Sequence[Product]:
    """Active products, newest first, that come after ``before_id`` in that order."""
    query = select(Product).where(Product.shop_id == shop_id, func.lower(Product.status) == "active")
    if search:
        query = query.where(Product.title.icontains(search, autoescape=True))
    if gids is not None:
        query = query.where(Product.gid.in_(gids))
    if before_id is not None:
        query = query.where(Product.id < before_id)
    return session.scalars(query.order_by(Product.id.desc()).limit(limit)).all()


def count(session: Session, shop_id: ShopId) -> int:
    return session.scalar(select(func.count()).where(Product.shop_id == shop_id)) or 0


def known_gids(session: Session, shop_id: ShopId, gids: Iterable[str]) -> set[str]:
    return set(
        session.scalars(select(Product.gid).where(Product.shop_id == shop_id, Product.gid.in_(list(gids))))
    )


def list_titles(
    session: Session, shop_id: ShopId, search: str, gids: Sequence[str], limit: int
) -> dict[str, str]:
    """Titles by gid: of these products, or without them of those whose title has the words."""
    query = select(Product.gid, Product.title).where(Product.shop_id == shop_id)
    if gids:
        query = query.where(Product.gid.in_(gids))
    elif search:
        query = query.where(func.strpos(func.lower(Product.title), search.lower()) > 0)
    return {row.gid: row.title for row in session.execute(query.order_by(Product.title).limit(limit))}
