"""Composable conditions over consent and suppression: who may be written to, and who not and why."""

from sqlalchemy import ColumnElement, Text, case, exists, func, literal, null, or_

from storecast.kit.types import ShopId
from storecast.messaging.models import Suppression

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST_PART = r"[^\s@<>,;:\"\\()\[\].]+"
EMAIL_SHAPE = rf"^{_ATOM}(\.{_ATOM})*@{_HOST_PART}(\.{_HOST_PART})+$"
"""As strict as `headers.find_address` about the part before the @, so that hardly an address fails only at sending."""


def suppressed(shop_id: ShopId, email: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether the shop must not write to the address."""
    digest = func.sha256(func.convert_to(func.lower(email), literal("UTF8")))
    return exists().where(Suppression.shop_id == shop_id, Suppression.email_digest == digest)


def exclusion_reason(
    shop_id: ShopId, email: ColumnElement[str | None], email_state: ColumnElement[str]
) -> ColumnElement[str | None]:
    """The first reason that keeps marketing from a customer; null for those who may be written to."""
    return case(
        (or_(email.is_(None), email == ""), literal("no_email", Text)),
        (or_(email_state == "invalid", ~email.regexp_match(EMAIL_SHAPE)), literal("invalid_email", Text)),
        (email_state != "subscribed", literal("not_subscribed", Text)),
        (suppressed(shop_id, email), literal("suppressed", Text)),
        else_=null(),
    )
