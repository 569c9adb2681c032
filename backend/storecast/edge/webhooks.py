"""Webhooks: raw bytes → HMAC → one durable row → 200. Topics are handled later, from the inbox."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from storecast.edge.answers import read_body
from storecast.edge.group_commit import GroupCommit, Sink, stage_jobs
from storecast.edge.shops import ShopDirectory
from storecast.kit.errors import FieldError, Invalid, NotFound, TooLarge, Unauthenticated
from storecast.shopify.hmac import verify_webhook

MAX_BODY_BYTES = 5 * 1024 * 1024
"""Orders with hundreds of lines reach some hundreds of KiB; ten times that is no webhook of Shopify's."""

PRIVACY_TOPICS = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
"""Accepted for shops that are long gone: Shopify requires an answer, and what is left of them must be erased."""

ACCEPTED = Counter("storecast_webhooks_accepted_total", "Webhooks on disk", ["topic"])
REFUSED = Counter("storecast_webhooks_refused_total", "Webhooks refused", ["reason"])

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_TOPIC = re.compile(r"[a-z_.]{1,64}/[a-z_.]{1,64}|[a-z_]{1,64}\.[a-z_]{1,64}")

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


class Webhooks:
    """The endpoint ``POST /webhooks``."""

    def __init__(self, commit: GroupCommit, shops: ShopDirectory, secrets: list[str]) -> None:
        self._commit = commit
        self._shops = shops
        self._secrets = secrets

    async def receive(self, request: Request) -> Response:
        """Store one delivery; a repeated one is acknowledged and changes nothing."""
        body = await read_body(request, MAX_BODY_BYTES)
        if body is None:
            REFUSED.labels("too_large").inc()
            raise TooLarge(f"A webhook has at most {MAX_BODY_BYTES} bytes.")
        if not verify_webhook(body, request.headers.get("x-shopify-hmac-sha256"), self._secrets):
            REFUSED.labels("hmac").inc()
            raise Unauthenticated("The HMAC does not fit the body.", code="hmac_invalid")
        row = await self._row(request, body)
        await self._commit.submit([row])
        ACCEPTED.labels(row[4]).inc()
        return Response(status_code=200)

    async def _row(self, request: Request, body: bytes) -> tuple[Any, ...]:
        headers = request.headers
        topic = _header(request, "X-Shopify-Topic", _TOPIC)
        domain = _header(request, "X-Shopify-Shop-Domain", _DOMAIN)
        webhook_id = _header(request, "X-Shopify-Webhook-Id", re.compile(r"[\x21-\x7e]{1,128}"))
        _require_object(body)
        shop = await self._shops.find_by_domain(domain)
        if shop is None and topic not in PRIVACY_TOPICS:
            REFUSED.labels("unknown_shop").inc()
            raise NotFound(
                "Storecast is not installed on this shop.", code="unknown_shop", field="X-Shopify-Shop-Domain"
            )
        return (
            shop.id if shop else None,
            domain,
            webhook_id,
            headers.get("x-shopify-event-id"),
            topic,
            headers.get("x-shopify-api-version"),
            _instant(headers.get("x-shopify-triggered-at")),
            body,
        )


def _header(request: Request, name: str, shape: re.Pattern[str]) -> str:
    value = request.headers.get(name, "")
    if not shape.fullmatch(value):
        REFUSED.labels("header").inc()
        raise Invalid(
            f"The header {name} is missing or malformed.", errors=[FieldError(name, "malformed", "header")]
        )
    return value


def _require_object(body: bytes) -> None:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        REFUSED.labels("json").inc()
        raise Invalid(
            "The body is not JSON.",
            code="malformed_json",
            errors=[FieldError("", str(error), "malformed_json")],
        ) from error
    if not isinstance(payload, dict):
        REFUSED.labels("json").inc()
        raise Invalid(
            "The body is not a JSON object.", errors=[FieldError("", "not an object", "not_an_object")]
        )


def _instant(value: str | None) -> datetime | None:
    """Triggered-At as an instant; it only helps to order, so an unreadable one is no reason to refuse."""
    if not value:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
