"""All SQL of the ledger: who is to get a campaign, and what became of each message."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from storecast.campaigns import audience_repository, claims_repository, repository
from storecast.campaigns.audience_repository import refusal
from storecast.campaigns.chosen import Chosen
from storecast.campaigns.draws import Lot, draw
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.pacing import HELD_UNTIL, Start, planned
from storecast.campaigns.return_rates import Returned
from storecast.campaigns.split import Split
from storecast.kit.types import ShopId
from storecast.messaging.selectables import preferences, returned_deliveries

Accepted = dict[str, object]
"""``d`` a row, ``c`` the server's code, ``r`` its reply, ``m`` the Message-ID; as the statement reads them."""


def freeze(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    chosen: Chosen,
    *,
    start: Start,
    split: Split,
    now: datetime,
) -> int:
    """Write the whole audience in one statement, each row with its version and its instant; returns how many rows."""
    rows = _lots(
        campaign, audience_repository.with_reasons(shop_id, campaign, chosen), start, split
    ).subquery("rows")
    receives, undecided = rows.c.reason.is_(None), rows.c.variant.is_(None)
    delay, delayed = split.delay_of(rows.c.variant)
    due_at = case((undecided, literal(HELD_UNTIL)), else_=rows.c.due_at + delay)
    waits_for = case(
        (undecided, literal("test")),
        else_=func.coalesce(rows.c.waits_for, case((delayed, literal("send_time")))),
    )
    values = select(
        literal(shop_id),
        literal(campaign.id),
        rows.c.id,
        literal(now),
        rows.c.email,
        case((receives, literal("pending")), else_=literal("excluded")),
        func.coalesce(rows.c.reason, waits_for),
        case((receives, rows.c.variant), else_=literal(0)),
        case((receives, due_at)),
    ).order_by(rows.c.id)
    target = [
        "shop_id",
        "campaign_id",
        "customer_id",
        "frozen_at",
        "email",
        "state",
        "reason",
        "variant",
        "lease_until",
    ]
    statement = insert(MessageDelivery).from_select(target, values)
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return int(result.rowcount)  # type: ignore[attr-defined]  # an INSERT has a row count


def _lots(campaign: Campaign, reasons: Select[Any], start: Start, split: Split) -> Select[Any]:
    """The audience with ``variant``, ``due_at`` and ``waits_for``."""
    people = reasons.subquery("reasons")
    audience = select(
        people,
        people.c.reason.is_(None).label("receives"),
        split.version_of(people.c.id, campaign.id, people.c.locale).label("variant"),
    )
    return planned(
        audience, start, partial(draw, campaign_id=campaign.id, lot=Lot.TURN, sides=repository._TURNS)
    )


def release(
    session: Session, shop_id: ShopId, campaign: Campaign, people: Select[Any], *, start: Start, variant: int
) -> int:
    """Give everybody who waits for the end of a test this version, and an instant; returns how many."""
    person = people.subquery("person")
    held = (
        select(
            MessageDelivery.id.label("delivery_id"),
            MessageDelivery.customer_id.label("id"),
            person.c.country,
            person.c.province,
            true().label("receives"),
        )
        .outerjoin(person, person.c.id == MessageDelivery.customer_id)
        .where(
            _rows_of(shop_id, campaign), MessageDelivery.state == "pending", MessageDelivery.variant.is_(None)
        )
    )
    plan = planned(
        held, start, partial(draw, campaign_id=campaign.id, lot=Lot.TURN, sides=repository._TURNS)
    ).subquery("plan")
    result = session.execute(
        update(MessageDelivery)
        .where(_rows_of(shop_id, campaign), MessageDelivery.id == plan.c.delivery_id)
        .values(variant=variant, lease_until=plan.c.due_at, reason=plan.c.waits_for)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a row count


def last_due_at(session: Session, shop_id: ShopId, campaign: Campaign) -> datetime | None:
    """When the last row is due that waits for a time."""
    return session.scalar(
        select(func.max(MessageDelivery.lease_until)).where(
            _rows_of(shop_id, campaign),
            MessageDelivery.state == "pending",
            MessageDelivery.lease_until < HELD_UNTIL,
        )
    )


def count_held(session: Session, shop_id: ShopId, campaign: Campaign) -> int:
    """How many wait for the end of the test."""
    query = select(func.count()).where(
        _rows_of(shop_id, campaign), MessageDelivery.state == "pending", MessageDelivery.variant.is_(None)
    )
    return session.scalar(query) or 0


def sample_written_to(
    session: Session, shop_id: ShopId, campaign: Campaign, variant: int | None
) -> int | None:
    """Somebody who got the message, or is to get it; in this version, if one is named."""
    query = select(MessageDelivery.customer_id).where(
        _rows_of(shop_id, campaign), MessageDelivery.state != "excluded"
    )
    if variant is not None:
        query = query.where(MessageDelivery.variant == variant)
    return session.scalar(query.order_by(MessageDelivery.id).limit(1))


class Claimed(NamedTuple):
    """What `claim` says of each row: what a message needs of the customer, and whether they may have one."""

    id: int
    customer_id: int
    email: str
    first_name: str | None
    last_name: str | None
    city: str | None
    country: str | None
    open_tracking: bool
    orders_count: int
    total_spent_minor: int
    last_order_at: datetime | None
    attempts: int
    variant: int
    province: str | None
    frequency: str | None
    reason: str | None


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


def _is_ready(
    shop_id: ShopId, campaign: Campaign, now: datetime | BindParameter[datetime]
) -> ColumnElement[bool]:
    return and_(MessageDelivery.lease_until <= now, _is_free(shop_id, campaign))


def _is_free(shop_id: ShopId, campaign: Campaign) -> ColumnElement[bool]:
    """Pending, and nobody is handing it over."""
    claimed = claims_repository.claimed_ids(shop_id, campaign.id)
    return and_(MessageDelivery.state == "pending", MessageDelivery.id.not_in(claimed))


def claiming(shop_id: ShopId, campaign: Campaign, people: Select[Any]) -> Select[Any]:
    """The statement of `claim` for one campaign, to be made once: it takes longer to make than to send."""
    ready = (
        select(
            MessageDelivery.id,
            MessageDelivery.customer_id,
            MessageDelivery.email,
            (MessageDelivery.attempts + 1).label("attempts"),
            MessageDelivery.variant,
        )
        .where(_rows_of(shop_id, campaign), _is_ready(shop_id, campaign, bindparam("now")))
        # As the index has them: rows that wait for another day are not looked at.
        .order_by(MessageDelivery.lease_until, MessageDelivery.id)
        .limit(bindparam("at_most"))
        .cte("ready")
        .prefix_with("MATERIALIZED")
    )
    # One by one, by their keys: for a thousand rows the planner would rather read all customers of the shop.
    person = people.where(people.selected_columns.id == ready.c.customer_id).limit(1).lateral("person")
    chosen = preferences(shop_id).subquery("chosen")
    return (
        select(
            ready.c.id,
            ready.c.customer_id,
            ready.c.email,
            person.c.first_name,
            person.c.last_name,
            person.c.city,
            person.c.country,
            person.c.open_tracking,
            person.c.orders_count,
            person.c.total_spent_minor,
            person.c.last_order_at,
            ready.c.attempts,
            ready.c.variant,
            person.c.province,
            chosen.c.frequency,
            case(
                (person.c.id.is_(None), literal("customer_deleted")),
                else_=refusal(shop_id, campaign, ready.c.email, person.c.email_state, chosen.c, shaped=True),
            ),
        )
        .select_from(
            ready.outerjoin(person, true()).outerjoin(chosen, chosen.c.customer_id == ready.c.customer_id)
        )
        .order_by(ready.c.id)
    )


def claim(
    session: Session, campaign: Campaign, statement: Select[Any], *, limit: int, now: datetime
) -> list[Claimed]:
    """The next ready rows of a campaign (`claiming`), for whoever says in the same transaction that they `hold` them.

    Consent is looked at again: ``reason`` is set for who may no longer be written to, or is gone.
    """
    claims_repository.lock(session, campaign.id)
    return list(map(Claimed._make, session.execute(statement, {"at_most": limit, "now": now})))


def record(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    accepted: Sequence[Accepted],
    others: Sequence[Outcome],
    *,
    claim_id: UUID,
    claimed_by: UUID,
    now: datetime,
) -> int:
    """End a claim and write what became of its rows; returns how many were still this worker's.

    A row that had become unknown meanwhile takes the outcome as well: the worker was slow, not dead.
    """
    held = claims_repository.end(session, shop_id, claim_id)
    given = {**_known(shop_id, campaign, now), "held": held, "claimed_by": claimed_by}
    written = 0
    if accepted:
        # One text: the driver takes ten times as long over arrays.
        texts = {"accepted": orjson.dumps(accepted).decode()}
        result = session.execute(repository._RECORD_ACCEPTED, given | texts)
        written += result.rowcount  # type: ignore[attr-defined]  # an UPDATE has a row count
    if others:
        result = session.execute(repository._RECORD, given | {"outcomes": _as_json(others)})
        written += result.rowcount  # type: ignore[attr-defined]  # as above
    return written


def put_off(
    session: Session, shop_id: ShopId, campaign: Campaign, outcomes: Sequence[Outcome], *, now: datetime
) -> None:
    """Give rows that `claim` found another instant, or an end, before anybody holds them."""
    given = {**_known(shop_id, campaign, now), "held": True, "claimed_by": None}
    session.execute(repository._RECORD, given | {"outcomes": _as_json(outcomes)})


def _known(shop_id: ShopId, campaign: Campaign, now: datetime) -> dict[str, object]:
    return {"shop_id": shop_id, "campaign_id": campaign.id, "frozen_at": campaign.frozen_at, "now": now}


def _as_json(outcomes: Sequence[Outcome]) -> str:
    return orjson.dumps([outcome._asdict() for outcome in outcomes]).decode()


def settle_lost(session: Session, shop_id: ShopId, campaign: Campaign, *, now: datetime) -> int:
    """Make the rows of claims unknown whose lease ran out; returns how many."""
    lost = claims_repository.take_expired(session, shop_id, campaign.id, now)
    return _make_unknown(session, shop_id, campaign, lost, now)


def settle_claims_of(
    session: Session, shop_id: ShopId, campaign: Campaign, claimed_by: Collection[UUID], *, now: datetime
) -> int:
    """The same of jobs that are known to be gone, or on their next attempt."""
    lost = claims_repository.take_of(session, shop_id, campaign.id, claimed_by)
    return _make_unknown(session, shop_id, campaign, lost, now)


def _make_unknown(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    lost: Sequence[claims_repository.Lost],
    now: datetime,
) -> int:
    rows = 0
    for claim in lost:
        result = session.execute(
            update(MessageDelivery)
            .where(
                _rows_of(shop_id, campaign),
                MessageDelivery.state == "pending",
                MessageDelivery.id.in_(claim.delivery_ids),
            )
            .values(
                state="unknown",
                reason="worker_lost",
                attempts=MessageDelivery.attempts + 1,
                claimed_by=claim.claimed_by,
                lease_until=now,
            )
        )
        rows += result.rowcount  # type: ignore[attr-defined]  # an UPDATE has a row count
    return rows


def drop_pending(session: Session, shop_id: ShopId, campaign: Campaign, reason: str) -> int:
    """Exclude everybody who waits. What is being handed over is not touched."""
    claims_repository.lock(session, campaign.id)
    result = session.execute(
        update(MessageDelivery)
        .where(_rows_of(shop_id, campaign), _is_free(shop_id, campaign))
        .values(state="excluded", reason=reason, lease_until=None)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a row count


def drop_held(session: Session, shop_id: ShopId, campaign: Campaign, reason: str) -> None:
    """Give up those who wait for the end of a test."""
    session.execute(
        update(MessageDelivery)
        .where(
            _rows_of(shop_id, campaign), MessageDelivery.state == "pending", MessageDelivery.variant.is_(None)
        )
        .values(state="excluded", reason=reason, variant=0, lease_until=None)
    )


def count_ready(session: Session, shop_id: ShopId, campaign: Campaign, *, now: datetime, limit: int) -> int:
    """How many rows could be claimed now; stops counting at the limit."""
    some = (
        select(literal(1))
        .where(_rows_of(shop_id, campaign), _is_ready(shop_id, campaign, now))
        .limit(limit)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0


def next_due_at(session: Session, shop_id: ShopId, campaign: Campaign) -> datetime | None:
    """When the next row is ready or the next lease ends; None when every row is final."""
    waiting = select(func.min(MessageDelivery.lease_until)).where(
        _rows_of(shop_id, campaign), _is_free(shop_id, campaign)
    )
    earliest = [session.scalar(waiting), claims_repository.next_lease_end(session, shop_id, campaign.id)]
    return min((instant for instant in earliest if instant is not None), default=None)


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


def counts_waiting(
    session: Session, shop_id: ShopId, campaign: Campaign
) -> list[tuple[str, int, datetime | None]]:
    """Messages that are put off, by reason, with the first instant that is known."""
    first_at = func.min(MessageDelivery.lease_until).filter(MessageDelivery.lease_until < HELD_UNTIL)
    query = (
        select(MessageDelivery.reason, func.count().label("people"), first_at.label("first_at"))
        .where(
            _rows_of(shop_id, campaign),
            MessageDelivery.state == "pending",
            MessageDelivery.reason.is_not(None),
        )
        .group_by(MessageDelivery.reason)
        .order_by(func.count().desc(), MessageDelivery.reason)
    )
    return [(row.reason or "", row.people, row.first_at) for row in session.execute(query)]


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


def return_counts(session: Session, shop_id: ShopId, campaign: Campaign) -> Returned:
    """How many messages of a campaign were accepted, came back for good, and were complained about."""
    returned = returned_deliveries(shop_id).subquery("returned")
    accepted = accepted_counts(session, shop_id, [campaign.id]).get(campaign.id, 0)
    row = session.execute(
        select(
            func.count(returned.c.delivery_id.distinct()).filter(returned.c.verdict == "hard"),
            func.count(returned.c.delivery_id.distinct()).filter(returned.c.verdict == "complaint"),
        ).where(returned.c.campaign_id == campaign.id)
    ).one()
    return Returned(accepted, int(row[0]), int(row[1]))


def recent_return_counts(session: Session, shop_id: ShopId, *, since: datetime) -> Returned:
    """The same of all campaigns whose audience was drawn since the instant.

    Nobody counts what was accepted while too little came back to be judged: it reads every row of those months.
    """
    returned = returned_deliveries(shop_id).subquery("returned")
    recent = select(Campaign.id).where(Campaign.shop_id == shop_id, Campaign.frozen_at >= since)
    row = session.execute(
        select(
            func.count(returned.c.delivery_id.distinct()).filter(returned.c.verdict == "hard"),
            func.count(returned.c.delivery_id.distinct()).filter(returned.c.verdict == "complaint"),
        ).where(returned.c.campaign_id.in_(recent), returned.c.occurred_at >= since)
    ).one()
    found = Returned(0, int(row[0]), int(row[1]))
    if not found.can_be_judged:
        return found
    accepted = select(func.count()).where(
        MessageDelivery.shop_id == shop_id,
        MessageDelivery.frozen_at >= since,
        MessageDelivery.state == "accepted",
    )
    return found._replace(accepted=session.scalar(accepted) or 0)


def find_delivery(
    session: Session, shop_id: ShopId, campaign: Campaign, delivery_id: int
) -> MessageDelivery | None:
    return session.scalar(
        select(MessageDelivery).where(_rows_of(shop_id, campaign), MessageDelivery.id == delivery_id)
    )
