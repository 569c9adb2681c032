"""All SQL of campaigns and of their ledger."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from storecast.campaigns.models import Campaign, CampaignLink, MessageDelivery
from storecast.kit.types import ShopId
from storecast.messaging.selectables import exclusion_reason, preference_reason, returned_deliveries

ListedRow: TypeAlias = Row[*tuple[Any, ...]]


def add(session: Session, campaign: Campaign) -> None:
    session.add(campaign)
    # Flushed for the database's defaults, which the answer shows.
    session.flush()
    session.refresh(campaign)


def find(session: Session, shop_id: ShopId, public_id: str) -> Campaign | None:
    return session.scalar(
        select(Campaign).where(Campaign.shop_id == shop_id, Campaign.public_id == public_id)
    )


def find_by_id(session: Session, shop_id: ShopId, campaign_id: int) -> Campaign | None:
    return session.scalar(select(Campaign).where(Campaign.shop_id == shop_id, Campaign.id == campaign_id))


def ids_by_public_id(session: Session, shop_id: ShopId, public_ids: Collection[str]) -> dict[str, int]:
    found = session.execute(
        select(Campaign.public_id, Campaign.id).where(
            Campaign.shop_id == shop_id, Campaign.public_id.in_(list(public_ids))
        )
    )
    return {row.public_id: row.id for row in found}


def list_names(
    session: Session, shop_id: ShopId, search: str, public_ids: Sequence[str], limit: int
) -> dict[str, str]:
    """Names by public id: of these, or without them of those whose name has the words, the newest first."""
    query = select(Campaign.public_id, Campaign.name).where(Campaign.shop_id == shop_id)
    if public_ids:
        query = query.where(Campaign.public_id.in_(public_ids))
    elif search:
        query = query.where(func.strpos(func.lower(Campaign.name), search.lower()) > 0)
    found = session.execute(query.order_by(Campaign.id.desc()).limit(limit))
    return {row.public_id: row.name for row in found}


def lock(session: Session, shop_id: ShopId, public_id: str) -> Campaign | None:
    return session.scalar(
        select(Campaign)
        .where(Campaign.shop_id == shop_id, Campaign.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_by_id(session: Session, shop_id: ShopId, campaign_id: int) -> Campaign | None:
    return session.scalar(
        select(Campaign)
        .where(Campaign.shop_id == shop_id, Campaign.id == campaign_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_under_way(session: Session, shop_id: ShopId) -> Sequence[Campaign]:
    """The campaigns that send or will by themselves, in the order of their ids."""
    return session.scalars(
        select(Campaign)
        .where(Campaign.shop_id == shop_id, Campaign.state.in_(("sending", "scheduled")))
        .order_by(Campaign.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def remove(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    session.execute(delete(Campaign).where(Campaign.shop_id == shop_id, Campaign.id == campaign_id))


def list_newest(
    session: Session, shop_id: ShopId, states: Sequence[str], after: tuple[datetime, int] | None, limit: int
) -> Sequence[ListedRow]:
    """What lists show; a page of whole rows would carry fifty messages."""
    query = _NEWEST
    if states:
        query = query.where(Campaign.state.in_(states))
    if after is not None:
        query = query.where(tuple_(Campaign.created_at, Campaign.id) < after)
    return session.execute(query, {"shop": shop_id, "most": limit}).all()


_NEWEST = (
    select(
        Campaign.id,
        Campaign.public_id,
        Campaign.segment_id,
        Campaign.name,
        Campaign.state,
        Campaign.subject,
        Campaign.created_at,
        Campaign.scheduled_at,
        Campaign.started_at,
        Campaign.finished_at,
        Campaign.frozen_at,
        Campaign.audience_size,
    )
    .where(Campaign.shop_id == bindparam("shop"))
    .order_by(Campaign.created_at.desc(), Campaign.id.desc())
    .limit(bindparam("most"))
)


# The audience.


def _reasons(
    shop_id: ShopId, campaign: Campaign, members: Select[Any]
) -> Select[int, str | None, str | None]:
    """Every member with the first reason that keeps the message from them; null for recipients."""
    people = members.subquery("people")
    # Hold-outs are drawn by hash: the same people at every count and at the freeze, others in the next campaign.
    draw = func.abs(func.hashint8extended(people.c.id, campaign.id) % 100)
    held_out = case((draw < campaign.holdout_percent, literal("holdout")))
    reason = func.coalesce(
        exclusion_reason(shop_id, people.c.email, people.c.email_state),
        preference_reason(shop_id, people.c.id, campaign.topic_id),
        held_out,
    )
    return select(people.c.id, people.c.email, reason.label("reason"))


def audience_counts(
    session: Session, shop_id: ShopId, campaign: Campaign, members: Select[Any]
) -> dict[str | None, int]:
    """Members by the reason that excludes them; recipients are under None."""
    reasons = _reasons(shop_id, campaign, members).subquery()
    query = select(reasons.c.reason, func.count().label("people")).group_by(reasons.c.reason)
    return {row.reason: row.people for row in session.execute(query)}


def freeze(session: Session, shop_id: ShopId, campaign: Campaign, members: Select[Any], now: datetime) -> int:
    """Write the whole audience in one statement; returns how many rows."""
    reasons = _reasons(shop_id, campaign, members).subquery()
    rows = select(
        literal(shop_id),
        literal(campaign.id),
        reasons.c.id,
        literal(now),
        reasons.c.email,
        case((reasons.c.reason.is_(None), literal("pending")), else_=literal("excluded")),
        reasons.c.reason,
    ).order_by(reasons.c.id)
    target = ["shop_id", "campaign_id", "customer_id", "frozen_at", "email", "state", "reason"]
    statement = insert(MessageDelivery).from_select(target, rows)
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return int(result.rowcount)  # type: ignore[attr-defined]  # an INSERT has a row count


def counts_without(
    session: Session, shop_id: ShopId, campaign: Campaign, members: Select[Any], fields: Sequence[str]
) -> dict[str, int]:
    """How many recipients lack each of the fields of a customer."""
    if not fields:
        return {}
    people = members.subquery("profiles")
    reasons = _reasons(shop_id, campaign, members).subquery()
    counts = [func.count().filter(_lacks(people, field)) for field in fields]
    query = (
        select(*counts)
        .select_from(people)
        .join(reasons, reasons.c.id == people.c.id)
        .where(reasons.c.reason.is_(None))
    )
    return dict(zip(fields, session.execute(query).one(), strict=True))


def _lacks(people: Any, field: str) -> ColumnElement[bool]:
    if field == "last_order_at":
        never: ColumnElement[bool] = people.c.last_order_at.is_(None)
        return never
    columns = ["first_name", "last_name"] if field == "name" else [field]
    return and_(true(), *(func.coalesce(people.c[column], "") == "" for column in columns))


def sample_recipient(
    session: Session, shop_id: ShopId, campaign: Campaign, members: Select[Any]
) -> int | None:
    """Somebody who would get the message."""
    reasons = _reasons(shop_id, campaign, members).subquery()
    return session.scalar(select(reasons.c.id).where(reasons.c.reason.is_(None)).limit(1))


def sample_recipients(
    session: Session, shop_id: ShopId, campaign: Campaign, members: Select[Any]
) -> dict[str, int]:
    """Of those who would get the message the latest of each kind that messages go wrong with, and a usual one."""
    people = members.subquery("profiles")
    reasons = _reasons(shop_id, campaign, members).subquery()
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


def sample_written_to(session: Session, shop_id: ShopId, campaign: Campaign) -> int | None:
    """Somebody who got the message, or somebody of the audience when nobody has yet."""
    return session.scalar(
        select(MessageDelivery.customer_id)
        .where(_rows_of(shop_id, campaign), MessageDelivery.state != "excluded")
        .order_by(MessageDelivery.id)
        .limit(1)
    )


# Links.


def store_links(
    session: Session, shop_id: ShopId, campaign_id: int, urls: Sequence[str], personal: Collection[int]
) -> None:
    session.execute(delete(CampaignLink).where(CampaignLink.campaign_id == campaign_id))
    if urls:
        rows = [
            {
                "shop_id": shop_id,
                "campaign_id": campaign_id,
                "number": number,
                "url": url,
                "personal": number in personal,
            }
            for number, url in enumerate(urls, 1)
        ]
        session.execute(insert(CampaignLink), rows)


def list_links(session: Session, shop_id: ShopId, campaign_id: int) -> Sequence[Row[int, str, bool]]:
    query = (
        select(CampaignLink.number, CampaignLink.url, CampaignLink.personal)
        .where(CampaignLink.shop_id == shop_id, CampaignLink.campaign_id == campaign_id)
        .order_by(CampaignLink.number)
    )
    return session.execute(query).all()


# The ledger.


class Outcome(NamedTuple):
    """What to write into one claimed row."""

    delivery_id: int
    state: str
    reason: str | None
    retry_at: datetime | None
    code: int | None
    reply: str | None
    message_id: str | None
    counts_as_attempt: bool


def _rows_of(shop_id: ShopId, campaign: Campaign) -> ColumnElement[bool]:
    return and_(
        MessageDelivery.shop_id == shop_id,
        MessageDelivery.campaign_id == campaign.id,
        MessageDelivery.frozen_at == campaign.frozen_at,
    )


def _is_ready(now: datetime) -> ColumnElement[bool]:
    due = or_(MessageDelivery.lease_until.is_(None), MessageDelivery.lease_until <= now)
    return and_(MessageDelivery.state == "pending", due)


def claim(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    people: Select[Any],
    *,
    claimed_by: UUID,
    limit: int,
    now: datetime,
    lease_until: datetime,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Take the next ready rows, which no other worker then gets, with what a message needs of each customer.

    Consent is looked at again: ``reason`` is set for who may no longer be written to, ``present`` is null for a
    customer who is gone.
    """
    picked = (
        select(MessageDelivery.id)
        .where(_rows_of(shop_id, campaign), _is_ready(now))
        .order_by(MessageDelivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    claimed = (
        update(MessageDelivery)
        .where(_rows_of(shop_id, campaign), MessageDelivery.id == picked.c.id)
        .values(
            state="claimed",
            attempts=MessageDelivery.attempts + 1,
            lease_until=lease_until,
            claimed_by=claimed_by,
        )
        .returning(
            MessageDelivery.id,
            MessageDelivery.customer_id,
            MessageDelivery.email,
            MessageDelivery.attempts,
        )
        .cte("claimed")
    )
    person = people.subquery("person")
    query = (
        select(
            claimed.c.id,
            claimed.c.customer_id,
            claimed.c.email,
            claimed.c.attempts,
            person.c.first_name,
            person.c.last_name,
            person.c.city,
            person.c.country,
            person.c.open_tracking,
            person.c.orders_count,
            person.c.total_spent_minor,
            person.c.last_order_at,
            person.c.id.label("present"),
            func.coalesce(
                exclusion_reason(shop_id, claimed.c.email, person.c.email_state),
                preference_reason(shop_id, claimed.c.customer_id, campaign.topic_id),
            ).label("reason"),
        )
        .select_from(claimed.outerjoin(person, person.c.id == claimed.c.customer_id))
        .order_by(claimed.c.id)
    )
    return session.execute(query).all()


_RECORD = text("""
UPDATE message_deliveries AS d
   SET state = o.state, reason = o.reason, lease_until = o.retry_at, smtp_code = o.code, smtp_reply = o.reply,
       message_id = coalesce(o.message_id, d.message_id),
       accepted_at = CASE WHEN o.state = 'accepted' THEN CAST(:now AS timestamptz) END,
       attempts = d.attempts - CASE WHEN o.counts THEN 0 ELSE 1 END
  FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
              CAST(:retries AS timestamptz[]), CAST(:codes AS smallint[]), CAST(:replies AS text[]),
              CAST(:message_ids AS text[]), CAST(:counts AS boolean[]))
       AS o (id, state, reason, retry_at, code, reply, message_id, counts)
 WHERE d.shop_id = :shop_id AND d.campaign_id = :campaign_id AND d.frozen_at = :frozen_at AND d.id = o.id
   AND d.claimed_by = :claimed_by AND d.state IN ('claimed', 'unknown')
""")


def record(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    outcomes: Sequence[Outcome],
    *,
    claimed_by: UUID,
    now: datetime,
) -> int:
    """Write the outcomes of rows that this worker claimed; returns how many it still held.

    A row that had become unknown meanwhile takes the outcome as well: the worker was slow, not dead.
    """
    if not outcomes:
        return 0
    result = session.execute(
        _RECORD,
        {
            "shop_id": shop_id,
            "campaign_id": campaign.id,
            "frozen_at": campaign.frozen_at,
            "claimed_by": claimed_by,
            "now": now,
            "ids": [outcome.delivery_id for outcome in outcomes],
            "states": [outcome.state for outcome in outcomes],
            "reasons": [outcome.reason for outcome in outcomes],
            "retries": [outcome.retry_at for outcome in outcomes],
            "codes": [outcome.code for outcome in outcomes],
            "replies": [outcome.reply for outcome in outcomes],
            "message_ids": [outcome.message_id for outcome in outcomes],
            "counts": [outcome.counts_as_attempt for outcome in outcomes],
        },
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a row count


def settle_lost(
    session: Session, shop_id: ShopId, campaign: Campaign, *, now: datetime, claimed_by: UUID | None = None
) -> int:
    """Make claims unknown whose lease ran out, or, given a job that is on its next attempt, all that it held."""
    whose = (
        MessageDelivery.lease_until <= now if claimed_by is None else MessageDelivery.claimed_by == claimed_by
    )
    result = session.execute(
        update(MessageDelivery)
        .where(_rows_of(shop_id, campaign), MessageDelivery.state == "claimed", whose)
        .values(state="unknown", reason="worker_lost")
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a row count


def drop_pending(session: Session, shop_id: ShopId, campaign: Campaign, reason: str) -> int:
    result = session.execute(
        update(MessageDelivery)
        .where(_rows_of(shop_id, campaign), MessageDelivery.state == "pending")
        .values(state="excluded", reason=reason, lease_until=None)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a row count


def count_ready(session: Session, shop_id: ShopId, campaign: Campaign, *, now: datetime, limit: int) -> int:
    """How many rows could be claimed now; stops counting at the limit."""
    some = select(literal(1)).where(_rows_of(shop_id, campaign), _is_ready(now)).limit(limit).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def next_due_at(session: Session, shop_id: ShopId, campaign: Campaign) -> datetime | None:
    """When the next row is ready or the next lease ends; None when every row is final."""
    return session.scalar(
        select(func.min(func.coalesce(MessageDelivery.lease_until, func.now()))).where(
            _rows_of(shop_id, campaign), MessageDelivery.state.in_(("pending", "claimed"))
        )
    )


def senders_at_work(session: Session, shop_id: ShopId, campaign: Campaign, *, now: datetime) -> int:
    """How many jobs hold claims."""
    query = select(func.count(MessageDelivery.claimed_by.distinct())).where(
        _rows_of(shop_id, campaign), MessageDelivery.state == "claimed", MessageDelivery.lease_until > now
    )
    return session.scalar(query) or 0


# Reports.


def counts(session: Session, shop_id: ShopId, campaign: Campaign) -> Sequence[Row[str, str | None, int]]:
    """How many rows are in each state for each reason: state, reason, people; the most frequent first."""
    people = func.count()
    query = (
        select(MessageDelivery.state, MessageDelivery.reason, people.label("people"))
        .where(_rows_of(shop_id, campaign))
        .group_by(MessageDelivery.state, MessageDelivery.reason)
        .order_by(people.desc(), MessageDelivery.reason)
    )
    return session.execute(query).all()


def accepted_counts(session: Session, shop_id: ShopId, campaign_ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(MessageDelivery.campaign_id, func.count().label("people"))
        .where(
            MessageDelivery.shop_id == shop_id,
            MessageDelivery.campaign_id.in_(campaign_ids),
            MessageDelivery.state == "accepted",
        )
        .group_by(MessageDelivery.campaign_id)
    )
    return {row.campaign_id: row.people for row in session.execute(query)}


def list_recipients(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    state: str | None,
    customer_ids: Collection[int] | None,
    after_id: int,
    limit: int,
) -> Sequence[MessageDelivery]:
    """In the order of sending; of these customers only, when they are named."""
    query = select(MessageDelivery).where(_rows_of(shop_id, campaign), MessageDelivery.id > after_id)
    if state is not None:
        query = query.where(MessageDelivery.state == state)
    if customer_ids is not None:
        query = query.where(MessageDelivery.customer_id.in_(customer_ids))
    return session.scalars(query.order_by(MessageDelivery.id).limit(limit)).all()


def find_customers_written_to(
    session: Session, shop_id: ShopId, campaign: Campaign, email: str, limit: int
) -> list[int]:
    """The customers whose message went to this address, which may not be theirs any more. Reads the whole audience."""
    query = (
        select(MessageDelivery.customer_id)
        .where(_rows_of(shop_id, campaign), func.lower(MessageDelivery.email) == email.lower())
        .limit(limit)
    )
    return list(session.scalars(query))


def find_recipient(
    session: Session, shop_id: ShopId, campaign: Campaign, customer_id: int
) -> MessageDelivery | None:
    return session.scalar(
        select(MessageDelivery).where(_rows_of(shop_id, campaign), MessageDelivery.customer_id == customer_id)
    )


def list_accepted(
    session: Session, shop_id: ShopId, campaign: Campaign, after_id: int, limit: int
) -> Sequence[Row[int, int, datetime | None]]:
    query = (
        select(MessageDelivery.id, MessageDelivery.customer_id, MessageDelivery.accepted_at)
        .where(
            _rows_of(shop_id, campaign), MessageDelivery.state == "accepted", MessageDelivery.id > after_id
        )
        .order_by(MessageDelivery.id)
        .limit(limit)
    )
    return session.execute(query).all()


def find_deliveries(
    session: Session, shop_id: ShopId, refs: Iterable[tuple[int, int]]
) -> Sequence[Row[int, int, int, datetime | None, str | None]]:
    """(campaign, delivery, customer, accepted_at, email) of the deliveries that exist."""
    wanted = list(refs)
    frozen = select(Campaign.id, Campaign.frozen_at).where(
        Campaign.shop_id == shop_id, Campaign.id.in_({campaign_id for campaign_id, _ in wanted})
    )
    instants = {row.id: row.frozen_at for row in session.execute(frozen)}
    # Naming the instants lets PostgreSQL leave out every other month.
    query = select(
        MessageDelivery.campaign_id,
        MessageDelivery.id,
        MessageDelivery.customer_id,
        MessageDelivery.accepted_at,
        MessageDelivery.email,
    ).where(
        MessageDelivery.shop_id == shop_id,
        MessageDelivery.frozen_at.in_({instant for instant in instants.values() if instant is not None}),
        tuple_(MessageDelivery.campaign_id, MessageDelivery.id).in_(wanted),
    )
    return session.execute(query).all() if instants else []


def last_arrivals(
    session: Session, shop_id: ShopId, customer_ids: Collection[int], *, since: datetime, until: datetime
) -> dict[int, datetime]:
    """When a server last took a message for each customer that did not come back, between two instants."""
    returned = returned_deliveries(shop_id).subquery("returned")
    query = (
        select(MessageDelivery.customer_id, func.max(MessageDelivery.accepted_at))
        .where(
            MessageDelivery.shop_id == shop_id,
            MessageDelivery.customer_id.in_(customer_ids),
            MessageDelivery.frozen_at >= since,
            MessageDelivery.state == "accepted",
            MessageDelivery.accepted_at <= until,
            ~select(returned.c.delivery_id).where(returned.c.delivery_id == MessageDelivery.id).exists(),
        )
        .group_by(MessageDelivery.customer_id)
    )
    return {customer_id: at for customer_id, at in session.execute(query) if at is not None}


def return_counts(session: Session, shop_id: ShopId, campaign: Campaign) -> tuple[int, int, int]:
    """How many messages of a campaign were accepted, came back for good, and were complained about."""
    returned = returned_deliveries(shop_id).subquery("returned")
    accepted = accepted_counts(session, shop_id, [campaign.id]).get(campaign.id, 0)
    row = session.execute(
        select(
            func.count(returned.c.delivery_id.distinct()).filter(returned.c.verdict == "hard"),
            func.count(returned.c.delivery_id.distinct()).filter(returned.c.verdict == "complaint"),
        ).where(returned.c.campaign_id == campaign.id)
    ).one()
    return accepted, int(row[0]), int(row[1])


def find_delivery(
    session: Session, shop_id: ShopId, campaign: Campaign, delivery_id: int
) -> MessageDelivery | None:
    return session.scalar(
        select(MessageDelivery).where(_rows_of(shop_id, campaign), MessageDelivery.id == delivery_id)
    )


def find_gid(session: Session, people: Select[Any], customer_id: int) -> str | None:
    """Shopify's id of a customer who is still there."""
    person = people.subquery("person")
    return session.scalar(select(person.c.gid).where(person.c.id == customer_id))
