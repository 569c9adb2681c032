"""SQL of claims: which rows of the ledger somebody is handing over.

Claims of one campaign are made one after another, under a lock that is held until the commit; a row is in one claim at
most. To end a claim needs no lock but its own row's.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, select, text
from sqlalchemy.orm import Session

from storecast.campaigns.models import MessageClaim, MessageDelivery
from storecast.kit.types import ShopId

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('message_claims', :campaign_id))")


@dataclass(frozen=True, slots=True)
class Lost:
    """A claim whose holder did not come back."""

    claimed_by: UUID
    delivery_ids: Sequence[int]


def lock(session: Session, campaign_id: int) -> None:
    """Nobody else claims rows of the campaign until the end of the transaction; what others claimed shows behind it."""
    session.execute(_LOCK, {"campaign_id": campaign_id})


def add(
    session: Session,
    shop_id: ShopId,
    campaign_id: int,
    delivery_ids: Sequence[int],
    *,
    claim_id: UUID,
    claimed_by: UUID,
    lease_until: datetime,
) -> None:
    session.execute(
        insert(MessageClaim),
        {
            "id": claim_id,
            "shop_id": shop_id,
            "campaign_id": campaign_id,
            "claimed_by": claimed_by,
            "lease_until": lease_until,
            "delivery_ids": list(delivery_ids),
        },
    )


def end(session: Session, shop_id: ShopId, claim_id: UUID) -> bool:
    """Take the claim back; False when somebody has settled it."""
    ended = delete(MessageClaim).where(MessageClaim.shop_id == shop_id, MessageClaim.id == claim_id)
    return session.scalar(ended.returning(MessageClaim.id)) is not None


def claimed_ids(shop_id: ShopId, campaign_id: int) -> Select[int]:
    """The rows of a campaign that somebody is handing over."""
    return select(func.unnest(MessageClaim.delivery_ids)).where(_of(shop_id, campaign_id))


def claimed_ids_of_shop(shop_id: ShopId) -> Select[int]:
    """The same of all campaigns."""
    return select(func.unnest(MessageClaim.delivery_ids)).where(MessageClaim.shop_id == shop_id)


def under_way(shop_id: ShopId) -> ColumnElement[bool]:
    """Of a row of the ledger: somebody is handing it over."""
    claimed = claimed_ids_of_shop(shop_id)
    return and_(MessageDelivery.state == "pending", MessageDelivery.id.in_(claimed))


def leases(session: Session, shop_id: ShopId, campaign_id: int) -> dict[int, datetime]:
    """Until when each row is claimed that is being handed over."""
    query = select(MessageClaim.delivery_ids, MessageClaim.lease_until).where(_of(shop_id, campaign_id))
    return {
        delivery_id: until for delivery_ids, until in session.execute(query) for delivery_id in delivery_ids
    }


def next_lease_end(session: Session, shop_id: ShopId, campaign_id: int) -> datetime | None:
    return session.scalar(select(func.min(MessageClaim.lease_until)).where(_of(shop_id, campaign_id)))


def holders(session: Session, shop_id: ShopId, campaign_id: int) -> set[UUID]:
    """Whose claims there are."""
    return set(session.scalars(select(MessageClaim.claimed_by).where(_of(shop_id, campaign_id)).distinct()))


def take_expired(session: Session, shop_id: ShopId, campaign_id: int, now: datetime) -> list[Lost]:
    """End the claims whose lease ran out."""
    return _take(session, and_(_of(shop_id, campaign_id), MessageClaim.lease_until <= now))


def take_of(session: Session, shop_id: ShopId, campaign_id: int, claimed_by: Collection[UUID]) -> list[Lost]:
    """End the claims of these jobs."""
    return _take(session, and_(_of(shop_id, campaign_id), MessageClaim.claimed_by.in_(claimed_by)))


def _take(session: Session, which: ColumnElement[bool]) -> list[Lost]:
    # One that is being recorded right now is not lost; whoever records may be waiting for what we have locked.
    there = select(MessageClaim.id).where(which).with_for_update(skip_locked=True)
    ended = (
        delete(MessageClaim)
        .where(MessageClaim.id.in_(there))
        .returning(MessageClaim.claimed_by, MessageClaim.delivery_ids)
    )
    return [Lost(row.claimed_by, row.delivery_ids) for row in session.execute(ended)]


def _of(shop_id: ShopId, campaign_id: int) -> ColumnElement[bool]:
    return and_(MessageClaim.shop_id == shop_id, MessageClaim.campaign_id == campaign_id)
