"""SQL of the contact policy."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.campaigns.claims_repository import under_way
from storecast.campaigns.models import Campaign, ContactPolicy, MessageDelivery
from storecast.kit.types import ShopId
from storecast.messaging.selectables import preferences

LONGEST_SENDING = timedelta(days=62)
"""A message goes out at most so long after its audience was drawn: bounds the months that are looked at."""


class Recent(NamedTuple):
    """A message that somebody got, may have got, or is about to get."""

    at: datetime
    under_way: bool


def find(session: Session, shop_id: ShopId) -> ContactPolicy | None:
    return session.scalar(select(ContactPolicy).where(ContactPolicy.shop_id == shop_id))


def lock(session: Session, shop_id: ShopId) -> ContactPolicy | None:
    return session.scalar(
        select(ContactPolicy)
        .where(ContactPolicy.shop_id == shop_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def add(session: Session, shop_id: ShopId) -> ContactPolicy:
    """The row of a shop that has none, or of whoever was faster."""
    session.execute(insert(ContactPolicy).values(shop_id=shop_id).on_conflict_do_nothing())
    row = lock(session, shop_id)
    assert row is not None  # noqa: S101  # it is there or was there
    return row


def lock_preferences(session: Session, shop_id: ShopId, customer_ids: Sequence[int]) -> None:
    """Until the end of the transaction nobody else decides about these people."""
    theirs = preferences(shop_id)
    who = theirs.selected_columns.customer_id
    session.execute(theirs.where(who.in_(customer_ids)).order_by(who).with_for_update())


def recent_messages(
    session: Session, shop_id: ShopId, customer_ids: Sequence[int], *, since: datetime, other_than: int
) -> dict[int, list[Recent]]:
    """What these people got from flows and other campaigns since the instant, and what is on its way to them."""
    row = MessageDelivery
    # What may have arrived counts: a cap protects people, not figures.
    at = func.coalesce(row.accepted_at, row.lease_until, row.frozen_at)
    now_leaving = under_way(shop_id)
    query = (
        select(row.customer_id, at.label("at"), now_leaving.label("under_way"))
        .join(Campaign, and_(Campaign.id == row.campaign_id, Campaign.shop_id == shop_id))
        .where(
            row.shop_id == shop_id,
            row.customer_id.in_(customer_ids),
            row.frozen_at > since - LONGEST_SENDING,
            row.campaign_id != other_than,
            or_(now_leaving, and_(row.state.in_(("accepted", "unknown")), at > since)),
            Campaign.priority != "transactional",
        )
    )
    found: dict[int, list[Recent]] = defaultdict(list)
    for each in session.execute(query):
        found[each.customer_id].append(Recent(each.at, each.under_way))
    return found
