"""Browser sessions: a signed cookie with a random id, ids only behind it in Redis.

Built on starlette-session, whose own backends and middleware have flaws that this module closes: JSON instead of
pickle, an asynchronous client, a missing or foreign record is an empty session, a cookie that does not parse is
dropped instead of failing every request, a new id at sign-in, an absolute lifetime beside the idle one, keys that
are hashed and prefixed, SHA-256 signatures with the old and the new secret, nothing written when nothing changed.
While Redis is away a browser is signed out and its cookie kept; it is never an error page.
"""

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import itsdangerous
import redis.asyncio
import structlog
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_session import SessionMiddleware
from starlette_session.backends import BackendType
from starlette_session.interfaces import ISessionBackend

from storecast.config.settings import Settings
from storecast.kit.clock import utcnow

log = structlog.get_logger(__name__)

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
KEY_PREFIX = "storecast:session:"
MAX_RECORD_BYTES = 8 * 1024
"""Sessions hold ids; more than this is a mistake that would slow every request."""

REDIS_TIMEOUT_S = 2.0
"""A page waits for this; Redis on the same network answers in well under a millisecond."""

_ROTATE = "storecast.session.rotate"
_ID_FIELD = "id"


class StoreAway(Exception):
    """Redis did not answer."""


class RedisSessions(ISessionBackend):  # type: ignore[misc]  # the library has no types
    """Session records in Redis; a record is ``{"t0": seconds, "data": {...}}``."""

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        *,
        idle: timedelta = IDLE,
        absolute: timedelta = ABSOLUTE,
        clock: Callable[[], datetime] = utcnow,
    ) -> None:
        self._redis = client
        self._idle_s = int(idle.total_seconds())
        self._absolute_s = int(absolute.total_seconds())
        self._clock = clock

    async def get(self, key: str) -> dict[str, Any]:
        """The session of an id and a longer idle time for it; ``{}`` when there is none. Raises StoreAway."""
        data, _t0 = await self.read(key)
        return data

    async def read(self, key: str) -> tuple[dict[str, Any], float | None]:
        """As `get`, with the instant at which the session began."""
        name = record_name(key)
        try:
            raw = await self._redis.get(name)
            record = _parse(raw)
            if record is None:
                return {}, None
            data, t0 = record
            left = int(t0 + self._absolute_s - self._clock().timestamp())
            if left <= 0:
                await self._redis.delete(name)
                return {}, None
            await self._redis.expire(name, min(self._idle_s, left))
        except (RedisError, OSError) as error:
            raise StoreAway from error
        return data, t0

    async def set(
        self, key: str, value: dict[str, Any], exp: int | None = None, *, t0: float | None = None
    ) -> None:
        """Write a session that began at ``t0`` (now when None). Raises StoreAway."""
        now = self._clock().timestamp()
        began = now if t0 is None else t0
        ttl = min(
            self._idle_s, int(began + self._absolute_s - now), exp if exp is not None else self._absolute_s
        )
        record = json.dumps({"t0": began, "data": value}, separators=(",", ":"))
        if len(record) > MAX_RECORD_BYTES:
            raise ValueError("a session holds ids, not documents")
        try:
            await self._redis.set(record_name(key), record, ex=max(1, ttl))
        except (RedisError, OSError) as error:
            raise StoreAway from error

    async def delete(self, key: str) -> None:
        """Forget a session. Raises StoreAway."""
        try:
            await self._redis.delete(record_name(key))
        except (RedisError, OSError) as error:
            raise StoreAway from error

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()


class BrowserSessions(SessionMiddleware):  # type: ignore[misc]  # the library has no types
    """Puts ``request.session`` on requests and the cookie on answers whose session changed."""

    def __init__(
        self, app: ASGIApp, *, backend: RedisSessions, session_secrets: list[str], secure: bool
    ) -> None:
        super().__init__(
            app,
            secret_key=session_secrets[0],
            cookie_name="__Host-storecast" if secure else "storecast",
            max_age=int(ABSOLUTE.total_seconds()),
            same_site="lax",
            https_only=secure,
            # Without a non-cookie type the library ignores the backend and writes the data into the cookie.
            backend_type=BackendType.aioRedis,
            custom_session_backend=backend,
        )
        self._sessions = backend
        # The last of the list signs, all verify: oldest first.
        self.signer = itsdangerous.TimestampSigner(
            list(reversed(session_secrets)), salt="storecast.session", digest_method=hashlib.sha256
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            await self._sessions.close()
            return
        cookie = HTTPConnection(scope).cookies.get(self.cookie_name)
        session_id = self._session_id(cookie) if cookie is not None else None
        away, began = False, None
        scope["session"] = {}
        if session_id is not None:
            try:
                scope["session"], began = await self._sessions.read(session_id)
            except StoreAway:
                away = True
                log.warning("session_store_away")
        before = _image(scope["session"])

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and not away:
                changed = _image(scope["session"]) != before
                if changed or scope.get(_ROTATE) or (cookie is not None and not scope["session"]):
                    value = await self._save(scope, session_id, began)
                    if value is not None:
                        MutableHeaders(scope=message).append("Set-Cookie", value)
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    async def _save(self, scope: Scope, session_id: str | None, began: float | None) -> str | None:
        """Write the session and return the Set-Cookie value; None leaves the browser as it is."""
        try:
            if not scope["session"]:
                if session_id is not None:
                    await self._sessions.delete(session_id)
                return str(self._construct_cookie(clear=True))
            new = session_id is None or began is None or bool(scope.get(_ROTATE))
            if new and session_id is not None:
                await self._sessions.delete(session_id)
            kept_id = secrets.token_urlsafe(32) if new or session_id is None else session_id
            await self._sessions.set(kept_id, scope["session"], t0=None if new else began)
        except StoreAway:
            log.error("session_not_saved")
            return None
        if not new:
            return None  # the cookie holds the id alone, and the id is the same
        return str(self._construct_cookie(data=self._signed(kept_id)))

    def _signed(self, session_id: str) -> bytes:
        return self.signer.sign(base64.urlsafe_b64encode(json.dumps({_ID_FIELD: session_id}).encode()))

    def _session_id(self, cookie: str) -> str | None:
        """The id in a cookie that we signed and that is not too old; None for anything else."""
        try:
            content = json.loads(
                base64.urlsafe_b64decode(self.signer.unsign(cookie.encode(), max_age=self.max_age))
            )
        except (itsdangerous.BadSignature, binascii.Error, ValueError):
            return None
        session_id = content.get(_ID_FIELD) if isinstance(content, dict) else None
        return session_id if isinstance(session_id, str) and session_id else None


def add_sessions(app: Starlette, settings: Settings) -> None:
    """Give the app browser sessions kept in its Redis."""
    client = redis.asyncio.Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
    )
    keys = [settings.session_secret_key, settings.session_secret_key_old]
    app.add_middleware(
        BrowserSessions,
        backend=RedisSessions(client),
        session_secrets=[key.get_secret_value() for key in keys if key is not None],
        secure=settings.secure_cookies,
    )


def rotate(request: Request) -> None:
    """Give the session a new id with this answer: call it whenever somebody signs in."""
    request.scope[_ROTATE] = True


def record_name(session_id: str) -> str:
    """The Redis key of a session: whoever reads Redis learns no usable id."""
    return KEY_PREFIX + hashlib.sha256(session_id.encode()).hexdigest()


def _image(session: dict[str, Any]) -> str:
    """What a session holds, to be compared; programs and the admin's iframe have none."""
    return json.dumps(session, sort_keys=True) if session else "{}"


def _parse(raw: bytes | str | None) -> tuple[dict[str, Any], float] | None:
    try:
        record = json.loads(raw) if raw else None
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    data, t0 = record.get("data"), record.get("t0")
    if not isinstance(data, dict) or isinstance(t0, bool) or not isinstance(t0, int | float):
        return None
    return data, float(t0)
