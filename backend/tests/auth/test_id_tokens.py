"""ID tokens: one good token, and every way in which another one is not."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from storecast.auth import id_tokens
from storecast.config.settings import Shopify
from storecast.shopify.errors import IdTokenRefused

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
SECRET, OLD = "current-secret-0123456789abcdef012", "previous-secret-0123456789abcdef01"
SHOPIFY = Shopify(
    api_key="our-key",
    api_secret=SecretStr(SECRET),
    api_secret_old=SecretStr(OLD),
    app_url="https://app.example",
    redirect_uri="https://app.example/auth/callback",
    api_version="2026-10",
    shop_origin="https://{shop}",
    app_bridge_url="",
    admin_frame_origins=[],
    scopes=[],
)
AT = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": "https://acme.myshopify.com/admin",
    "dest": "https://acme.myshopify.com",
    "aud": "our-key",
    "sub": "42",
    "exp": AT + 60,
    "nbf": AT,
    "iat": AT,
    "jti": "one",
    "sid": "two",
}


def token(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not ...}
    # PyJWT would refuse to sign some of what a forger may put into a token.
    return jwt.PyJWS().encode(json.dumps(claims).encode(), secret, algorithm=algorithm)


@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_a_good_token(secret: str) -> None:
    verified = id_tokens.verify(token(secret), SHOPIFY, now=NOW)
    assert (verified.shop_domain, verified.user_id, verified.session_id, verified.token_id) == (
        "acme.myshopify.com",
        "42",
        "two",
        "one",
    )


@pytest.mark.parametrize("off_s", [-10, 69])
def test_clocks_may_differ_by_ten_seconds(off_s: int) -> None:
    id_tokens.verify(token(), SHOPIFY, now=NOW + timedelta(seconds=off_s))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": AT - 10},
        {"exp": AT + 3600},
        {"nbf": AT + 11},
        {"iat": AT + 11},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("inf")},
        {"nbf": None},
        {"aud": "another-key"},
        {"aud": ["our-key"]},
        {"sub": ""},
        {"sub": 42},
        {"sid": None},
        {"jti": ""},
        {"dest": "https://evil.example"},
        {"dest": "http://acme.myshopify.com"},
        {"dest": "acme.myshopify.com"},
        {"dest": "https://ACME.myshopify.com", "iss": "https://ACME.myshopify.com/admin"},
        {"dest": "https://acme.myshopify.com\n", "iss": "https://acme.myshopify.com\n/admin"},
        {"dest": "https://acme.myshopify.com/"},
        {"dest": 5},
        {"iss": "https://other.myshopify.com/admin"},
        {"iss": "https://acme.myshopify.com"},
        {"iss": None},
        *[{name: ...} for name in CLAIMS],
    ],
)
def test_a_claim_that_is_wrong_or_missing(changes: dict[str, Any]) -> None:
    with pytest.raises(IdTokenRefused):
        id_tokens.verify(token(**changes), SHOPIFY, now=NOW)


def unsigned(header: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, CLAIMS)
    ]
    return ".".join([*parts, ""])


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "x",
        "a.b.c",
        "é.é.é",
        "." * 3,
        "x" * 5000,
        unsigned({"alg": "none", "typ": "JWT"}),
        unsigned({"alg": "HS256", "typ": "JWT"}),
        token("another-secret-0123456789abcdef0123"),
        token(SECRET * 2, "HS384"),
        token(SECRET * 2, "HS512"),
        token() + "x",
        token().replace(".", "..", 1),
    ],
)
def test_what_is_no_token_of_ours(raw: str) -> None:
    with pytest.raises(IdTokenRefused):
        id_tokens.verify(raw, SHOPIFY, now=NOW)
