"""Figures of campaigns that a shop's alerts may watch. There is no spend: messages sent stand in for it.

Without a campaign in its scope, a figure is that of the worst one that is being sent or began within `WINDOW`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Subquery, and_, func, or_, select
from sqlalchemy.orm import Session

from storecast.campaigns import selectables as campaigns
from storecast.events import selectables as events
from storecast.fleet.alert_metrics import metric
from storecast.kit.types import ShopId

WINDOW = timedelta(days=1)

MIN_MESSAGES = 50
"""One bounce in three messages is 33 %, and says nothing."""

SENT_WITHIN = timedelta(days=7)
"""Deliveries are frozen at most so long before they are sent, as in the reports: it names the partitions to read."""


def _page(scope: Mapping[str, Any]) -> str:
    if "campaign" in scope:
        return f"/campaigns/{quote(str(scope['campaign']), safe='')}"
    return "/campaigns"


@metric(
    "campaign_bounce_percent",
    unit="percent",
    audience="shops",
    scopes=("campaign",),
    link=_page,
    suggested=("above", 3, 0),
)
def campaign_bounce_percent(
    session: Session, shop_id: ShopId | None, scope: Mapping[str, Any]
) -> float | None:
    """Share of messages that came back, of those that a server accepted or refused for their address."""
    known, sent = _campaigns(shop_id), campaigns.deliveries(_shop(shop_id)).subquery()
    refused = (sent.c.state == "failed") & (sent.c.reason == "hard_bounce")
    handed_over = func.count().filter((sent.c.state == "accepted") | refused)
    bounced = func.count().filter(
        refused | ((sent.c.state == "accepted") & _reported(shop_id, sent, "bounce"))
    )
    return _worst_share(session, known, sent, scope, bounced, handed_over)


@metric(
    "campaign_complaint_percent",
    unit="percent",
    audience="shops",
    scopes=("campaign",),
    link=_page,
    suggested=("above", 0.1, 0),
)
def campaign_complaint_percent(
    session: Session, shop_id: ShopId | None, scope: Mapping[str, Any]
) -> float | None:
    """Share of accepted messages whose recipients called them spam."""
    known, sent = _campaigns(shop_id), campaigns.deliveries(_shop(shop_id)).subquery()
    accepted = sent.c.state == "accepted"
    complained = func.count().filter(accepted & _reported(shop_id, sent, "complaint"))
    return _worst_share(session, known, sent, scope, complained, func.count().filter(accepted))


@metric(
    "campaign_stuck_min",
    unit="min",
    audience="shops",
    scopes=("campaign",),
    link=lambda scope: _page(scope) if "campaign" in scope else "/campaigns?state=sending",
    suggested=("above", 15, 0),
)
def campaign_stuck_min(session: Session, shop_id: ShopId | None, scope: Mapping[str, Any]) -> float | None:
    """For how long no message of a campaign that is being sent was accepted; 0 when none is being sent."""
    known, sent = _campaigns(shop_id), campaigns.deliveries(_shop(shop_id)).subquery()
    # In a subquery of its own for each of the few campaigns: only their partition is read.
    last_at = (
        select(func.max(sent.c.accepted_at))
        .where(sent.c.campaign_id == known.c.campaign_id, sent.c.frozen_at == known.c.frozen_at)
        .scalar_subquery()
    )
    since = func.greatest(func.coalesce(last_at, known.c.started_at), known.c.started_at)
    query = select(func.coalesce(func.max(func.extract("epoch", func.now() - since)), 0) / 60).where(
        known.c.state == "sending", _in_scope(known, scope)
    )
    return float(session.scalar(query) or 0)


@metric(
    "messages_sent_24h",
    unit="messages",
    audience="shops",
    scopes=("campaign",),
    link=_page,
    suggested=("above", 100_000, 0),
)
def messages_sent_24h(session: Session, shop_id: ShopId | None, scope: Mapping[str, Any]) -> float | None:
    """Messages that a mail server took in the last 24 hours: what sending costs is counted in them."""
    known, sent = _campaigns(shop_id), campaigns.deliveries(_shop(shop_id)).subquery()
    query = select(func.count()).where(
        sent.c.frozen_at >= func.now() - SENT_WITHIN, sent.c.accepted_at >= func.now() - timedelta(days=1)
    )
    if "campaign" in scope:
        mine = select(known.c.campaign_id).where(_in_scope(known, scope))
        query = query.where(sent.c.campaign_id.in_(mine))
    return float(session.scalar(query) or 0)


def _shop(shop_id: ShopId | None) -> ShopId:
    assert shop_id is not None  # noqa: S101  # these figures are for shops, which the registry sees to
    return shop_id


def _campaigns(shop_id: ShopId | None) -> Subquery:
    return campaigns.campaigns(_shop(shop_id)).subquery()


def _in_scope(known: Subquery, scope: Mapping[str, Any]) -> ColumnElement[bool]:
    if "campaign" in scope:
        chosen: ColumnElement[bool] = known.c.public_id == scope["campaign"]
        return chosen
    return or_(known.c.state == "sending", known.c.started_at >= func.now() - WINDOW)


def _reported(shop_id: ShopId | None, sent: Subquery, kind: str) -> ColumnElement[bool]:
    told = events.message_history(_shop(shop_id)).subquery()
    return (
        select(told.c.delivery_id)
        .where(told.c.delivery_id == sent.c.delivery_id, told.c.kind == kind)
        .exists()
    )


def _worst_share(
    session: Session,
    known: Subquery,
    sent: Subquery,
    scope: Mapping[str, Any],
    part: ColumnElement[int],
    whole: ColumnElement[int],
) -> float | None:
    """The largest percentage of any campaign with enough messages; None when there is none."""
    shares = (
        select((100.0 * part / whole).label("share"))
        .select_from(known)
        .join(sent, and_(sent.c.campaign_id == known.c.campaign_id, sent.c.frozen_at == known.c.frozen_at))
        .where(_in_scope(known, scope))
        .group_by(known.c.campaign_id)
        .having(whole >= MIN_MESSAGES)
        .subquery()
    )
    worst = session.scalar(select(func.max(shares.c.share)))
    return None if worst is None else float(worst)
