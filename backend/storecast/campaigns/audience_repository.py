"""Who is left of a campaign, by its ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, not_, null, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from storecast.campaigns.chosen import Chosen, ids_of
from storecast.campaigns.draws import Lot, draw, draw_by
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.split import Split
from storecast.events import selectables as events
from storecast.kit.types import ShopId
from storecast.messaging.selectables import (
    exclusion_reason,
    preference_reason,
    preferences,
    unreachable_reason,
)


@dataclass(frozen=True, slots=True)
class Readers:
    """Those who read one language of a campaign, or with ``number`` None its own."""

    split: Split
    number: int | None

    def are(self, locale: ColumnElement[str | None]) -> ColumnElement[bool]:
        """Whether somebody with this locale is one of them."""
        if not self.split.languages:
            return true()
        return self.split.language_of(locale).is_not_distinct_from(self.number)


LEFT_OUT = ("cancelled", "policy_expired", "test_undecided")
"""Why somebody got nothing who was to get it; who was excluded for any other reason still is."""


def find_origin(session: Session, shop_id: ShopId, campaign: Campaign) -> Campaign | None:
    return session.scalar(
        select(Campaign).where(Campaign.shop_id == shop_id, Campaign.id == campaign.origin_id)
    )


def left_of(shop_id: ShopId, origin: Campaign, kind: str) -> Select[Any]:
    """Customers: ``rest`` was not sent, ``failed`` was refused, ``non_openers`` got it and neither opened nor clicked.

    An open that only a machine made is none.
    """
    row = MessageDelivery
    query = select(row.customer_id).where(
        row.shop_id == shop_id, row.campaign_id == origin.id, row.frozen_at == origin.frozen_at
    )
    if kind == "rest":
        return query.where(row.state == "excluded", row.reason.in_(LEFT_OUT))
    if kind == "failed":
        return query.where(row.state == "failed")
    touches = events.message_touches(shop_id).subquery()
    touched = select(touches.c.delivery_id).where(
        and_(touches.c.campaign_id == origin.id, touches.c.delivery_id == row.id)
    )
    return query.where(row.state == "accepted", not_(touched.exists()))


def with_reasons(shop_id: ShopId, campaign: Campaign, chosen: Chosen) -> Select[*tuple[Any, ...]]:
    """Every member with the first reason that keeps the message from them; null for recipients."""
    people = chosen.members.subquery("people")
    own = preferences(shop_id).subquery("own_choice")
    reasons: list[ColumnElement[str | None]] = [
        refusal(shop_id, campaign, people.c.email, people.c.email_state, own.c),
        *(
            case((people.c.id.in_(ids_of(excluded)), literal("excluded_segment")))
            for excluded in chosen.excluded
        ),
    ]
    if chosen.holdout_percent:
        everywhere = draw_by(people.c.id, chosen.holdout_seed, 100) < chosen.holdout_percent
        reasons.append(case((everywhere, literal("holdout_everywhere"))))
    if campaign.priority != "transactional":
        here = draw(people.c.id, campaign.id, Lot.HOLDOUT, 100) < campaign.holdout_percent
        reasons.append(case((here, literal("holdout"))))
    reason = func.coalesce(*reasons, null())
    profile = (people.c[name] for name in ("id", "email", "country", "province", "locale"))
    return select(*profile, reason.label("reason")).select_from(
        people.outerjoin(own, own.c.customer_id == people.c.id)
    )


def refusal(
    shop_id: ShopId,
    campaign: Campaign,
    email: ColumnElement[str | None],
    email_state: ColumnElement[str],
    chosen: ReadOnlyColumnCollection[str, Any],
    *,
    shaped: bool = False,
) -> ColumnElement[str | None]:
    """What keeps a message of the campaign from a customer, as far as consent and their own choices say.

    ``chosen`` are the columns of `preferences`, outer-joined; ``shaped``, that the address has been looked at.

    What people chose to hear of and how often is about marketing; a message on their order or account goes by none of
    it, and stops only where no mail may go at all.
    """
    if campaign.priority == "transactional":
        return unreachable_reason(shop_id, email, email_state, shaped=shaped)
    return func.coalesce(
        exclusion_reason(shop_id, email, email_state, shaped=shaped),
        preference_reason(chosen, campaign.topic_id),
    )


def audience_counts(
    session: Session, shop_id: ShopId, campaign: Campaign, chosen: Chosen
) -> dict[str | None, int]:
    """Members by the reason that excludes them; recipients are under None."""
    reasons = with_reasons(shop_id, campaign, chosen).subquery()
    query = select(reasons.c.reason, func.count().label("people")).group_by(reasons.c.reason)
    return {row.reason: row.people for row in session.execute(query)}


def language_counts(
    session: Session, shop_id: ShopId, campaign: Campaign, chosen: Chosen, split: Split
) -> dict[int | None, int]:
    """Recipients by the number of their language's version; those of the campaign's own content are under None."""
    reasons = with_reasons(shop_id, campaign, chosen).subquery()
    number = split.language_of(reasons.c.locale)
    numbered = select(number.label("number")).where(reasons.c.reason.is_(None)).subquery("numbered")
    query = select(numbered.c.number, func.count().label("people")).group_by(numbered.c.number)
    return {row.number: row.people for row in session.execute(query)}


def counts_without(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    chosen: Chosen,
    fields: Sequence[str],
    readers: Readers,
) -> dict[str, int]:
    """How many recipients who read the version lack each of the fields of a customer."""
    if not fields:
        return {}
    people = chosen.members.subquery("profiles")
    reasons = with_reasons(shop_id, campaign, chosen).subquery()
    counts = [func.count().filter(_lacks(people, field)) for field in fields]
    query = (
        select(*counts)
        .select_from(people)
        .join(reasons, reasons.c.id == people.c.id)
        .where(reasons.c.reason.is_(None), readers.are(people.c.locale))
    )
    return dict(zip(fields, session.execute(query).one(), strict=True))


def _lacks(people: Any, field: str) -> ColumnElement[bool]:
    if field == "last_order_at":
        never: ColumnElement[bool] = people.c.last_order_at.is_(None)
        return never
    columns = ["first_name", "last_name"] if field == "name" else [field]
    return and_(true(), *(func.coalesce(people.c[column], "") == "" for column in columns))


def sample_recipient(
    session: Session, shop_id: ShopId, campaign: Campaign, chosen: Chosen, readers: Readers | None = None
) -> int | None:
    """Somebody who would get the message, and reads the version if one is named."""
    reasons = with_reasons(shop_id, campaign, chosen).subquery()
    query = select(reasons.c.id).where(reasons.c.reason.is_(None))
    if readers is not None:
        query = query.where(readers.are(reasons.c.locale))
    return session.scalar(query.limit(1))


def sample_recipients(
    session: Session, shop_id: ShopId, campaign: Campaign, chosen: Chosen
) -> dict[str, int]:
    """Of those who would get the message the latest of each kind that messages go wrong with, and a usual one."""
    people = chosen.members.subquery("profiles")
    reasons = with_reasons(shop_id, campaign, chosen).subquery()
    language = func.lower(func.substr(people.c.locale, 1, 2))
    recipients = (
        select(
            people.c.id,
            _lacks(people, "name").label("no_name"),
            (people.c.orders_count == 0).label("no_orders"),
            language.label("language"),
        )
        .join(reasons, reasons.c.id == people.c.id)
        .where(reasons.c.reason.is_(None))
        .cte("recipients")
    )
    ids = recipients.c
    usual_language = select(func.mode().within_group(ids.language)).scalar_subquery()
    newest = func.max(ids.id)
    query = select(
        newest.filter(~ids.no_name, ~ids.no_orders).label("usual"),
        newest.filter(ids.no_name).label("no_name"),
        newest.filter(ids.no_orders).label("no_orders"),
        newest.filter(ids.language != usual_language).label("other_language"),
    )
    row = session.execute(query).one()
    return {why: customer_id for why, customer_id in row._mapping.items() if customer_id is not None}
