"""Whom of an audience the shop's policy, or their own choice, would keep waiting if it were sent at an instant.

The same rules as at the claim (`contact_policy.verdict`), over a whole audience in one statement.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Interval,
    Select,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from storecast.campaigns import audience_repository
from storecast.campaigns.chosen import Chosen
from storecast.campaigns.claims_repository import under_way
from storecast.campaigns.contact_policy import OWN_CAPS, Cap
from storecast.campaigns.contact_policy_repository import LONGEST_SENDING
from storecast.campaigns.draws import Lot, draw
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.pacing import Start, planned
from storecast.kit.types import ShopId
from storecast.messaging.selectables import preferences

_TURNS = 1 << 40


def anybody_chose(session: Session, shop_id: ShopId) -> bool:
    """Whether any customer wants fewer messages than there are."""
    chosen = preferences(shop_id)
    return bool(session.scalar(select(chosen.where(chosen.selected_columns.frequency != "all").exists())))


def waiting(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    chosen: Chosen,
    *,
    start: Start,
    cap: Cap | None,
    give_up_after: timedelta,
) -> dict[str, int]:
    """Recipients by the reason that they would wait for; those who would wait too long are under ``policy_expired``."""
    plan = _plan(shop_id, campaign, chosen, start)
    caps = [*OWN_CAPS.values(), *([cap] if cap else [])] if campaign.priority == "campaign" else []
    own_free_at, free_at = _never(), _never()
    source: Any = plan
    if caps:
        recent = _recent(shop_id, campaign, start.at, caps).subquery("recent")
        theirs = preferences(shop_id).subquery("theirs")
        own_days = case({name: own.days for name, own in OWN_CAPS.items()}, value=theirs.c.frequency)
        own_free_at = recent.c.got[1] + own_days * _days(1)
        if cap is not None:
            free_at = recent.c.got[cap.messages] + _days(cap.days)
        source = plan.outerjoin(recent, recent.c.customer_id == plan.c.id).outerjoin(
            theirs, theirs.c.customer_id == plan.c.id
        )
    gives_up_at = func.max(plan.c.due_at).over() + cast(literal(give_up_after), Interval)
    reason = case(
        (or_(own_free_at > gives_up_at, free_at > gives_up_at), literal("policy_expired")),
        (own_free_at > plan.c.due_at, literal("own_frequency")),
        (free_at > plan.c.due_at, literal("frequency_cap")),
        (plan.c.waits_for == "quiet_hours", literal("quiet_hours")),
        else_=null(),
    )
    reasons = select(reason.label("reason")).select_from(source).subquery("reasons")
    query = (
        select(reasons.c.reason, func.count().label("people"))
        .where(reasons.c.reason.is_not(None))
        .group_by(reasons.c.reason)
        .order_by(func.count().desc(), reasons.c.reason)
    )
    return {row.reason: row.people for row in session.execute(query)}


def _plan(shop_id: ShopId, campaign: Campaign, chosen: Chosen, start: Start) -> Any:
    people = audience_repository.with_reasons(shop_id, campaign, chosen).subquery("people_judged")
    recipients = select(people, true().label("receives")).where(people.c.reason.is_(None))
    turn = partial(draw, campaign_id=campaign.id, lot=Lot.TURN, sides=_TURNS)
    return planned(recipients, start, turn).subquery("plan")


def _recent(
    shop_id: ShopId, campaign: Campaign, at: datetime, caps: Sequence[Cap]
) -> Select[int, Sequence[datetime]]:
    """What people got before the instant from flows and campaigns, the latest first."""
    row = MessageDelivery
    got_at = func.coalesce(row.accepted_at, row.lease_until, row.frozen_at)
    since = at - timedelta(days=max(cap.days for cap in caps))
    return (
        select(row.customer_id, func.array_agg(aggregate_order_by(got_at, got_at.desc())).label("got"))
        .where(
            row.shop_id == shop_id,
            row.frozen_at > since - LONGEST_SENDING,
            row.campaign_id.in_(
                select(Campaign.id).where(
                    Campaign.shop_id == shop_id,
                    Campaign.id != campaign.id,
                    Campaign.priority != "transactional",
                )
            ),
            or_(under_way(shop_id), row.state.in_(("accepted", "unknown"))),
            got_at > since,
        )
        .group_by(row.customer_id)
    )


def _days(count: int) -> ColumnElement[timedelta]:
    return cast(literal(timedelta(days=count)), Interval)


def _never() -> ColumnElement[datetime]:
    return cast(null(), DateTime(timezone=True))
