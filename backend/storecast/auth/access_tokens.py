"""Access tokens: short JWTs (RFC 9068) that a program gets for its API key by client credentials (RFC 6749 §4.4).

Signed with HS256 under a key for this purpose alone, derived from APP_SECRET_KEY: an ID token of Shopify's is never one
of these, nor the other way round. A token carries no right by itself: its key is looked up with every request.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import uuid4

import jwt

from storecast.auth.errors import CredentialRefused
from storecast.config.settings import get_settings
from storecast.kit.signing import derive_key
from storecast.shops.access import Permission

LIFETIME = timedelta(minutes=15)
TYPE = "at+jwt"
"""RFC 9068 §2.1: what tells these from other JWTs before anything is verified."""

MAX_LENGTH = 2048
LEEWAY_S = 10
_PURPOSE = "api-access-tokens"
_REQUIRED = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope")


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, how long it lives and what it may do."""

    token: str
    expires_in_s: int
    scopes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Granted(expires_in_s={self.expires_in_s}, scopes={self.scopes})"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified token."""

    key_id: str
    scopes: frozenset[Permission]


def issue(key_id: str, scopes: Collection[str], *, now: datetime, ends: datetime | None) -> Granted:
    """A token for a key, which it does not outlive."""
    until = min(now + LIFETIME, ends or now + LIFETIME)
    issued, expires = int(now.timestamp()), int(until.timestamp())
    claims = {
        "iss": issuer(),
        "aud": audience(),
        "sub": key_id,
        "client_id": key_id,
        "iat": issued,
        "exp": expires,
        "jti": uuid4().hex,
        "scope": " ".join(sorted(scopes)),
    }
    token = jwt.encode(claims, _keys()[0], algorithm="HS256", headers={"typ": TYPE})
    return Granted(token, max(1, expires - issued), tuple(sorted(scopes)))


def looks_like_one(raw: str) -> bool:
    """Whether a bearer token says that it is one of ours; nothing is verified."""
    return _says_it_is(raw.partition(".")[0])


@lru_cache(maxsize=32)
def _says_it_is(header: str) -> bool:
    """Of the part before the first dot, which whoever issues tokens writes alike in all of them."""
    try:
        return bool(jwt.get_unverified_header(f"{header}..").get("typ") == TYPE)
    except jwt.InvalidTokenError:
        return False


def verify(raw: str, *, now: datetime) -> AccessToken:
    """The token's key and scopes; raises CredentialRefused."""
    if len(raw) > MAX_LENGTH or not looks_like_one(raw):
        raise CredentialRefused
    claims = _decode(raw)
    instant = now.timestamp()
    # Against the caller's clock; a token that claims to live longer than ours do was not made here.
    issued, expires = claims["iat"], claims["exp"]
    times_hold = (
        all(isinstance(value, int) and not isinstance(value, bool) for value in (issued, expires))
        and issued - LEEWAY_S <= instant < expires
        and expires - issued <= LIFETIME.total_seconds()
    )
    if not times_hold or claims["sub"] != claims["client_id"]:
        raise CredentialRefused
    known = {permission.value for permission in Permission}
    scopes = str(claims["scope"]).split()
    return AccessToken(str(claims["sub"]), frozenset(Permission(scope) for scope in scopes if scope in known))


def issuer() -> str:
    """Who signs: this installation, by its public address."""
    return get_settings().shopify.app_url.rstrip("/")


def audience() -> str:
    """What the tokens are good for."""
    return issuer() + "/api"


def _decode(raw: str) -> dict[str, Any]:
    for key in _keys():
        try:
            claims: dict[str, Any] = jwt.decode(
                raw,
                key,
                algorithms=["HS256"],
                audience=audience(),
                issuer=issuer(),
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_sub": False,
                },
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError) as error:
            raise CredentialRefused from error
        return claims
    raise CredentialRefused


def _keys() -> list[bytes]:
    """The signing key and, while APP_SECRET_KEY rotates, the one before it."""
    settings = get_settings()
    secrets = [settings.app_secret_key, settings.app_secret_key_old]
    return [
        derive_key(secret.get_secret_value().encode(), _PURPOSE) for secret in secrets if secret is not None
    ]
