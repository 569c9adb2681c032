"""Pixel batches: parsed without side effects, then one durable row per good event.

A batch may be repeated: events keep the id and instant that the browser gave them. One bad event costs only
itself. Beacons are unauthenticated by nature, so the public key only says whose shop they speak of, and
everything in them is bounded.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from storecast.edge.answers import json_answer, read_body
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid, NotFound, TooLarge
from storecast.kit.money import to_minor
from storecast.messaging.tokens import Tracked

MAX_BODY_BYTES = 64 * 1024
"""The cap that browsers put on a keepalive request (Fetch standard, inflight keepalive bytes)."""

MAX_EVENTS = 20
MAX_FUTURE = timedelta(minutes=5)
"""A visitor's clock may be a little fast; more than this is a wrong clock."""

MAX_AGE = timedelta(days=7)
"""The extension drops its queue after this long, and day partitions this old may be gone."""

EVENT_NAMES = frozenset(
    {
        "page_viewed",
        "product_viewed",
        "collection_viewed",
        "search_submitted",
        "cart_viewed",
        "product_added_to_cart",
        "product_removed_from_cart",
        "checkout_started",
        "checkout_contact_info_submitted",
        "checkout_address_info_submitted",
        "checkout_shipping_info_submitted",
        "payment_info_submitted",
        "checkout_completed",
    }
)

COLUMNS = (
    ("shop_id", "bigint"),
    ("event_id", "uuid"),
    ("occurred_at", "timestamptz"),
    ("name", "text"),
    ("client_id", "text"),
    ("seq", "integer"),
    ("url", "text"),
    ("referrer", "text"),
    ("click_token", "text"),
    ("campaign_id", "bigint"),
    ("delivery_id", "bigint"),
    ("customer_gid", "text"),
    ("product_gid", "text"),
    ("variant_gid", "text"),
    ("quantity", "integer"),
    ("cart_token", "text"),
    ("checkout_token", "text"),
    ("order_gid", "text"),
    ("value_minor", "bigint"),
    ("currency", "text"),
    ("search", "text"),
    ("consent", "jsonb"),
    ("pixel_version", "text"),
)
"""The columns of a row made by `to_rows` and their types, in its order."""

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "86400",
    # The pixel waits as long as it is asked to, and may read that only when told so.
    "Access-Control-Expose-Headers": "Retry-After",
}

Key = Annotated[str, msgspec.Meta(min_length=4, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Address = Annotated[str, msgspec.Meta(max_length=2048)]
Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$")]
Small = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


def _gid(kind: str) -> Any:
    return Annotated[str, msgspec.Meta(pattern=rf"^gid://shopify/{kind}/[0-9]{{1,20}}$")]


class Consent(msgspec.Struct, frozen=True):
    """What the visitor allowed when the event happened."""

    analytics: bool
    marketing: bool


class WireEvent(msgspec.Struct, frozen=True):
    """One event as the extension sends it. Fields of a newer extension are passed over."""

    id: UUID
    name: Annotated[str, msgspec.Meta(max_length=64)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    client_id: Token
    consent: Consent
    seq: Small | None = None
    url: Address | None = None
    referrer: Address | None = None
    click: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    customer_gid: _gid("Customer") | None = None  # type: ignore[valid-type]  # an Annotated made by a function
    product_gid: _gid("Product") | None = None  # type: ignore[valid-type]
    variant_gid: _gid("ProductVariant") | None = None  # type: ignore[valid-type]
    quantity: Small | None = None
    cart_token: Token | None = None
    checkout_token: Token | None = None
    order_gid: _gid("Order") | None = None  # type: ignore[valid-type]
    value: Amount | None = None
    currency: Currency | None = None
    search: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    pixel: Version | None = None


class _Envelope(msgspec.Struct, frozen=True):
    v: int
    key: Key
    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a batch was not kept."""

    index: int
    pointer: str
    code: str
    detail: str

    def as_json(self) -> dict[str, Any]:
        return {"index": self.index, "pointer": self.pointer, "code": self.code, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Batch:
    """A readable batch: whose it is, the good events, and what was wrong with the others."""

    key: str
    events: list[WireEvent]
    rejected: list[Rejection]


_TOO_LARGE = f"A batch has at most {MAX_BODY_BYTES} bytes."
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_EVENT = msgspec.json.Decoder(WireEvent)


def parse_batch(body: bytes, now: datetime) -> Batch:
    """Read a body; raises Invalid or TooLarge when nothing of it can be kept."""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(_TOO_LARGE)
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        pointer, detail = _located(error)
        raise _refusal("invalid", detail, pointer) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _refusal("malformed_json", "The body is not JSON.", "") from None
    if envelope.v != 1:
        raise _refusal("unknown_version", "Only version 1 of the wire is known.", "/v")
    if len(envelope.events) > MAX_EVENTS:
        raise _refusal("too_many_events", f"A batch has at most {MAX_EVENTS} events.", "/events")
    events: list[WireEvent] = []
    rejected: list[Rejection] = []
    for index, raw in enumerate(envelope.events):
        found = _read_event(index, raw, now)
        if isinstance(found, Rejection):
            rejected.append(found)
        else:
            events.append(found)
    return Batch(envelope.key, events, rejected)


def _read_event(index: int, raw: msgspec.Raw, now: datetime) -> WireEvent | Rejection:
    at = f"/events/{index}"
    try:
        event = _EVENT.decode(raw)
    except msgspec.ValidationError as error:
        pointer, detail = _located(error)
        return Rejection(index, at + pointer, "invalid", detail)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Rejection(index, at, "malformed_json", "The event is not JSON.")
    if event.name not in EVENT_NAMES:
        return Rejection(index, f"{at}/name", "unknown_event", "There is no such event.")
    if event.at > now + MAX_FUTURE:
        return Rejection(index, f"{at}/at", "in_the_future", "The instant is more than 5 minutes ahead.")
    if event.at < now - MAX_AGE:
        return Rejection(index, f"{at}/at", "too_old", "The instant is more than 7 days ago.")
    if not event.consent.analytics:
        return Rejection(
            index, f"{at}/consent/analytics", "consent_missing", "The visitor did not allow this."
        )
    if event.value is not None and event.currency is None:
        return Rejection(index, f"{at}/currency", "currency_missing", "An amount needs its currency.")
    for field in ("client_id", "url", "referrer", "click", "cart_token", "checkout_token", "search"):
        if "\x00" in (getattr(event, field) or ""):
            return Rejection(index, f"{at}/{field}", "invalid", "The text holds a NUL character.")
    return event


def _refusal(code: str, detail: str, pointer: str) -> Invalid:
    return Invalid(detail, code=code, errors=[FieldError(pointer, detail, code)])


def _located(error: msgspec.ValidationError) -> tuple[str, str]:
    """msgspec says where as ``… - at `$.events[0].name```; a JSON pointer says it to anyone."""
    message, _, path = str(error).partition(" - at `$")
    pointer = re.sub(r"[.\[]", "/", path.rstrip("`")).replace("]", "")
    missing = re.search(r"missing required field `(\w+)`", message)
    return (f"{pointer}/{missing[1]}" if missing else pointer), message


def to_rows(batch: Batch, shop_id: int, read_click: Callable[[str], Tracked | None]) -> list[tuple[Any, ...]]:
    """Rows for `COLUMNS`. A click token counts only when it was signed here and for this shop."""
    rows = []
    for event in batch.events:
        click = read_click(event.click) if event.click else None
        if click is not None and click.shop_id != shop_id:
            click = None
        rows.append(
            (
                shop_id,
                event.id,
                event.at.astimezone(UTC),
                event.name,
                event.client_id,
                event.seq,
                event.url,
                event.referrer,
                event.click if click else None,
                click.campaign_id if click else None,
                click.delivery_id if click else None,
                event.customer_gid,
                event.product_gid,
                event.variant_gid,
                event.quantity,
                event.cart_token,
                event.checkout_token,
                event.order_gid,
                to_minor(event.value, event.currency) if event.value and event.currency else None,
                event.currency,
                event.search,
                msgspec.json.encode(event.consent).decode(),
                event.pixel,
            )
        )
    return rows


Submit = Callable[[Sequence[tuple[Any, ...]]], Awaitable[None]]
FindShop = Callable[[str], Awaitable[int | None]]


def endpoint(
    submit: Submit, find_shop: FindShop, read_click: Callable[[str], Tracked | None]
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of POST /pixel/v1/events. ``submit`` returns once the rows are on disk."""

    async def handle(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=CORS)
        body = await read_body(request.receive, request.headers.get("content-length"), MAX_BODY_BYTES)
        if body is None:
            raise TooLarge(_TOO_LARGE)
        batch = parse_batch(body, utcnow())
        shop_id = await find_shop(batch.key)
        if shop_id is None:
            raise NotFound("No store has this pixel key.", code="unknown_key", pointer="/key")
        rows = to_rows(batch, shop_id, read_click)
        if rows:
            await submit(rows)
        answer = {"accepted": len(rows), "rejected": [rejection.as_json() for rejection in batch.rejected]}
        return json_answer(202, answer, headers=CORS)

    return handle
