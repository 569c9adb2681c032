"""`POST /returns/{channel}/{code}`: where providers and mail servers report what came back."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import TooLarge
from storecast.messaging import returns_doors
from storecast.messaging.returns.reports import MAX_RAW_BYTES

router = APIRouter()


class Taken(BaseModel):
    """What became of the reports: those that were news, those that were known, and those of no message of the shop."""

    recorded: int
    repeated: int
    ignored: int


async def _body(request: Request) -> bytes:
    """The bytes as they came, bounded before they are held."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_RAW_BYTES:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_RAW_BYTES:
            raise TooLarge
    return bytes(body)


@router.post("/returns/{channel_id}/{code}")
def take_returns(
    channel_id: Annotated[str, Path(max_length=64)],
    code: Annotated[str, Path(max_length=128)],
    request: Request,
    raw: Annotated[bytes, Depends(_body)],
) -> Taken:
    """Take what a channel's provider reports, or a notification as raw mail (``message/rfc822``)."""
    shop_id = returns_doors.find_shop(channel_id, code)
    counts = returns_doors.receive(
        partial(tenant_session, shop_id), shop_id, channel_id, request.headers, raw, now=utcnow()
    )
    return Taken(recorded=counts.recorded, repeated=counts.repeated, ignored=counts.ignored)
