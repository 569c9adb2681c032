"""HTTP to where a merchant says: to the public internet and nowhere else.

A name is resolved here, every address of it is checked, and the connection is made to an address that was checked, so
that the name cannot mean another one by then. Redirects are not followed and no proxy is used. Outside production a
receiver may run on the developer's machine.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

import httpx

from storecast.config.settings import get_settings
from storecast.kit.addresses import is_public

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
ADDRESSES_TRIED = 3
URL_LENGTH_MAX = 2000


class AddressRefused(Exception):
    """The address is none to go to; the text is fit for who wrote it."""


class NameUnknown(OSError):
    """Nobody knows the host's name, or nobody who does can be asked."""


def may_stay_inside() -> bool:
    """Whether addresses of this machine and its network are allowed."""
    return get_settings().environment != "production"


def split(url: str) -> SplitResult:
    """The parts of a web address; raises AddressRefused for what is none or is a private one."""
    if any(ord(sign) <= 32 or ord(sign) > 126 for sign in url):
        raise AddressRefused("A web address has no spaces and no signs outside ASCII.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("This is not a web address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        raise AddressRefused("This is not a web address that can be called.")
    if len(url) > URL_LENGTH_MAX:
        raise AddressRefused("This web address is too long.")
    with suppress(ValueError):  # a name, not an address
        _refuse_private(str(ipaddress.ip_address(parts.hostname)))
    return parts


def requests_to(
    parts: SplitResult, method: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None
) -> list[httpx.Request]:
    """One request for each address to try; resolves the name, which may take seconds."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return [
        _request(f"{parts.scheme}://{_literal(address)}:{port}{path}", method, parts, content, headers or {})
        for address in _checked_addresses(host, port)
    ]


def _request(
    url: str, method: str, parts: SplitResult, content: bytes, headers: Mapping[str, str]
) -> httpx.Request:
    try:
        return httpx.Request(
            method,
            url,
            content=content,
            headers={"Host": parts.netloc, **headers},
            # The certificate has to be the name's, not the address's.
            extensions={"sni_hostname": parts.hostname or ""},
        )
    except httpx.InvalidURL as error:
        raise AddressRefused("This is not a web address.") from error


async def exchange(requests: Sequence[httpx.Request], *, total_s: float) -> httpx.Response:
    """The head of the first answer; the body is nobody's business. Raises httpx.TransportError or TimeoutError.

    httpx limits each step; who sends headers byte by byte would hold the caller for hours without ``total_s``.
    """
    async with (
        asyncio.timeout(total_s),
        httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
    ):
        for request in requests[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await _head(client, request)
        return await _head(client, requests[-1])


async def _head(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    response = await client.send(request, stream=True)
    await response.aclose()
    return response


def _checked_addresses(host: str, port: int) -> list[str]:
    """The addresses to connect to. One that is not public makes the whole name suspect."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise AddressRefused("This is not a web address.") from error
    except OSError as error:
        raise NameUnknown(host) from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        _refuse_private(address)
    return addresses[:ADDRESSES_TRIED]


def _refuse_private(address: str) -> None:
    if not is_public(address) and not may_stay_inside():
        raise AddressRefused("The address belongs to a private network.")


def _literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address
