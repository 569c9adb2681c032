"""All SQL of campaign reports.

Every query of a campaign reads its one partition of the ledger, and of the events those since its freeze, by one index
that holds all they ask for. A column that splits the audience (a version of the message) is one more `GROUP BY`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, Subquery, and_, case, func, literal, null, or_, select
from sqlalchemy.orm import Session

from storecast.analytics.attribution import MODEL
from storecast.analytics.models import Attribution
from storecast.campaigns import selectables as campaigns
from storecast.events import selectables as events
from storecast.kit.types import ShopId
from storecast.orders import selectables as orders

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

VERDICTS = ("human", "machine", "unknown")


@dataclass(frozen=True, slots=True)
class Touched:
    """What recipients of one campaign did: people, and events by kind and verdict."""

    opened: int = 0
    clicked: int = 0
    only_machine_opened: int = 0
    only_machine_clicked: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    events: Mapping[tuple[str, str], int] = field(default_factory=dict)


def touched(
    session: Session, shop_id: ShopId, campaign_ids: Collection[int], since: datetime
) -> dict[int, Touched]:
    """By campaign, of those to which anything happened. A click without an open is an open: images were off."""
    each = _by_recipient(shop_id, campaign_ids, since)
    people = func.count()
    query = select(
        each.c.campaign_id,
        people.filter(_opened(each)).label("opened"),
        people.filter(each.c.click_human > 0).label("clicked"),
        people.filter(~_opened(each), each.c.open_machine > 0).label("only_machine_opened"),
        people.filter(each.c.click_human == 0, each.c.click_machine > 0).label("only_machine_clicked"),
        people.filter(each.c.bounce > 0).label("bounced"),
        people.filter(each.c.complaint > 0).label("complained"),
        people.filter(each.c.unsubscribe > 0).label("unsubscribed"),
        *(
            func.sum(each.c[f"{kind}_{verdict}"]).label(f"{kind}_{verdict}")
            for kind in ("open", "click")
            for verdict in VERDICTS
        ),
    ).group_by(each.c.campaign_id)
    return {
        row["campaign_id"]: Touched(
            **{name: row[name] for name in _PEOPLE},
            events={
                (kind, verdict): int(row[f"{kind}_{verdict}"])
                for kind in ("open", "click")
                for verdict in VERDICTS
            },
        )
        for row in session.execute(query).mappings()
    }


_PEOPLE = (
    *("opened", "clicked", "only_machine_opened", "only_machine_clicked"),
    *("bounced", "complained", "unsubscribed"),
)


def _by_recipient(shop_id: ShopId, campaign_ids: Collection[int], since: datetime) -> Subquery:
    """How often each thing happened to each message."""
    done = events.message_history(shop_id).subquery()

    def times(kind: str, verdict: str | None = None) -> ColumnElement[int]:
        alike = (
            done.c.kind == kind if verdict is None else and_(done.c.kind == kind, done.c.verdict == verdict)
        )
        return func.count().filter(alike).label(kind if verdict is None else f"{kind}_{verdict}")

    return (
        select(
            done.c.campaign_id,
            done.c.delivery_id,
            *(times(kind, verdict) for kind in ("open", "click") for verdict in VERDICTS),
            *(times(kind) for kind in ("bounce", "complaint", "unsubscribe")),
        )
        .where(done.c.campaign_id.in_(campaign_ids), done.c.occurred_at >= since)
        .group_by(done.c.campaign_id, done.c.delivery_id)
        .subquery("each")
    )


def _opened(each: Subquery) -> ColumnElement[bool]:
    return each.c.open_human + each.c.click_human > 0


def came_back(
    session: Session, shop_id: ShopId, campaign_ids: Collection[int], since: datetime
) -> dict[int, int]:
    """Messages by campaign that a server took and returned later; refusals are not among them."""
    done = events.message_history(shop_id).subquery()
    sent = campaigns.deliveries(shop_id).subquery()
    returned = (
        select(done.c.campaign_id, done.c.delivery_id)
        .where(done.c.campaign_id.in_(campaign_ids), done.c.occurred_at >= since, done.c.kind == "bounce")
        .distinct()
        .subquery()
    )
    query = (
        select(returned.c.campaign_id, func.count().label("people"))
        .join(
            sent,
            and_(
                sent.c.delivery_id == returned.c.delivery_id,
                sent.c.campaign_id == returned.c.campaign_id,
                sent.c.frozen_at >= since,
            ),
        )
        .where(sent.c.state == "accepted")
        .group_by(returned.c.campaign_id)
    )
    return {row.campaign_id: row.people for row in session.execute(query)}


def link_clicks(
    session: Session, shop_id: ShopId, campaign_id: int, since: datetime
) -> dict[int, tuple[int, int, int]]:
    """By link number: clicks of people, how many people, clicks of machines (and of whom nobody can tell)."""
    done = events.message_history(shop_id).subquery()
    human = done.c.verdict == "human"
    query = (
        select(
            done.c.link_number,
            func.count().filter(human).label("clicks"),
            func.count(done.c.delivery_id.distinct()).filter(human).label("people"),
            func.count().filter(~human).label("machine_clicks"),
        )
        .where(done.c.campaign_id == campaign_id, done.c.occurred_at >= since, done.c.kind == "click")
        .group_by(done.c.link_number)
    )
    return {row.link_number: (row.clicks, row.people, row.machine_clicks) for row in session.execute(query)}


def credited_people(session: Session, shop_id: ShopId, campaign_ids: Collection[int]) -> dict[int, int]:
    """Recipients with at least one credited order, by campaign."""
    query = (
        select(Attribution.campaign_id, func.count(Attribution.delivery_id.distinct()).label("people"))
        .where(
            Attribution.shop_id == shop_id,
            Attribution.model == MODEL,
            Attribution.campaign_id.in_(campaign_ids),
        )
        .group_by(Attribution.campaign_id)
    )
    return {row.campaign_id: row.people for row in session.execute(query)}


def credited_by_hour(
    session: Session, shop_id: ShopId, currency: str, campaign_id: int
) -> list[tuple[datetime, int]]:
    hour = func.date_trunc("hour", Attribution.ordered_at)
    query = (
        select(hour.label("hour"), func.sum(Attribution.amount_minor).label("amount"))
        .where(
            Attribution.shop_id == shop_id,
            Attribution.model == MODEL,
            Attribution.currency == currency,
            Attribution.campaign_id == campaign_id,
        )
        .group_by(hour)
        .order_by(hour)
    )
    return [(row.hour, int(row.amount)) for row in session.execute(query)]


def credited_orders(
    session: Session, shop_id: ShopId, campaign_id: int, delivery_ids: Collection[int]
) -> Sequence[AnyRow]:
    """The orders credited to these messages, the first first.

    Columns: delivery_id, name, amount_minor, currency, ordered_at, kind and touch_at of what they are credited to.
    """
    placed = orders.counted(shop_id).subquery()
    query = (
        select(
            Attribution.delivery_id,
            placed.c.name,
            Attribution.amount_minor,
            Attribution.currency,
            Attribution.ordered_at,
            Attribution.kind,
            Attribution.touch_at,
        )
        .join(placed, placed.c.id == Attribution.order_id)
        .where(
            Attribution.shop_id == shop_id,
            Attribution.model == MODEL,
            Attribution.campaign_id == campaign_id,
            Attribution.delivery_id.in_(delivery_ids),
        )
        .order_by(Attribution.ordered_at)
    )
    return session.execute(query).all()


def history(
    session: Session, shop_id: ShopId, campaign_id: int, delivery_ids: Collection[int], since: datetime
) -> Sequence[AnyRow]:
    """What happened to these messages, in order."""
    done = events.message_history(shop_id).subquery()
    query = (
        select(done)
        .where(
            done.c.campaign_id == campaign_id,
            done.c.delivery_id.in_(delivery_ids),
            done.c.occurred_at >= since,
        )
        .order_by(done.c.occurred_at)
    )
    return session.execute(query).all()


def domains(
    session: Session, shop_id: ShopId, campaign_id: int, frozen_at: datetime, most: int
) -> Sequence[AnyRow]:
    """The receiving domains with the most recipients, then all others as one row without a name."""
    person = campaigns.audience(shop_id, campaign_id, frozen_at).subquery("person")
    each = _by_recipient(shop_id, [campaign_id], frozen_at)
    people = func.count()
    accepted = person.c.state == "accepted"
    put_off = or_(person.c.attempts > 1, and_(person.c.state == "pending", person.c.smtp_code.is_not(None)))
    figures = {
        "recipients": people,
        "accepted": people.filter(accepted),
        "deferred": people.filter(put_off),
        "refused": people.filter(person.c.state == "failed"),
        "bounced": people.filter(accepted, each.c.bounce > 0),
        "opened": people.filter(_opened(each)),
        "clicked": people.filter(each.c.click_human > 0),
        "complained": people.filter(each.c.complaint > 0),
    }
    domain = func.lower(func.split_part(func.coalesce(person.c.email, ""), "@", 2))
    by_domain = (
        select(domain.label("domain"), *(figure.label(name) for name, figure in figures.items()))
        .select_from(person)
        .outerjoin(each, each.c.delivery_id == person.c.delivery_id)
        .where(person.c.state != "excluded")
        .group_by(domain)
        .subquery("by_domain")
    )
    rank = func.row_number().over(order_by=(by_domain.c.recipients.desc(), by_domain.c.domain))
    ranked = select(by_domain, rank.label("rank")).subquery("ranked")
    shown = and_(ranked.c.rank <= most, ranked.c.domain != "")
    name = case((shown, ranked.c.domain), else_=null())
    query = (
        select(name.label("domain"), *(func.sum(ranked.c[column]).label(column) for column in figures))
        .group_by(name)
        .order_by(name.is_(None), func.sum(ranked.c.recipients).desc(), name)
    )
    return session.execute(query).all()


def versions(
    session: Session, shop_id: ShopId, campaign_id: int, frozen_at: datetime, earned: Select[int, int]
) -> Sequence[AnyRow]:
    """What became of each version: ``number`` and the figures of `report_schemas.VersionRow`.

    Who waits for the end of a test has none yet. ``earned`` says what was credited to each delivery in one currency;
    who ordered is counted whatever they paid in.
    """
    person = campaigns.audience(shop_id, campaign_id, frozen_at).subquery("person")
    each = _by_recipient(shop_id, [campaign_id], frozen_at)
    credited = (
        select(Attribution.delivery_id, func.count().label("orders"))
        .where(
            Attribution.shop_id == shop_id,
            Attribution.model == MODEL,
            Attribution.campaign_id == campaign_id,
        )
        .group_by(Attribution.delivery_id)
        .subquery("credited")
    )
    brought = earned.subquery("brought")
    people = func.count()
    sent = person.c.state == "accepted"
    came_back = and_(sent, each.c.bounce > 0)
    figures = {
        "recipients": people,
        "sent": people.filter(sent),
        "delivered": people.filter(sent) - people.filter(came_back),
        "opened": people.filter(_opened(each)),
        "clicked": people.filter(each.c.click_human > 0),
        "only_machine_opened": people.filter(~_opened(each), each.c.open_machine > 0),
        "ordered": func.count(credited.c.delivery_id),
        "orders": func.coalesce(func.sum(credited.c.orders), 0),
        "unsubscribed": people.filter(each.c.unsubscribe > 0),
        "bounced": people.filter(came_back),
        "complained": people.filter(each.c.complaint > 0),
        "amount_minor": func.coalesce(func.sum(brought.c.amount_minor), 0),
    }
    query = (
        select(person.c.variant.label("number"), *(value.label(name) for name, value in figures.items()))
        .select_from(person)
        .outerjoin(each, each.c.delivery_id == person.c.delivery_id)
        .outerjoin(credited, credited.c.delivery_id == person.c.delivery_id)
        .outerjoin(brought, brought.c.delivery_id == person.c.delivery_id)
        .where(person.c.state != "excluded", person.c.variant.is_not(None))
        .group_by(person.c.variant)
        .order_by(person.c.variant)
    )
    return session.execute(query).all()


def errors(
    session: Session, shop_id: ShopId, campaign_id: int, frozen_at: datetime, most: int
) -> Sequence[AnyRow]:
    """What servers answered to messages that they did not take: state, reason, code, enhanced, text, people."""
    person = campaigns.audience(shop_id, campaign_id, frozen_at).subquery("person")
    refused = or_(
        person.c.state.in_(("failed", "unknown")),
        and_(person.c.state == "pending", person.c.smtp_reply.is_not(None)),
    )
    people = func.count()
    columns = (
        person.c.state,
        person.c.reason,
        person.c.smtp_code.label("code"),
        _enhanced(person.c.smtp_reply).label("enhanced"),
        _impersonal(person.c.smtp_reply, person.c.email).label("text"),
    )
    answers = select(*columns).where(refused).subquery("answers")
    query = (
        select(*answers.c, people.label("people"))
        .group_by(*answers.c)
        .order_by(people.desc(), answers.c.text)
        .limit(most)
    )
    return session.execute(query).all()


_ENHANCED = r"(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])"
"""The status code of RFC 3463 in a reply."""

_IMPERSONAL = (
    # What the code says already, at the head of each line of a reply.
    (r"(?:\m[245][0-9]{2}[- ])?(?<![0-9.])[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])", ""),
    (r"<?[^\s<>@,;:]+@[^\s<>@,;]+>?", "<address>"),
    (r"(https?://[^\s?]*)\?\S*", r"\1"),
    (r"\m[0-9]{1,3}(\.[0-9]{1,3}){3}\M", "<ip>"),
    (r"\m[0-9a-f]{1,4}(:[0-9a-f]{0,4}){3,7}", "<ip>"),
    # Ids of queues, sessions and messages: long words with a digit in them.
    (r"\m(?=[[:alnum:]_=+.-]*[0-9])[[:alnum:]_=+.-]{6,}", "<id>"),
    (r"\m[0-9]{4,}\M", "<id>"),
    (r"\s+", " "),
)
"""What is put in place of what, in this order, so that answers to many recipients become one."""

_LONGEST_ANSWER = 200


def _enhanced(reply: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.substring(reply, _ENHANCED)


def _impersonal(reply: ColumnElement[Any], email: ColumnElement[Any]) -> ColumnElement[Any]:
    """A reply without the recipient's address, the part of it before the @, and ids."""
    said: ColumnElement[Any] = func.coalesce(reply, "")
    for pattern, text in _IMPERSONAL[:2]:
        said = func.regexp_replace(said, pattern, text, "gi")
    name = func.split_part(func.coalesce(email, ""), "@", 1)
    named = and_(func.length(name) > 1, func.strpos(func.lower(said), func.lower(name)) > 0)
    # A pattern for each recipient costs more than all others, so only where it finds something.
    as_word = func.concat(
        r"(?<![[:alnum:]])", func.regexp_replace(name, r"([^[:alnum:]])", r"\\\1", "g"), r"(?![[:alnum:]])"
    )
    said = case((named, func.regexp_replace(said, as_word, "<address>", "gi")), else_=said)
    for pattern, text in _IMPERSONAL[2:]:
        said = func.regexp_replace(said, pattern, text, "gi")
    return func.left(func.btrim(said, " -:;"), literal(_LONGEST_ANSWER))
