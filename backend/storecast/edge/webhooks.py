"""Webhooks: raw bytes → HMAC → one durable row → 200. Topics are handled later, from the inbox."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import structlog
from prometheus_client import Counter
from starlette.types import Message, Receive, Scope, Send

from storecast.edge.answers import BodyTooSlow, BodyTruncated, read_body
from storecast.edge.group_commit import GroupCommit, Sink, stage_jobs
from storecast.edge.shops import ShopDirectory
from storecast.kit.errors import (
    FieldError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    StorecastError,
    TooLarge,
    Unauthenticated,
)
from storecast.observability import problems, tracing
from storecast.observability.requests import Meter, describe, identify, request_id
from storecast.shopify.hmac import verify_webhook

log = structlog.get_logger(__name__)

Headers = Mapping[bytes, bytes]

MAX_BODY_BYTES = 5 * 1024 * 1024
"""Orders with hundreds of lines reach some hundreds of KiB; ten times that is no webhook of Shopify's."""

PRIVACY_TOPICS = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
"""Accepted for shops that are long gone: Shopify requires an answer, and what is left of them must be erased."""

ACCEPTED = Counter("storecast_webhooks_accepted_total", "Webhooks on disk", ["topic"])
REFUSED = Counter("storecast_webhooks_refused_total", "Webhooks refused", ["reason"])

MAX_HEADER_BYTES = 64 * 1024
"""Of all headers: Shopify sends about one KiB; the servers in front may add theirs."""

_NOTHING = (b"content-length", b"0")
_END: Message = {"type": "http.response.body", "body": b""}

_TOPIC = re.compile(rb"[a-z_.]{1,64}/[a-z_.]{1,64}|[a-z_]{1,64}\.[a-z_]{1,64}")
_DOMAIN = re.compile(rb"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com")
_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_VERSION = re.compile(rb"[a-z0-9-]{0,32}")

_Origin = tuple[str, str, str | None]
"""Topic, domain and API version of a delivery."""

MAX_ORIGINS = 50_000


class _Object(msgspec.Struct):
    """Any JSON object: what it holds is checked and skipped."""


_OBJECT = msgspec.json.Decoder(_Object)

SINK = Sink(
    name="webhooks",
    columns=(
        ("shop_id", "bigint"),
        ("shop_domain", "text"),
        ("webhook_id", "text"),
        ("event_id", "text"),
        ("topic", "text"),
        ("api_version", "text"),
        ("triggered_at", "timestamptz"),
        ("body", "bytea"),
    ),
    merge=f"""
    fresh AS (
      INSERT INTO webhook_inbox (shop_id, shop_domain, webhook_id, event_id, topic, api_version, triggered_at, body)
      SELECT * FROM incoming ON CONFLICT (webhook_id) DO NOTHING RETURNING shop_id
    ), {stage_jobs("fresh", "webhooks.drain", "critical", "drain", max_attempts=1000)}
    """,
)


class HeadersTooLarge(StorecastError):
    """More headers than any server in front adds (RFC 6585, section 5)."""

    status: ClassVar[int] = 431
    code = "headers_too_large"
    title = "The headers are too large"


class Webhooks:
    """The address ``POST /webhooks`` and everything below it, as an ASGI app of its own.

    It reads the few headers that it needs, and names, times and counts its requests itself: with a framework's request,
    routing and response around it a delivery costs twice the processor time.
    """

    path = "/webhooks"
    """What metrics and traces call it, as of any other route."""

    def __init__(self, commit: GroupCommit, shops: ShopDirectory, secrets: list[str]) -> None:
        self._commit = commit
        self._shops = shops
        self._secrets = secrets
        self._meter = Meter("edge")
        self._accepted: dict[str, Counter] = {}
        # A shop's deliveries of a topic say the same of themselves: read once, then looked up.
        self._origins: dict[tuple[bytes, bytes, bytes], _Origin] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store one delivery; a repeated one is acknowledged and changes nothing."""
        started = time.perf_counter()
        scope["route"] = self
        headers = dict(scope["headers"])
        identifier = identify(scope, headers.get(b"x-request-id"))
        status = 200
        with tracing.request_span(scope["method"]) as span:
            try:
                await self._receive(scope, headers, receive)
                own = (b"x-request-id", identifier.encode())
                await send({"type": "http.response.start", "status": 200, "headers": (_NOTHING, own)})
                await send(_END)
            except StorecastError as error:
                status = await refuse(error, scope, send)
            except Exception as error:  # the sender gets an answer and tries again, whatever broke
                log.error("edge_failed", exc_info=error, request_id=identifier)
                status = await refuse(StorecastError(), scope, send)
            finally:
                self._meter.record(self.path, status, time.perf_counter() - started)
                describe(span, scope, status)

    async def _receive(self, scope: Scope, headers: Headers, receive: Receive) -> None:
        if scope["method"] != "POST":
            raise MethodNotAllowed("Webhooks are posted.")
        _require_single(headers, scope["headers"])
        body = await self._read(headers, receive)
        if not verify_webhook(body, headers.get(b"x-shopify-hmac-sha256"), self._secrets):
            raise _refused("hmac", Unauthenticated("The HMAC does not fit the body.", code="hmac_invalid"))
        row = await self._row(headers, body)
        try:
            await self._commit.submit((row,))
        except NotFound as error:  # erased since the directory asked: a privacy topic is taken the next time
            self._shops.forget(row[1])
            raise _refused("unknown_shop", error) from None
        self._count(row[4])

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        try:
            body = await read_body(receive, headers.get(b"content-length"), MAX_BODY_BYTES)
        except BodyTruncated as error:
            raise _refused("truncated", error) from None
        except BodyTooSlow as error:
            raise _refused("too_slow", error) from None
        if body is None:
            raise _refused("too_large", TooLarge(f"A webhook has at most {MAX_BODY_BYTES} bytes."))
        return body

    async def _row(self, headers: Headers, body: bytes) -> tuple[Any, ...]:
        topic, domain, api_version = self._origin(headers)
        webhook_id = _header(headers, b"x-shopify-webhook-id", _ID)
        event_id = (
            _header(headers, b"x-shopify-event-id", _ID) if headers.get(b"x-shopify-event-id") else None
        )
        _require_object(body)
        shop = await self._shops.find_by_domain(domain)
        if shop is None and topic not in PRIVACY_TOPICS:
            raise _refused(
                "unknown_shop",
                NotFound(
                    "Storecast is not installed on this shop.",
                    code="unknown_shop",
                    field="X-Shopify-Shop-Domain",
                ),
            )
        triggered_at = _instant(headers.get(b"x-shopify-triggered-at"))
        shop_id = shop.id if shop else None
        return shop_id, domain, webhook_id, event_id, topic, api_version, triggered_at, body

    def _origin(self, headers: Headers) -> _Origin:
        key = (
            headers.get(b"x-shopify-topic", b""),
            headers.get(b"x-shopify-shop-domain", b""),
            headers.get(b"x-shopify-api-version", b""),
        )
        known = self._origins.get(key)
        if known is None:
            known = (
                _header(headers, b"x-shopify-topic", _TOPIC),
                _header(headers, b"x-shopify-shop-domain", _DOMAIN),
                _header(headers, b"x-shopify-api-version", _VERSION) or None,
            )
            if len(self._origins) >= MAX_ORIGINS:
                self._origins.clear()
            self._origins[key] = known
        return known

    def _count(self, topic: str) -> None:
        counter = self._accepted.get(topic)
        if counter is None:
            counter = self._accepted[topic] = ACCEPTED.labels(topic)
        counter.inc()


async def refuse(error: StorecastError, scope: Scope, send: Send) -> int:
    """Answer with the problem document of the error; returns its status."""
    identifier = request_id(scope)
    status, headers, body = problems.render(error, identifier)
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = "POST"
    headers |= {"Content-Length": str(len(body)), "X-Request-Id": identifier}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
    return status


def _refused(reason: str, error: StorecastError) -> StorecastError:
    REFUSED.labels(reason).inc()
    return error


def _require_single(headers: Headers, pairs: list[tuple[bytes, bytes]]) -> None:
    """Refuse more than servers add, and one of Shopify's that comes twice: which of them counts is anybody's guess."""
    if sum(map(len, headers.values())) > MAX_HEADER_BYTES:
        raise _refused("header", HeadersTooLarge(f"Headers have at most {MAX_HEADER_BYTES} bytes."))
    if len(headers) != len(pairs):
        names = [name for name, _value in pairs if name.startswith(b"x-shopify-")]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise _malformed(twice)


def _header(headers: Headers, name: bytes, shape: re.Pattern[bytes]) -> str:
    value = headers.get(name, b"")
    if not shape.fullmatch(value):
        raise _malformed(name)
    return value.decode("ascii")


def _malformed(name: bytes) -> StorecastError:
    title = name.decode("ascii").title().replace("Api", "API")
    return _refused(
        "header",
        Invalid(
            f"The header {title} is missing or malformed.", errors=[FieldError(title, "malformed", "header")]
        ),
    )


def _require_object(body: bytes) -> None:
    """Whether it is one JSON object in UTF-8, without building it: that costs a quarter."""
    try:
        _OBJECT.decode(body)
        if not body.isascii():
            body.decode()
    except msgspec.ValidationError:
        raise _refused(
            "json",
            Invalid(
                "The body is not a JSON object.", errors=[FieldError("", "not an object", "not_an_object")]
            ),
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(
            "json",
            Invalid(
                "The body is not JSON.",
                code="malformed_json",
                errors=[FieldError("", str(error), "malformed_json")],
            ),
        ) from error


def _instant(value: bytes | None) -> datetime | None:
    """Triggered-At as an instant; it only helps to order, so an unreadable one is no reason to refuse."""
    if not value:
        return None
    try:
        instant = datetime.fromisoformat(value.decode("ascii"))
        if instant.tzinfo is UTC:
            return instant
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
