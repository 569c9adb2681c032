"""A discount code of their own for everybody who gets a message: leased to a row of the ledger with its claim.

A code is leased to one row at most and a row has one code at most (two unique keys say so), whatever becomes of the
worker: the lease commits with the claim, and a row that is claimed again keeps its code. A code is free again only
when the ledger says that its message never left: excluded, cancelled, failed before it was handed over. What is in
doubt, and what a server has seen and refused, keeps its code: a code too many is lost, never given to two people.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from sqlalchemy.orm import Session

from storecast.campaigns import discounts_repository, leases_repository
from storecast.campaigns.ledger_repository import Claimed
from storecast.campaigns.models import Campaign, DiscountSet
from storecast.campaigns.schemas import Check, SentCodes
from storecast.kit.types import ShopId
from storecast.messaging.links import CODE_SLOT

NEVER_LEFT = ("render_failed",)
"""Reasons of a failure that happened before the message was handed over."""

SPARE_SHARE = 0.05
"""An audience may grow by so much between the look and the freeze."""

USABLE_FOR = timedelta(days=2)
"""Codes that end sooner after the sending begins reach people too late to be used."""

SAMPLE = "SAMPLE"
"""What previews and test mails show behind the prefix: L and its likes are in no real code."""

EXHAUSTED = "codes_exhausted"


class Leased(NamedTuple):
    """What the messages of a chunk show of their own, by customer id, and the rows for which no code was left."""

    own: Mapping[int, Mapping[str, Any]]
    without: frozenset[int]


def add_codes(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    rows: Sequence[Claimed],
    own: Mapping[int, Mapping[str, Any]],
    *,
    pattern: str,
    now: datetime,
) -> Leased:
    """Lease a code to each claimed row that will be sent; does nothing for a campaign without codes."""
    if campaign.discount_set_id is None:
        return Leased(own, frozenset())
    sendable = [row for row in rows if row.reason is None]
    if not sendable:
        return Leased(own, frozenset())
    codes = leases_repository.lease(session, shop_id, campaign, [row.id for row in sendable], now)
    shown = dict(own)
    for row in sendable:
        if row.id in codes:
            shown[row.customer_id] = {**own.get(row.customer_id, {}), **values(pattern, codes[row.id])}
    return Leased(shown, frozenset(row.id for row in sendable) - codes.keys())


def reclaim(
    session: Session, shop_id: ShopId, campaign: Campaign, delivery_ids: Sequence[int] | None = None
) -> int:
    """Free the codes of messages that never left, of these rows or of all; returns how many."""
    if campaign.discount_set_id is None or campaign.frozen_at is None or delivery_ids == []:
        return 0
    return leases_repository.reclaim(session, shop_id, campaign, NEVER_LEFT, delivery_ids)


def address(campaign: Campaign, shop_url: str) -> str:
    """Where a code of the campaign is applied, with a slot for it; empty for a campaign without codes.

    Shopify puts the code into the visitor's cart and leads on to ``redirect``, to which it passes on what else the
    query holds. Source: https://help.shopify.com/en/manual/discounts/discount-methods/discount-codes.
    """
    if campaign.discount_set_id is None:
        return ""
    return f"{shop_url.rstrip('/')}/discount/{CODE_SLOT}?{urlencode({'redirect': campaign.discount_path})}"


def values(pattern: str, code: str) -> dict[str, Any]:
    """What a template reads of a code."""
    return {"discount_code": code, "discount_url": pattern.replace(CODE_SLOT, quote(code, safe=""))}


def sample(session: Session, shop_id: ShopId, campaign: Campaign, pattern: str) -> dict[str, Any]:
    """What previews and test mails show in their place: a code that never works."""
    if campaign.discount_set_id is None:
        return {}
    discount = discounts_repository.get(session, shop_id, campaign.discount_set_id)
    return values(pattern, discount.prefix + SAMPLE)


def report(session: Session, shop_id: ShopId, campaign: Campaign) -> SentCodes | None:
    """What the ledger says of a campaign's codes; None for a campaign without."""
    if campaign.discount_set_id is None:
        return None
    discount = discounts_repository.get(session, shop_id, campaign.discount_set_id)
    sent = leases_repository.count_sent(session, shop_id, campaign) if campaign.frozen_at else 0
    return SentCodes(discount_id=discount.public_id, title=discount.title, sent=sent)


def judge(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    *,
    shown: bool,
    recipients: int,
    starts_at: datetime,
) -> list[Check]:
    """Whether there are codes for everybody and they work by then; nothing for a message that needs none."""
    if campaign.discount_set_id is None:
        return [Check(code="codes", level="stop", facts={"problem": "no_set"})] if shown else []
    discount = discounts_repository.get(session, shop_id, campaign.discount_set_id)
    counts = leases_repository.counts(session, shop_id, discount.id)
    facts = {
        "discount": discount.title,
        "free": counts.free,
        "recipients": recipients,
        "starts_at": discount.starts_at.isoformat(),
        "ends_at": discount.ends_at and discount.ends_at.isoformat(),
    }
    stop = _obstacle(discount, counts.free, recipients, starts_at)
    ask = stop or _concern(discount, counts.free, recipients, starts_at, shown=shown)
    if ask is None:
        return [Check(code="codes", level="ok", facts=facts)]
    return [Check(code="codes", level="stop" if stop else "ask", facts=facts | {"problem": ask})]


def _obstacle(discount: DiscountSet, free: int, recipients: int, starts_at: datetime) -> str | None:
    if discount.state in ("queued", "running") and free < recipients:
        return "being_made"
    if free < recipients:
        return "too_few"
    if discount.ends_at is not None and discount.ends_at <= starts_at:
        return "ended"
    return None


def _concern(
    discount: DiscountSet, free: int, recipients: int, starts_at: datetime, *, shown: bool
) -> str | None:
    if not shown:
        return "not_shown"
    if discount.ends_at is not None and discount.ends_at < starts_at + USABLE_FOR:
        return "ends_soon"
    if discount.starts_at > starts_at:
        return "not_begun"
    if discount.exported_at is not None:
        return "exported"
    return "few_left" if free < recipients * (1 + SPARE_SHARE) else None
