"""ID tokens: the short-lived JWT by which the Shopify admin says who is asking, for which shop.

Every claim is required and checked. The rules are those of Shopify's strictest library and two more: `exp` must be
there (libraries accept its absence), and issuer and destination must name the same shop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import jwt

from storecast.config.settings import Shopify
from storecast.shopify.domains import find_shop_domain
from storecast.shopify.errors import IdTokenRefused

LEEWAY_S = 10
"""The clock skew that every Shopify library allows."""

MAX_LIFETIME_S = 300
"""Shopify issues 60 s; a token that claims to live much longer was not made by Shopify."""

MAX_LENGTH = 4096

KEPT = 1_000
"""Tokens whose signature need not be computed again: App Bridge sends the same one with every call of its minute."""

_REQUIRED = ("iss", "dest", "aud", "sub", "exp", "nbf", "iat", "jti", "sid")


@dataclass(frozen=True, slots=True)
class IdToken:
    """A verified token."""

    shop_domain: str
    user_id: str
    session_id: str
    token_id: str
    expires_at: int


def verify(raw: str, shopify: Shopify, *, now: datetime) -> IdToken:
    """The token's claims; raises IdTokenRefused with the reason."""
    if len(raw) > MAX_LENGTH:
        raise IdTokenRefused("too long")
    claims = _decode(raw, tuple(shopify.secrets()))
    instant = now.timestamp()
    expires, begins, issued = (_number(claims, name) for name in ("exp", "nbf", "iat"))
    if expires <= instant - LEEWAY_S:
        raise IdTokenRefused("expired")
    if begins > instant + LEEWAY_S or issued > instant + LEEWAY_S:
        raise IdTokenRefused("not valid yet")
    if expires - begins > MAX_LIFETIME_S:
        raise IdTokenRefused("lives too long")
    if claims["aud"] != shopify.api_key:
        raise IdTokenRefused("made for another app")
    texts = {name: claims[name] for name in ("sub", "sid", "jti")}
    if not all(isinstance(value, str) and value for value in texts.values()):
        raise IdTokenRefused("a claim is empty")
    return IdToken(_shop(claims), texts["sub"], texts["sid"], texts["jti"], int(expires))


@lru_cache(maxsize=KEPT)
def _decode(raw: str, secrets: tuple[str, ...]) -> Mapping[str, Any]:
    """The claims of a token that one of the secrets signed: of the same text and secrets always the same."""
    for secret in secrets:
        try:
            # Times and audience are checked above against the caller's clock, presence and signature here.
            claims: dict[str, Any] = jwt.decode(
                raw,
                secret,
                algorithms=["HS256"],
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError) as error:
            raise IdTokenRefused(f"not an ID token: {type(error).__name__}") from error
        return MappingProxyType(claims)
    raise IdTokenRefused("the signature does not fit")


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise IdTokenRefused(f"{name} is not an instant")
    return float(value)


def _shop(claims: Mapping[str, Any]) -> str:
    issuer, destination = claims["iss"], claims["dest"]
    if not isinstance(issuer, str) or not isinstance(destination, str):
        raise IdTokenRefused("issuer or destination is no text")
    domain = destination.removeprefix("https://")
    # Compared with the text it was made from: nothing that sanitising would repair is accepted in a token.
    if find_shop_domain(domain) != domain or destination != f"https://{domain}":
        raise IdTokenRefused("the destination is no shop")
    if issuer != f"https://{domain}/admin":
        raise IdTokenRefused("issuer and destination differ")
    return domain
