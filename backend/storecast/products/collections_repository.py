"""SQL of collections and of what stands in them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from storecast.db import staging
from storecast.db.staging import Upsert
from storecast.kit.types import ShopId
from storecast.products.models import Collection, CollectionProduct
from storecast.products.records import COLLECTIONS, MEMBERSHIPS

_UPSERT = text(
    Upsert(
        "collections",
        inserted={column: f"newest.{column}" for column in COLLECTIONS.columns},
        changed={column: f"EXCLUDED.{column}" for column in COLLECTIONS.columns if column != "gid"},
        guard="collections.shopify_updated_at <= EXCLUDED.shopify_updated_at",
    ).many(COLLECTIONS)
)

_UPSERT_MEMBERS = text(
    Upsert(
        "collection_products",
        inserted={
            **{column: f"newest.{column}" for column in MEMBERSHIPS.columns},
            "seen_at": "CAST(:seen_at AS timestamptz)",
        },
        changed={"seen_at": "EXCLUDED.seen_at"},
        guard="collection_products.seen_at < EXCLUDED.seen_at",
        key=MEMBERSHIPS.key,
        touched=False,
    ).many(MEMBERSHIPS)
)


def upsert_staged(session: Session, shop_id: ShopId) -> int:
    """Carry the staged collections on; older ones change nothing. Returns the rows written."""
    return staging.carry_on(session, _UPSERT, {"shop_id": shop_id})


def upsert_staged_members(session: Session, shop_id: ShopId, *, seen_at: datetime) -> None:
    staging.carry_on(session, _UPSERT_MEMBERS, {"shop_id": shop_id, "seen_at": seen_at})


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


def known_gids(session: Session, shop_id: ShopId, gids: Iterable[str]) -> set[str]:
    return set(
        session.scalars(
            select(Collection.gid).where(Collection.shop_id == shop_id, Collection.gid.in_(list(gids)))
        )
    )


def list_titles(
    session: Session, shop_id: ShopId, search: str, gids: Sequence[str], limit: int
) -> dict[str, str]:
    """Titles by gid: of these collections, or without them of those whose title has the words."""
    query = select(Collection.gid, Collection.title).where(Collection.shop_id == shop_id)
    if gids:
        query = query.where(Collection.gid.in_(gids))
    elif search:
        query = query.where(func.strpos(func.lower(Collection.title), search.lower()) > 0)
    return {row.gid: row.title for row in session.execute(query.order_by(Collection.title).limit(limit))}
