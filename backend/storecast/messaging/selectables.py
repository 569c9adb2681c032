"""Composable conditions over consent and suppression: who may be written to, and who not and why."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, any_, case, exists, func, literal, null, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from storecast.kit.types import ShopId
from storecast.messaging.models import ContactPreference, MessageReturn, Suppression

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST_PART = r"[^\s@<>,;:\"\\()\[\].]+"
EMAIL_SHAPE = rf"^{_ATOM}(\.{_ATOM})*@{_HOST_PART}(\.{_HOST_PART})+$"
"""As strict as `headers.find_address` about the part before the @, so that hardly an address fails only at sending."""


def suppressed(shop_id: ShopId, email: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether the shop must not write to the address."""
    return exists().where(Suppression.shop_id == shop_id, Suppression.email_digest == _digest(email))


def _digest(email: ColumnElement[str | None]) -> ColumnElement[bytes]:
    return func.sha256(func.convert_to(func.lower(email), literal("UTF8")))


def exclusion_reason(
    shop_id: ShopId,
    email: ColumnElement[str | None],
    email_state: ColumnElement[str],
    *,
    shaped: bool = False,
) -> ColumnElement[str | None]:
    """The first reason that keeps marketing from a customer; null for those who may be written to.

    An address that is known to be ``shaped`` like one is not looked at again: that is dear.
    """
    return case(
        *_no_address(email, email_state, shaped=shaped),
        (email_state != "subscribed", literal("not_subscribed", Text)),
        (suppressed(shop_id, email), literal("suppressed", Text)),
        else_=null(),
    )


def unreachable_reason(
    shop_id: ShopId,
    email: ColumnElement[str | None],
    email_state: ColumnElement[str],
    *,
    shaped: bool = False,
) -> ColumnElement[str | None]:
    """The first reason that keeps even a message on an order or account from a customer.

    Consent is none, nor that somebody wants no more marketing. That an address is dead, called a message spam or was
    shut out by hand is, and a hard bounce counts on behind an unsubscription that was written down over it.
    """
    digest = _digest(email)
    shut_out = exists().where(
        Suppression.shop_id == shop_id,
        Suppression.email_digest == digest,
        Suppression.reason != "unsubscribed",
    )
    dead = exists().where(
        MessageReturn.shop_id == shop_id,
        MessageReturn.email_digest == digest,
        MessageReturn.verdict == "hard",
        ~MessageReturn.forgiven,
    )
    return case(
        *_no_address(email, email_state, shaped=shaped),
        (or_(shut_out, dead), literal("suppressed", Text)),
        else_=null(),
    )


def _no_address(
    email: ColumnElement[str | None], email_state: ColumnElement[str], *, shaped: bool
) -> tuple[tuple[ColumnElement[bool], ColumnElement[str]], ...]:
    invalid = email_state == "invalid"
    return (
        (or_(email.is_(None), email == ""), literal("no_email", Text)),
        (
            invalid if shaped else or_(invalid, ~email.regexp_match(EMAIL_SHAPE)),
            literal("invalid_email", Text),
        ),
    )


def preference_reason(
    chosen: ReadOnlyColumnCollection[str, Any], topic_id: int | None
) -> ColumnElement[str | None]:
    """Whether a customer's own choice keeps a message of the topic (None: of no topic) from them now; else null.

    ``chosen`` are the columns of `preferences`, outer-joined.
    """
    reasons = [(chosen.paused_until > func.now(), literal("paused", Text))]
    if topic_id is not None:
        reasons.append((literal(topic_id) == any_(chosen.opted_out_topics), literal("topic_opted_out", Text)))
    return case(*reasons, else_=null())


def preferences(shop_id: ShopId) -> Select[int, str, datetime | None, list[int]]:
    """What customers chose: customer_id, frequency ("all", "weekly", "monthly"), paused_until, opted_out_topics.

    Who never chose has no row.
    """
    return select(
        ContactPreference.customer_id,
        ContactPreference.frequency,
        ContactPreference.paused_until,
        ContactPreference.opted_out_topics,
    ).where(ContactPreference.shop_id == shop_id)


def returned_deliveries(shop_id: ShopId) -> Select[int, int, str, datetime]:
    """What came back: delivery_id, campaign_id, verdict ("hard", "soft", "block", "complaint"), occurred_at."""
    return select(
        MessageReturn.delivery_id, MessageReturn.campaign_id, MessageReturn.verdict, MessageReturn.occurred_at
    ).where(MessageReturn.shop_id == shop_id)
