"""SQL of leased discount codes: one round trip a chunk, whatever its size."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from storecast.campaigns.models import Campaign
from storecast.kit.types import ShopId

# The free ones are taken in the order of their lines; SKIP LOCKED leaves those that another worker takes right now.
_LEASE = text("""
WITH held AS (
  SELECT delivery_id, code FROM discount_codes
   WHERE shop_id = :shop_id AND campaign_id = :campaign_id AND delivery_id = ANY(:delivery_ids)
), wanting AS (
  SELECT id, row_number() OVER (ORDER BY id) AS nth FROM unnest(CAST(:delivery_ids AS bigint[])) AS id
   WHERE id NOT IN (SELECT delivery_id FROM held)
), free AS (
  SELECT line, row_number() OVER (ORDER BY line) AS nth FROM (
    SELECT line FROM discount_codes
     WHERE shop_id = :shop_id AND discount_set_id = :set_id AND state = 'live' AND delivery_id IS NULL
     ORDER BY line LIMIT (SELECT count(*) FROM wanting) FOR UPDATE SKIP LOCKED
  ) AS locked
), leased AS (
  UPDATE discount_codes AS code
     SET campaign_id = :campaign_id, delivery_id = wanting.id, leased_at = :now
    FROM free JOIN wanting USING (nth)
   WHERE code.shop_id = :shop_id AND code.discount_set_id = :set_id AND code.line = free.line
  RETURNING code.delivery_id, code.code
)
SELECT delivery_id, code FROM held UNION ALL SELECT delivery_id, code FROM leased
""")

_RECLAIM = """
UPDATE discount_codes AS code
   SET campaign_id = NULL, delivery_id = NULL, leased_at = NULL
  FROM message_deliveries AS d
 WHERE code.shop_id = :shop_id AND code.campaign_id = :campaign_id AND d.id = code.delivery_id
   AND d.shop_id = :shop_id AND d.campaign_id = :campaign_id AND d.frozen_at = :frozen_at
   AND (d.state = 'excluded' OR d.state = 'failed' AND d.reason = ANY(:never_left))
"""
_RECLAIM_ALL = text(_RECLAIM)
_RECLAIM_SOME = text(f"{_RECLAIM} AND code.delivery_id = ANY(:delivery_ids)")

_COUNTS = text("""
SELECT count(*) FILTER (WHERE state = 'live') AS live,
       count(*) FILTER (WHERE state = 'live' AND delivery_id IS NULL) AS free
  FROM discount_codes WHERE shop_id = :shop_id AND discount_set_id = :set_id
""")

_SENT = text("""
SELECT count(*)
  FROM discount_codes AS code
  JOIN message_deliveries AS d ON d.id = code.delivery_id
 WHERE code.shop_id = :shop_id AND code.campaign_id = :campaign_id
   AND d.shop_id = :shop_id AND d.campaign_id = :campaign_id AND d.frozen_at = :frozen_at
   AND d.state IN ('accepted', 'unknown')
""")


def lease(
    session: Session, shop_id: ShopId, campaign: Campaign, delivery_ids: Sequence[int], now: datetime
) -> dict[int, str]:
    """The code of each of these rows: the one that it has, or a free one; rows are missing when none is left."""
    given = {
        "shop_id": shop_id,
        "set_id": campaign.discount_set_id,
        "campaign_id": campaign.id,
        "delivery_ids": list(delivery_ids),
        "now": now,
    }
    return {row.delivery_id: row.code for row in session.execute(_LEASE, given)}


def reclaim(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    never_left: Sequence[str],
    delivery_ids: Sequence[int] | None,
) -> int:
    """Free the codes of rows, or of these rows, whose message is known not to have left."""
    given = {
        "shop_id": shop_id,
        "campaign_id": campaign.id,
        "frozen_at": campaign.frozen_at,
        "never_left": list(never_left),
    }
    if delivery_ids is None:
        result = session.execute(_RECLAIM_ALL, given)
    else:
        result = session.execute(_RECLAIM_SOME, given | {"delivery_ids": list(delivery_ids)})
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a row count


def counts(session: Session, shop_id: ShopId, set_id: int) -> Row[int, int]:
    """``live`` codes at Shopify, and those of them that are ``free``."""
    return session.execute(_COUNTS, {"shop_id": shop_id, "set_id": set_id}).one()


def count_sent(session: Session, shop_id: ShopId, campaign: Campaign) -> int:
    """Codes in messages that went out, or may have."""
    given = {"shop_id": shop_id, "campaign_id": campaign.id, "frozen_at": campaign.frozen_at}
    return session.scalar(_SENT, given) or 0
