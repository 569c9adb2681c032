"""Signatures that Shopify puts on what it sends: webhook bodies (base64) and query strings (hex).

Both are tried with the current client secret, then with the one before it, so that a rotation loses nothing.
"""

import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from shopify.session import Session

from storecast.shopify.errors import SignatureRefused

QUERY_TOLERANCE = timedelta(seconds=90)
"""How far a query's timestamp may be off, either way: the tolerance of Shopify's own JavaScript library."""


def verify_webhook(body: bytes, signature: str | bytes | None, secrets: Sequence[str]) -> bool:
    """Whether ``X-Shopify-Hmac-Sha256`` fits the raw body."""
    try:
        given = binascii.a2b_base64(signature or "", strict_mode=True)
    except ValueError:
        return False
    # No early exit: the time taken does not tell which secret fitted.
    fits = [hmac.compare_digest(hmac.digest(secret.encode(), body, "sha256"), given) for secret in secrets]
    return any(fits)


def verify_query(
    pairs: Sequence[tuple[str, str]], secrets: Sequence[str], *, now: datetime
) -> dict[str, str]:
    """The parameters of a signed query; raises SignatureRefused.

    The library computes the HMAC, but accepts any timestamp of the last day or of the future and fails on one that
    is no number, so the time is checked here. A repeated parameter is refused: which of the two was signed is a
    matter of taste.
    """
    params = dict(pairs)
    if len(params) != len(pairs):
        raise SignatureRefused("a parameter occurs twice")
    timestamp = params.get("timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureRefused("the timestamp is missing or not a number")
    if abs(now.timestamp() - int(timestamp)) > QUERY_TOLERANCE.total_seconds():
        raise SignatureRefused("the link is too old")
    signed = {name: value for name, value in params.items() if name != "signature"}
    if not params.get("hmac", "").isascii() or not any(_fits(signed, secret) for secret in secrets):
        raise SignatureRefused("the hmac does not fit")
    return params


def _fits(signed: dict[str, str], secret: str) -> bool:
    """Whether the HMAC is over the parameters in either of the two forms that Shopify's own libraries use.

    The Python library escapes ``%``, ``=`` and ``&`` only, the JavaScript one percent-encodes. Both forms are
    unambiguous, so that accepting either lets nothing be moved from one parameter to another.
    """
    unsigned = sorted((name, value) for name, value in signed.items() if name != "hmac")
    encoded = urlencode(unsigned, quote_via=quote).encode()
    mac = hmac.digest(secret.encode(), encoded, "sha256").hex()
    return hmac.compare_digest(mac, signed.get("hmac", "")) or bool(_library(secret).validate_hmac(signed))


def _library(secret: str) -> type[Session]:
    # validate_hmac is a class method that reads the class's secret: a class of our own, not the global one.
    return type("SignedSession", (Session,), {"secret": secret})
