"""A campaign's own pacing, and the start of its sending by the shop's clock and policy."""

from datetime import datetime

from sqlalchemy.orm import Session

from storecast.campaigns import contact_policy
from storecast.campaigns.models import Campaign
from storecast.campaigns.pacing import Pacing, Start
from storecast.kit.types import ShopId


def pacing_of(campaign: Campaign) -> Pacing:
    """How the campaign is spread over time."""
    return Pacing(**campaign.pacing)  # type: ignore[arg-type]  # only checked ones are stored


def start_of(session: Session, shop_id: ShopId, campaign: Campaign, at: datetime) -> Start:
    """The start of a sending at an instant."""
    policy = contact_policy.of_shop(session, shop_id)
    quiet = None if campaign.priority == "transactional" else policy.quiet
    return Start(pacing_of(campaign), at, policy.home, campaign.scheduled_at, quiet)
