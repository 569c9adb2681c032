"""Whom a campaign is for: its segment or what is left of another campaign, without whom it excludes and holds out."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, false
from sqlalchemy.orm import Session

from storecast.campaigns import audience_repository, contact_policy
from storecast.campaigns.chosen import Chosen
from storecast.campaigns.models import Campaign
from storecast.customers import selectables as customer_selectables
from storecast.kit.types import ShopId
from storecast.segments import service as segments


def choose(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> Chosen:
    """Who would be written to; nobody when the campaign has neither a segment nor an origin."""
    policy = contact_policy.of_shop(session, shop_id)
    # A message about somebody's own order is not kept from them to measure what marketing does.
    held_out = 0 if campaign.priority == "transactional" else policy.holdout_percent
    return Chosen(
        members=_members(session, shop_id, campaign),
        excluded=tuple(
            segments.members(session, shop_id, segment_id)
            for segment_id in _excluded(session, shop_id, campaign)
        ),
        holdout_percent=held_out,
        holdout_seed=policy.holdout_seed(shop_id, now),
    )


def is_chosen(campaign: Campaign) -> bool:
    """Whether anybody was named at all."""
    return campaign.segment_id is not None or campaign.origin_kind is not None


def lacks_segment(session: Session, shop_id: ShopId, campaign: Campaign) -> bool:
    """Whether a segment or campaign that the audience is made of is gone."""
    if len(_excluded(session, shop_id, campaign)) < len(campaign.excluded_segment_ids):
        return True
    return campaign.segment_id is None and campaign.origin_id is None


def _excluded(session: Session, shop_id: ShopId, campaign: Campaign) -> list[int]:
    if not campaign.excluded_segment_ids:
        return []
    there = segments.names(session, shop_id, campaign.excluded_segment_ids)
    return [segment_id for segment_id in campaign.excluded_segment_ids if segment_id in there]


def _members(session: Session, shop_id: ShopId, campaign: Campaign) -> Select[Any]:
    everybody = customer_selectables.audience(shop_id)
    if campaign.origin_kind is not None:
        origin = audience_repository.find_origin(session, shop_id, campaign)
        if origin is None:
            return everybody.where(false())
        left = audience_repository.left_of(shop_id, origin, campaign.origin_kind)
        return everybody.where(everybody.selected_columns.id.in_(left))
    if campaign.segment_id is None:
        return everybody.where(false())
    return segments.members(session, shop_id, campaign.segment_id)
