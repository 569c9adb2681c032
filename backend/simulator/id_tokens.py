"""ID tokens as App Bridge hands them out: HS256 JWTs signed with the app's secret, good for one minute."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from typing import Any

from simulator.config import SimulatorConfig
from simulator.state.records import Shop

LIFETIME_S = 60
LEEWAY_S = 10


def mint_id_token(config: SimulatorConfig, shop: Shop, user_id: int, *, session_id: str | None = None) -> str:
    """A fresh token of this shop's user for the app."""
    now = int(time.time())
    origin = f"https://{shop.domain}"
    return sign(
        {
            "iss": f"{origin}/admin",
            "dest": origin,
            "aud": config.client_id,
            "sub": str(user_id),
            "exp": now + LIFETIME_S,
            "nbf": now,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "sid": session_id or secrets.token_hex(32),
        },
        config.client_secret,
    )


def sign(claims: dict[str, Any], secret: str) -> str:
    header = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    payload = _encode(json.dumps(claims, separators=(",", ":")).encode())
    signed = f"{header}.{payload}"
    return f"{signed}.{_encode(_mac(signed, secret))}"


def verify(token: str, config: SimulatorConfig, shop: Shop) -> dict[str, Any] | None:
    """The claims of a token that is ours, unexpired and of this shop; else None."""
    try:
        header, payload, signature = token.split(".")
        if not hmac.compare_digest(_decode(signature), _mac(f"{header}.{payload}", config.client_secret)):
            return None
        claims: dict[str, Any] = json.loads(_decode(payload))
        now = time.time()
        fresh = claims["nbf"] - LEEWAY_S <= now < claims["exp"] + LEEWAY_S
    except (ValueError, KeyError, TypeError):
        return None
    ours = claims["aud"] == config.client_id and claims["dest"] == f"https://{shop.domain}"
    return claims if fresh and ours else None


def _mac(text: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
