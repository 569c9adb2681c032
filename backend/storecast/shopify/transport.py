"""One pooled HTTP client per process for everything that goes to Shopify; no call is without a timeout."""

import math
import os
import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx

from storecast.kit.clock import utcnow

TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=10.0, pool=5.0)
LIMITS = httpx.Limits(max_connections=40, max_keepalive_connections=20, keepalive_expiry=30.0)
USER_AGENT = "Storecast"

MAX_RETRY_AFTER_S = 3600.0
"""What asks for longer is asked again after an hour: nobody stops a job for a year by a header."""

_lock = threading.Lock()
_clients: dict[int, httpx.Client] = {}


def http_client() -> httpx.Client:
    """This process's client; a forked child gets its own, since sockets must not be shared."""
    with _lock:
        pid = os.getpid()
        if pid not in _clients:
            _clients.clear()
            _clients[pid] = httpx.Client(timeout=TIMEOUT, limits=LIMITS, headers={"User-Agent": USER_AGENT})
        return _clients[pid]


def retry_after_s(response: httpx.Response, *, default: float) -> float:
    """The seconds of a Retry-After header (RFC 9110 §10.2.3: a number or a date), or the default."""
    value = response.headers.get("Retry-After", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - utcnow()).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return default
    return default if math.isnan(seconds) else min(max(0.0, seconds), MAX_RETRY_AFTER_S)


def host_failed(error: httpx.TransportError) -> bool:
    """Whether the error speaks against the host: a full pool and a malformed request are our own doing."""
    return not isinstance(error, httpx.PoolTimeout | httpx.LocalProtocolError | httpx.UnsupportedProtocol)


def never_arrived(error: httpx.TransportError) -> bool:
    """Whether the request certainly did not reach the server, so that even a mutation may be sent again."""
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


Sleep = Callable[[float], None]
