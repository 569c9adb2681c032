"""Request ids, access logs and request metrics as one pure ASGI middleware.

A caller's ``X-Request-ID`` is kept when it is short and plain, so that one id follows a request through nginx, the
API, the outbox and the worker.
"""

import itertools
import os
import re
import time

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storecast.observability import tracing

log = structlog.get_logger(__name__)

_PLAIN = re.compile(rb"[A-Za-z0-9._-]{8,64}")

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: a trace of each would bury the others."""

_PROCESS = os.urandom(8).hex()
_NUMBERS = itertools.count(1)
"""Ids that no other process and no other request has; they are no secret, and random ones cost a system call each."""

REQUESTS = Counter(
    "storecast_requests_total", "Answers by route and status class", ["process", "route", "status"]
)
REQUEST_SECONDS = Histogram("storecast_request_seconds", "Time to the last byte", ["process", "route"])


def request_id(scope: Scope) -> str:
    """The id that the middleware gave the request."""
    return str(scope.get("state", {}).get("request_id", ""))


def identify(scope: Scope, given: bytes | None) -> str:
    """Give the request its id, which is the caller's when that is short and plain; returns it."""
    identifier = given.decode() if given and _PLAIN.fullmatch(given) else f"{_PROCESS}{next(_NUMBERS):016x}"
    scope.setdefault("state", {})["request_id"] = identifier
    return identifier


class Meter:
    """Counts and times the answers of one process."""

    def __init__(self, process: str) -> None:
        self._process = process
        # Looking a series up by its labels costs more than counting in it.
        self._series: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def record(self, route: str, status: int, seconds: float) -> None:
        """One answer of a route, by its template."""
        key = (route, status // 100)
        if key not in self._series:
            self._series[key] = (
                REQUESTS.labels(self._process, route, f"{status // 100}xx"),
                REQUEST_SECONDS.labels(self._process, route),
            )
        count, duration = self._series[key]
        count.inc()
        duration.observe(seconds)


class RequestContext:
    """Names, times, counts and logs each HTTP request."""

    def __init__(self, app: ASGIApp, *, process: str, log_requests: bool = True) -> None:
        self._app = app
        self._meter = Meter(process)
        self._log_requests = log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        identifier = identify(scope, given)
        own_header = (b"x-request-id", identifier.encode())
        status = 500
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), own_header]}
            await send(message)

        bound = structlog.contextvars.bind_contextvars(request_id=identifier)
        try:
            with _span(scope) as span:
                try:
                    await self._app(scope, receive, send_with_id)
                finally:
                    self._record(scope, status, time.perf_counter() - started)
                    describe(span, scope, status)
        finally:
            structlog.contextvars.reset_contextvars(**bound)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        self._meter.record(route, status, seconds)
        if self._log_requests:
            log.info(
                "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1)
            )


def describe(span: tracing.Span, scope: Scope, status: int) -> None:
    """Say on the span of a request what became of it."""
    if span is tracing.OFF:
        return
    route = _route(scope)
    span.rename(f"{scope['method']} {route}")
    span.set(
        {
            "http.request.method": scope["method"],
            "http.route": route,
            "http.response.status_code": status,
            "storecast.request_id": request_id(scope),
        }
    )
    if status >= 500:
        span.failed(str(status))


def _route(scope: Scope) -> str:
    """The route's template, never the path: paths hold ids and tokens, and each would be a series of its own."""
    return getattr(scope.get("route"), "path", None) or "unmatched"


def _span(scope: Scope) -> tracing.Span:
    return tracing.OFF if scope["path"] in _PROBES else tracing.request_span(scope["method"])
