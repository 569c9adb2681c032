"""SQL of collections and of what stands in them."""

from datetime import datetime

from sqlalchemy import delete as sql_delete
from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.products.models import Collection, CollectionProduct
from storecast.products.records import COLLECTIONS, MEMBERSHIPS

_COLUMNS = [column for column in COLLECTIONS.columns if column != "gid"]

_UPSERT = text(f"""
    WITH written AS (
      INSERT INTO collections (shop_id, {", ".join(COLLECTIONS.columns)})
      SELECT :shop_id, {", ".join(COLLECTIONS.columns)} FROM (
        SELECT DISTINCT ON (gid) * FROM {COLLECTIONS.name} ORDER BY gid, shopify_updated_at DESC, n DESC
      ) AS newest
      ON CONFLICT (shop_id, gid) DO UPDATE SET
        {", ".join(f"{column} = EXCLUDED.{column}" for column in _COLUMNS)}, updated_at = now()
      WHERE collections.shopify_updated_at <= EXCLUDED.shopify_updated_at
        AND ({", ".join(f"collections.{column}" for column in _COLUMNS)})
          IS DISTINCT FROM ({", ".join(f"EXCLUDED.{column}" for column in _COLUMNS)})
      RETURNING id
    )
    SELECT count(*) FROM written
""")

_UPSERT_MEMBERS = text(f"""
    INSERT INTO collection_products (shop_id, collection_gid, product_gid, seen_at)
    SELECT DISTINCT :shop_id, collection_gid, product_gid, CAST(:seen_at AS timestamptz) FROM {MEMBERSHIPS.name}
    ON CONFLICT (shop_id, collection_gid, product_gid) DO UPDATE SET seen_at = EXCLUDED.seen_at
    WHERE collection_products.seen_at < EXCLUDED.seen_at
""")


def upsert_staged(session: Session, shop_id: ShopId) -> int:
    """Carry the staged collections on; older ones change nothing. Returns the rows written."""
    return session.scalar(_UPSERT, {"shop_id": shop_id}) or 0


def upsert_staged_members(session: Session, shop_id: ShopId, *, seen_at: datetime) -> None:
    session.execute(_UPSERT_MEMBERS, {"shop_id": shop_id, "seen_at": seen_at})


def drop_members_of_staged(session: Session, shop_id: ShopId, *, seen_at: datetime) -> None:
    """Of the staged collections, drop what was not among the staged members."""
    session.execute(
        text(f"""
        DELETE FROM collection_products WHERE shop_id = :shop_id AND seen_at < :seen_at
          AND collection_gid IN (SELECT gid FROM {COLLECTIONS.name})
        """),
        {"shop_id": shop_id, "seen_at": seen_at},
    )


def drop_members_unseen(session: Session, shop_id: ShopId, *, since: datetime) -> None:
    """Drop what nobody has reported since then."""
    session.execute(
        sql_delete(CollectionProduct).where(
            CollectionProduct.shop_id == shop_id, CollectionProduct.seen_at < since
        )
    )


def delete(session: Session, shop_id: ShopId, gid: str) -> None:
    session.execute(
        sql_delete(CollectionProduct).where(
            CollectionProduct.shop_id == shop_id, CollectionProduct.collection_gid == gid
        )
    )
    session.execute(sql_delete(Collection).where(Collection.shop_id == shop_id, Collection.gid == gid))
