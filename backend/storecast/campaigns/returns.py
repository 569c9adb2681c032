"""What a campaign does when its mail comes back or somebody unsubscribes."""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from storecast.campaigns import ledger_repository, repository, service
from storecast.customers import selectables as customer_selectables
from storecast.kit.types import ShopId
from storecast.messaging import service as messaging

log = structlog.get_logger(__name__)

MAX_COMPLAINT_SHARE = 0.003
"""Gmail and Yahoo stop delivering to the inbox from senders whom more people call spam than this."""

COMPLAINTS_JUDGED_FROM = 3
"""One complaint in a hundred messages is 1 %, and says nothing."""

MAX_RETURNED_SHARE = 0.05

RETURNS_JUDGED_FROM = 20


def judge_returns(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    """Stop a campaign whose mail comes back, or is called spam, too often."""
    campaign = repository.find_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.state != "sending":
        return
    reason = too_many_returns(*ledger_repository.return_counts(session, shop_id, campaign))
    if reason is not None:
        service.pause_by_itself(session, shop_id, campaign_id, reason)


def too_many_returns(accepted: int, bounced: int, complained: int) -> str | None:
    """Why so many returns should stop a campaign, None when they are fine."""
    if complained >= COMPLAINTS_JUDGED_FROM and complained > MAX_COMPLAINT_SHARE * accepted:
        return f"complaint_rate: {complained} of {accepted} recipients called it spam"
    if bounced >= RETURNS_JUDGED_FROM and bounced > MAX_RETURNED_SHARE * accepted:
        return f"bounce_rate: {bounced} of {accepted} addresses do not exist"
    return None


def unsubscribe(
    session: Session, shop_id: ShopId, campaign_id: int, delivery_id: int, *, asked_at: datetime
) -> bool:
    """Unsubscribe whoever got this delivery, as of when they asked; whether that was news. Safe to repeat."""
    campaign = repository.find_by_id(session, shop_id, campaign_id)
    delivery = ledger_repository.find_delivery(session, shop_id, campaign, delivery_id) if campaign else None
    if delivery is None or not delivery.email:
        log.warning(
            "unsubscribe_of_nobody", shop_id=shop_id, campaign_id=campaign_id, delivery_id=delivery_id
        )
        return False
    gid = repository.find_gid(session, customer_selectables.audience(shop_id), delivery.customer_id)
    return messaging.unsubscribe(
        session,
        shop_id,
        email=delivery.email,
        customer_gid=gid,
        source=f"campaign {campaign_id}",
        at=asked_at,
    )
