"""SQL of what Shopify was told of campaigns."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.campaigns.models import Campaign, MarketingActivity, MarketingReport
from storecast.kit.types import ShopId


def find_campaign(session: Session, shop_id: ShopId, public_id: str) -> Campaign | None:
    return session.scalar(
        select(Campaign)
        .where(Campaign.shop_id == shop_id, Campaign.public_id == public_id)
        .execution_options(populate_existing=True)
    )


def public_ids(session: Session, shop_id: ShopId, campaign_ids: Collection[int]) -> dict[int, str]:
    query = select(Campaign.id, Campaign.public_id).where(
        Campaign.shop_id == shop_id, Campaign.id.in_(campaign_ids)
    )
    return {row.id: row.public_id for row in session.execute(query)}


def is_known(session: Session, shop_id: ShopId, remote_id: str) -> bool:
    return find_activity(session, shop_id, remote_id) is not None


def find_activity(session: Session, shop_id: ShopId, remote_id: str) -> MarketingActivity | None:
    return session.scalar(
        select(MarketingActivity).where(
            MarketingActivity.shop_id == shop_id, MarketingActivity.remote_id == remote_id
        )
    )


def lock_activity(session: Session, shop_id: ShopId, remote_id: str) -> MarketingActivity | None:
    return session.scalar(
        select(MarketingActivity)
        .where(MarketingActivity.shop_id == shop_id, MarketingActivity.remote_id == remote_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def claim_activity(session: Session, shop_id: ShopId, remote_id: str, title: str) -> None:
    """Note that Shopify may know it from now on, and that what it knows is not certain."""
    values = {"title": title, "digest": ""}
    session.execute(
        insert(MarketingActivity)
        .values(shop_id=shop_id, remote_id=remote_id, **values)
        .on_conflict_do_update(index_elements=["remote_id"], set_=values)
    )


def record_activity(
    session: Session, shop_id: ShopId, remote_id: str, digest: str, error: str | None, at: datetime
) -> None:
    session.execute(
        update(MarketingActivity)
        .where(MarketingActivity.shop_id == shop_id, MarketingActivity.remote_id == remote_id)
        .values(digest=digest, error=error, reported_at=at)
    )


def doubt_activity(session: Session, shop_id: ShopId, remote_id: str) -> None:
    """Have it told again when next there is a reason to look."""
    session.execute(
        update(MarketingActivity)
        .where(MarketingActivity.shop_id == shop_id, MarketingActivity.remote_id == remote_id)
        .values(digest="")
    )


def forget_activity(session: Session, shop_id: ShopId, remote_id: str) -> None:
    session.execute(
        delete(MarketingActivity).where(
            MarketingActivity.shop_id == shop_id, MarketingActivity.remote_id == remote_id
        )
    )


def told_days(session: Session, shop_id: ShopId, first: date) -> dict[tuple[int, date], str]:
    """The digests of what was told of the days from the first on, by campaign and day."""
    query = select(MarketingReport.campaign_id, MarketingReport.day, MarketingReport.digest).where(
        MarketingReport.shop_id == shop_id, MarketingReport.day >= first
    )
    return {(row.campaign_id, row.day): row.digest for row in session.execute(query)}


def record_day(
    session: Session,
    shop_id: ShopId,
    campaign_id: int,
    day: date,
    digest: str,
    error: str | None,
    at: datetime,
) -> None:
    values = {"digest": digest, "error": error, "reported_at": at}
    session.execute(
        insert(MarketingReport)
        .values(shop_id=shop_id, campaign_id=campaign_id, day=day, **values)
        .on_conflict_do_update(index_elements=["campaign_id", "day"], set_=values)
    )
