"""A campaign under the lock of whoever changes it, and the version that each change makes."""

from sqlalchemy.orm import Session

from storecast.campaigns import marketing, repository
from storecast.campaigns.errors import CampaignLocked, CampaignUnknown, VersionConflict
from storecast.campaigns.models import Campaign
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId


def lock_draft(session: Session, shop_id: ShopId, campaign_id: str, version: int) -> Campaign:
    campaign = lock(session, shop_id, campaign_id)
    if campaign.version != version:
        raise VersionConflict(version=campaign.version)
    if campaign.state != "draft":
        raise CampaignLocked
    return campaign


def lock(session: Session, shop_id: ShopId, campaign_id: str) -> Campaign:
    campaign = repository.lock(session, shop_id, campaign_id)
    if campaign is None:
        raise CampaignUnknown
    return campaign


def touch(session: Session, campaign: Campaign) -> None:
    """Every change makes a new version, so that an editor who has the old one learns of it."""
    campaign.version += 1
    campaign.updated_at = utcnow()
    # Flushed so that what reads the row by SQL in this transaction sees the change.
    session.flush()
    marketing.announce(session, campaign)
