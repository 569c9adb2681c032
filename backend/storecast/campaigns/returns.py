"""What a campaign does when its mail comes back or somebody unsubscribes."""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from storecast.campaigns import ledger_repository, repository, service
from storecast.campaigns.return_rates import too_many_returns
from storecast.customers import selectables as customer_selectables
from storecast.kit.types import ShopId
from storecast.messaging import service as messaging

log = structlog.get_logger(__name__)


def judge_returns(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    """Stop a campaign whose mail comes back, or is called spam, too often."""
    campaign = repository.find_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.state != "sending":
        return
    reason = too_many_returns(ledger_repository.return_counts(session, shop_id, campaign))
    if reason is not None:
        service.pause_by_itself(session, shop_id, campaign_id, reason)


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
