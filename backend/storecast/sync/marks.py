"""High-water marks: up to when a shop's changes to a resource have been taken over.

A mark only moves forward, in the transaction that holds the rows before it. What is asked for begins `OVERLAP` before
it: Shopify's lists may show a change a little late, changes of one instant may stand on both sides of a page's end, and
whether a webhook told of a change is only known once its delivery has had its time (`webhooks.missed`).
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.sync.models import SyncMark
from storecast.sync.resources import Resource
from storecast.webhooks.missed import GRACE

OVERLAP = GRACE + timedelta(minutes=10)
"""Every change is seen once more after its grace time, by pulls that are ten minutes apart."""


def advance(session: Session, shop_id: ShopId, resource: Resource, seen: datetime) -> None:
    """Everything that changed before ``seen`` has been taken over. Never moves back."""
    row = insert(SyncMark).values(shop_id=shop_id, resource=resource, marked_at=seen, pulled_at=utcnow())
    session.execute(
        row.on_conflict_do_update(
            index_elements=["shop_id", "resource"],
            set_={
                "marked_at": func.greatest(SyncMark.marked_at, row.excluded.marked_at),
                "pulled_at": row.excluded.pulled_at,
            },
        )
    )


def find(session: Session, shop_id: ShopId, resource: Resource) -> datetime | None:
    """The mark; None before the first complete import."""
    return session.scalar(
        select(SyncMark.marked_at).where(SyncMark.shop_id == shop_id, SyncMark.resource == resource)
    )


def search_since(mark: datetime) -> str:
    """What asks Shopify for everything that changed since a mark, the overlap included."""
    return f"updated_at:>='{(mark - OVERLAP).strftime('%Y-%m-%dT%H:%M:%SZ')}'"
