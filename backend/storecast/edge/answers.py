"""Bodies in and answers out of the edge: reads bounded in size and time, and small JSON."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from starlette.responses import Response
from starlette.types import Receive

from storecast.kit.errors import StorecastError

BODY_TIMEOUT_S = 5.0
"""For a whole body: Shopify gives up after five seconds, and the servers in front collect the bodies of browsers."""

_TOO_SLOW = "the body is too slow"


class BodyTruncated(StorecastError):
    """The sender hung up before the end of the body that it announced."""

    status: ClassVar[int] = 400
    code = "truncated"
    title = "The body ended early"


class BodyTooSlow(StorecastError):
    """The body did not come in time."""

    status: ClassVar[int] = 408
    code = "body_too_slow"
    title = "The body took too long"


async def read_body(receive: Receive, declared: str | bytes | None, limit_bytes: int) -> bytes | None:
    """The body, or None as soon as it is known to be larger than the limit.

    ``declared`` is the Content-Length; raises BodyTruncated and BodyTooSlow.
    """
    if declared and declared.isdigit() and int(declared) > limit_bytes:
        return None
    # asyncio.timeout does the same for three times the price, which every delivery would pay.
    if (task := asyncio.current_task()) is None:
        raise RuntimeError("a body is read in a task, which a slow one cancels")
    timer = asyncio.get_running_loop().call_later(BODY_TIMEOUT_S, task.cancel, _TOO_SLOW)
    try:
        message = await receive()
        body: bytes = message.get("body", b"")
        if message["type"] == "http.request" and not message.get("more_body", False):
            return body if len(body) <= limit_bytes else None
        return await _read_on(receive, message, limit_bytes)
    except asyncio.CancelledError as cancelled:
        if cancelled.args != (_TOO_SLOW,):
            raise
        task.uncancel()
        raise BodyTooSlow(f"The body was not complete after {BODY_TIMEOUT_S:.0f} s.") from None
    finally:
        timer.cancel()


async def _read_on(receive: Receive, message: Any, limit_bytes: int) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise BodyTruncated
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


def json_answer(status: int, content: Any, *, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON document that nobody may keep."""
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
