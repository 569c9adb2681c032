"""The segments that a merchant keeps in Shopify: read, never written. The newest report of one wins.

Who is in one only Shopify can say, so its members are read page by page, outside any transaction, and then take the
place of those that were read before. Only those are read that one of our segments asks for. Between two reads
`segment_changes` takes over who joins and leaves.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, or_, select, text
from sqlalchemy.orm import Session

from storecast.customers import segment_changes
from storecast.customers.jobs import ReadSegmentMembers
from storecast.customers.models import ShopifySegment
from storecast.db.staging import Staging, Upsert, carry_on
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied
from storecast.shops import tokens
from storecast.shops.unit_of_work import UnitOfWork
from storecast.webhooks import objects
from storecast.worker import outbox

READ_EVERY = timedelta(hours=6)
PAGE = 250
"""Shopify hands out up to 1000 at once, but no query may cost more than 1000, and each member costs one."""


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
    ).many(_STAGING)
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


_STAGED_MEMBERS = Staging("staged_segment_members", {"gid": "text"})

_LEFT = text(f"""
    DELETE FROM shopify_segment_members AS member USING customers
     WHERE member.shop_id = :shop_id AND member.segment_id = :segment_id AND customers.id = member.customer_id
       AND customers.gid <> ALL (CAST(:told AS text[]))
       AND NOT EXISTS (SELECT 1 FROM {_STAGED_MEMBERS.name} AS staged WHERE staged.gid = customers.gid)
""")

_JOINED = text(f"""
    INSERT INTO shopify_segment_members (shop_id, segment_id, customer_id)
    SELECT DISTINCT :shop_id, CAST(:segment_id AS bigint), customers.id FROM {_STAGED_MEMBERS.name} AS staged
      JOIN customers ON customers.shop_id = :shop_id AND customers.gid = staged.gid
     WHERE customers.gid <> ALL (CAST(:told AS text[]))
    ON CONFLICT DO NOTHING
""")


def ids_by_gid(session: Session, shop_id: ShopId, gids: Collection[str]) -> dict[str, int]:
    """The internal ids of the segments that Shopify has of these."""
    if not gids:
        return {}
    found = session.execute(
        select(ShopifySegment.gid, ShopifySegment.id).where(
            ShopifySegment.shop_id == shop_id, ShopifySegment.gid.in_(list(gids))
        )
    )
    return {row.gid: row.id for row in found}


def list_unread(session: Session, shop_id: ShopId, gids: Collection[str]) -> list[str]:
    """Those of these segments whose members were never read."""
    if not gids:
        return []
    return list(
        session.scalars(
            select(ShopifySegment.gid)
            .where(
                ShopifySegment.shop_id == shop_id,
                ShopifySegment.gid.in_(list(gids)),
                ShopifySegment.members_at.is_(None),
            )
            .order_by(ShopifySegment.gid)
        )
    )


def want_members(session: Session, shop_id: ShopId, gids: Collection[str]) -> None:
    """Have the members of these segments read, unless that was done within `READ_EVERY`."""
    if not gids:
        return
    due = session.scalars(
        select(ShopifySegment.gid)
        .where(
            ShopifySegment.shop_id == shop_id,
            ShopifySegment.gid.in_(list(gids)),
            or_(ShopifySegment.members_at.is_(None), ShopifySegment.members_at < utcnow() - READ_EVERY),
        )
        .order_by(ShopifySegment.gid)
    )
    for gid in due:
        outbox.add(session, shop_id, ReadSegmentMembers(gid))


def read_members(unit_of_work: UnitOfWork, shop_id: ShopId, gid: str) -> int | None:
    """Read who is in a segment now; how many of them are customers that we have, None when the segment is gone."""
    client = tokens.admin_client(unit_of_work, shop_id)
    # Subscribed first: whoever joins or leaves while the members are read is told of.
    segment_changes.subscribe(client, gid)
    began_at = utcnow()
    members = list(_members(client, gid))
    with unit_of_work() as session:
        segment = session.scalar(
            select(ShopifySegment)
            .where(ShopifySegment.shop_id == shop_id, ShopifySegment.gid == gid)
            .with_for_update()
        )
        if segment is None:
            return None
        _STAGED_MEMBERS.fill(session, ((member,) for member in members))
        told = segment_changes.told_since(session, shop_id, gid, began_at)
        given = {"shop_id": shop_id, "segment_id": segment.id, "told": told}
        session.execute(_LEFT, given)
        session.execute(_JOINED, given)
        segment.members_at, segment.member_count = began_at, len(members)
        return segment.member_count


def _members(client: AdminClient, gid: str) -> Iterable[str]:
    """The customers' gids. A member's own gid is another type's with the customer's number."""
    after: str | None = None
    while True:
        answer = client.execute("segment_members", {"segment": gid, "first": PAGE, "after": after})
        connection = answer.data.get("customerSegmentMembers")
        if not isinstance(connection, dict):
            raise AccessDenied("Shopify does not show the members of this segment.")
        for edge in connection["edges"]:
            yield f"gid://shopify/Customer/{edge['node']['id'].rsplit('/', 1)[-1]}"
        if not connection["pageInfo"]["hasNextPage"]:
            return
        after = connection["pageInfo"]["endCursor"]
