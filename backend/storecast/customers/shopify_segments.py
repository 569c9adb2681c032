"""The segments that a merchant keeps in Shopify: read, never written. The newest report of one wins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from storecast.customers.models import ShopifySegment
from storecast.db.staging import Staging, Upsert, carry_on
from storecast.kit.types import ShopId
from storecast.webhooks import objects


class SegmentRecord(NamedTuple):
    """What a source says about a segment."""

    gid: str
    name: str
    query: str
    shopify_updated_at: datetime


_STAGING = Staging(
    "staged_shopify_segments",
    {"gid": "text", "name": "text", "query": "text", "shopify_updated_at": "timestamptz"},
    key=("gid",),
    version="shopify_updated_at",
)

_UPSERT = text(
    Upsert(
        "shopify_segments",
        inserted={column: f"newest.{column}" for column in _STAGING.columns},
        changed={column: f"EXCLUDED.{column}" for column in _STAGING.columns if column != "gid"},
        guard="shopify_segments.shopify_updated_at <= EXCLUDED.shopify_updated_at",
    ).many(f"{_STAGING.name} AS newest")
)


def import_records(session: Session, shop_id: ShopId, records: Iterable[SegmentRecord]) -> int:
    """Upsert segments as a source reported them; stale ones change nothing. Returns the rows written."""
    _STAGING.fill(session, records)
    objects.drop_gone(session, shop_id, _STAGING.name)
    return carry_on(session, _UPSERT, {"shop_id": shop_id})


def forget(session: Session, shop_id: ShopId, gid: str) -> None:
    """Remove a segment that the merchant deleted."""
    session.execute(
        delete(ShopifySegment).where(ShopifySegment.shop_id == shop_id, ShopifySegment.gid == gid)
    )


def list_all(session: Session, shop_id: ShopId) -> Sequence[ShopifySegment]:
    """The shop's segments by name."""
    return session.scalars(
        select(ShopifySegment).where(ShopifySegment.shop_id == shop_id).order_by(ShopifySegment.name)
    ).all()
