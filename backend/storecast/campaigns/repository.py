"""All SQL of campaigns and their links."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, Uuid, bindparam, delete, func, insert, select, text, tuple_
from sqlalchemy.orm import Session, defer

from storecast.campaigns.models import Campaign, CampaignLink
from storecast.db.reading import Reading
from storecast.kit.types import ShopId

ListedRow: TypeAlias = Row[*tuple[Any, ...]]


def add(session: Session, campaign: Campaign) -> None:
    session.add(campaign)
    # Flushed for the database's defaults, which the answer shows.
    session.flush()
    session.refresh(campaign)


def find(session: Session, shop_id: ShopId, public_id: str) -> Campaign | None:
    return session.scalar(
        select(Campaign).where(Campaign.shop_id == shop_id, Campaign.public_id == public_id)
    )


def find_by_id(session: Session, shop_id: ShopId, campaign_id: int) -> Campaign | None:
    return session.scalar(select(Campaign).where(Campaign.shop_id == shop_id, Campaign.id == campaign_id))


def find_to_send(session: Session, shop_id: ShopId, campaign_id: int) -> Campaign | None:
    """As `find_by_id`; what the message is made of, which may be much, comes when somebody asks for it."""
    heavy = (Campaign.html, Campaign.mjml, Campaign.product_lists)
    query = select(Campaign).where(Campaign.shop_id == shop_id, Campaign.id == campaign_id)
    return session.scalar(query.options(*map(defer, heavy)))


def ids_by_public_id(session: Session, shop_id: ShopId, public_ids: Collection[str]) -> dict[str, int]:
    found = session.execute(
        select(Campaign.public_id, Campaign.id).where(
            Campaign.shop_id == shop_id, Campaign.public_id.in_(list(public_ids))
        )
    )
    return {row.public_id: row.id for row in found}


def list_names(
    session: Session, shop_id: ShopId, search: str, public_ids: Sequence[str], limit: int
) -> dict[str, str]:
    """Names by public id: of these, or without them of those whose name has the words, the newest first."""
    query = select(Campaign.public_id, Campaign.name).where(Campaign.shop_id == shop_id)
    if public_ids:
        query = query.where(Campaign.public_id.in_(public_ids))
    elif search:
        query = query.where(func.strpos(func.lower(Campaign.name), search.lower()) > 0)
    found = session.execute(query.order_by(Campaign.id.desc()).limit(limit))
    return {row.public_id: row.name for row in found}


def lock(session: Session, shop_id: ShopId, public_id: str) -> Campaign | None:
    return session.scalar(
        select(Campaign)
        .where(Campaign.shop_id == shop_id, Campaign.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_by_id(session: Session, shop_id: ShopId, campaign_id: int) -> Campaign | None:
    return session.scalar(
        select(Campaign)
        .where(Campaign.shop_id == shop_id, Campaign.id == campaign_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_under_way(session: Session, shop_id: ShopId) -> Sequence[Campaign]:
    """The campaigns that send or will by themselves, in the order of their ids."""
    return session.scalars(
        select(Campaign)
        .where(Campaign.shop_id == shop_id, Campaign.state.in_(("sending", "scheduled")))
        .order_by(Campaign.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def remove(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    session.execute(delete(Campaign).where(Campaign.shop_id == shop_id, Campaign.id == campaign_id))


def list_newest(
    session: Session, shop_id: ShopId, states: Sequence[str], after: tuple[datetime, int] | None, limit: int
) -> Sequence[ListedRow]:
    """What lists show; a page of whole rows would carry fifty messages."""
    if not states and after is None:
        return _FIRST_PAGE.rows(session, {"shop": shop_id, "most": limit})
    query = _NEWEST
    if states:
        query = query.where(Campaign.state.in_(states))
    if after is not None:
        query = query.where(tuple_(Campaign.created_at, Campaign.id) < after)
    return session.execute(query, {"shop": shop_id, "most": limit}).all()


_NEWEST = (
    select(
        Campaign.id,
        Campaign.public_id,
        Campaign.segment_id,
        Campaign.name,
        Campaign.state,
        Campaign.subject,
        Campaign.created_at,
        Campaign.scheduled_at,
        Campaign.started_at,
        Campaign.finished_at,
        Campaign.frozen_at,
        Campaign.audience_size,
    )
    .where(Campaign.shop_id == bindparam("shop"))
    .order_by(Campaign.created_at.desc(), Campaign.id.desc())
    .limit(bindparam("most"))
)
_FIRST_PAGE = Reading(_NEWEST)

_TURNS = 1 << 40
"""So many that hardly two people draw the same one."""


def store_links(
    session: Session, shop_id: ShopId, campaign_id: int, urls: Mapping[int, str], personal: Collection[int]
) -> None:
    session.execute(delete(CampaignLink).where(CampaignLink.campaign_id == campaign_id))
    if urls:
        rows = [
            {
                "shop_id": shop_id,
                "campaign_id": campaign_id,
                "number": number,
                "url": url,
                "personal": number in personal,
            }
            for number, url in urls.items()
        ]
        session.execute(insert(CampaignLink), rows)


def list_links(session: Session, shop_id: ShopId, campaign_id: int) -> Sequence[Row[int, str, bool]]:
    query = (
        select(CampaignLink.number, CampaignLink.url, CampaignLink.personal)
        .where(CampaignLink.shop_id == shop_id, CampaignLink.campaign_id == campaign_id)
        .order_by(CampaignLink.number)
    )
    return session.execute(query).all()


# A row is the claim's as long as the claim is there; afterwards it is unknown, and says whose it was.
_IS_OURS = """
 d.shop_id = :shop_id AND d.campaign_id = :campaign_id AND d.frozen_at = :frozen_at
 AND (d.state = 'pending' AND CAST(:held AS boolean) OR d.state = 'unknown' AND d.claimed_by = :claimed_by)
"""

_RECORD = text(f"""
UPDATE message_deliveries AS d
   SET state = o.state, reason = o.reason, lease_until = o.retry_at, smtp_code = o.code, smtp_reply = o.reply,
       message_id = coalesce(o.message_id, d.message_id),
       accepted_at = CASE WHEN o.state = 'accepted' THEN CAST(:now AS timestamptz) END,
       attempts = d.attempts + CAST(o.counts_as_attempt AS int) - CAST(d.state = 'unknown' AS int)
  FROM json_to_recordset(CAST(:outcomes AS json))
       AS o (delivery_id bigint, state text, reason text, retry_at timestamptz, code smallint, reply text,
             message_id text, counts_as_attempt boolean)
 WHERE d.id = o.delivery_id AND {_IS_OURS}
""").bindparams(bindparam("claimed_by", type_=Uuid))

# What nearly every row gets: half as much to read as in the one above.
_RECORD_ACCEPTED = text(f"""
UPDATE message_deliveries AS d
   SET state = 'accepted', reason = NULL, lease_until = NULL, smtp_code = o.c, smtp_reply = o.r, message_id = o.m,
       accepted_at = :now, attempts = d.attempts + CAST(d.state = 'pending' AS int)
  FROM json_to_recordset(CAST(:accepted AS json)) AS o (d bigint, c smallint, r text, m text)
 WHERE d.id = o.d AND {_IS_OURS}
""").bindparams(bindparam("claimed_by", type_=Uuid))


def find_gid(session: Session, people: Select[Any], customer_id: int) -> str | None:
    """Shopify's id of a customer who is still there."""
    person = people.subquery("person")
    return session.scalar(select(person.c.gid).where(person.c.id == customer_id))
