"""The API process: REST under ``/api/v1`` and at `first_paths`, sign-in under ``/auth``, and the pages of the app.

`uvicorn storecast.entrypoints.api:app`. Routers come from the modules; this file only puts them together.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from storecast import __version__
from storecast.auth import dependencies, idempotency, pages, rate_limits, sign_in, token_endpoint
from storecast.auth.sessions import add_sessions
from storecast.auth.shared_looks import SharedLooks
from storecast.config.settings import Settings, get_settings
from storecast.entrypoints import api_docs, api_document, first_paths
from storecast.entrypoints.answer_headers import AnswerHeaders
from storecast.entrypoints.heart import Heart
from storecast.entrypoints.metrics import LedgerCollector
from storecast.entrypoints.modules import api_routes, register_jobs, routers
from storecast.entrypoints.route_index import RouteIndex
from storecast.jobs import stream
from storecast.kit.errors import FieldError, Invalid, MethodNotAllowed, NotFound, StorecastError, TooLarge
from storecast.messaging import public_routes
from storecast.observability import health, logs, problems, tracing
from storecast.observability.requests import RequestContext, request_id

log = structlog.get_logger(__name__)

DESCRIPTION = """
Marketing for Shopify stores: segments, campaigns, attribution.

Errors are problem documents (RFC 9457) with a stable `code`. Lists are keyset pages: pass `next_cursor` back as
`cursor`. Money is an integer in minor units beside its ISO 4217 currency; instants are ISO 8601 in UTC.

Every answer has an `X-Request-ID`; one of your own (8 to 64 of `A-Z a-z 0-9 . _ -`) is kept. `RateLimit-Policy` and
`RateLimit` say how much may be asked for in this minute and what is left. Creating calls take an `Idempotency-Key`.
"""

EXPOSED = ["X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy", idempotency.REPLAYED]
"""What a script of another origin may read of an answer besides its body."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be served as it is", "model": problems.Problem},
    "5XX": {"description": "Try again later", "model": problems.Problem},
}


class Api(FastAPI):
    """FastAPI whose document says of every route who may call it, what it answers and how it refuses."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            asking = api_routes(router for _prefix, router in routers())
            api_document.complete(super().openapi(), list(asking))
        return super().openapi()


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API over these settings."""
    settings = settings or get_settings()
    register_jobs()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        tracing.configure("api")
        heart = Heart("api")
        heart.start()
        with _streams_end_on_signals():
            yield
        heart.stop()
        await app.state.rate_limits.close()
        app.state.looks.close()
        tracing.shutdown()

    app = Api(
        title="Storecast",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=lambda route: route.name,
        # `observability.tracing` traces; FastAPI's own would also carry what callers sent.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.looks = SharedLooks()
    app.state.rate_limits = rate_limits.make(settings)
    for prefix, router in routers():
        app.include_router(router, prefix=prefix, dependencies=[Depends(_admit)], responses=PROBLEMS)
    _add_health(app, settings)
    app.include_router(token_endpoint.router)
    app.include_router(first_paths.open_router)
    app.include_router(api_docs.router)
    app.include_router(sign_in.router)
    app.include_router(public_routes.router)
    app.include_router(pages.router)
    app.router.middleware_stack = RouteIndex(app.router)
    add_sessions(app, settings)
    _add_origins(app, settings)
    app.add_middleware(AnswerHeaders, settings=settings, varies=bool(settings.cors_origins))
    app.add_middleware(RequestContext, process="api")
    app.add_exception_handler(StorecastError, _storecast_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(DataError, _unstorable_problem)
    app.add_exception_handler(Exception, _unexpected_problem)
    return app


async def _admit(request: Request) -> None:
    """What comes before every route: one dependency, since each costs FastAPI more than most of these do."""
    await dependencies.authenticate(request)
    await rate_limits.charge(request)
    await idempotency.note(request)


def _add_origins(app: FastAPI, settings: Settings) -> None:
    """Let scripts of the configured origins call with a token of their own; a browser's session is never theirs."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", idempotency.HEADER, "X-Request-ID"],
            expose_headers=EXPOSED,
            max_age=600,
        )


@contextmanager
def _streams_end_on_signals() -> Iterator[None]:
    """A server that is told to stop waits for open answers before it ends the lifespan, and a live stream would keep
    it for minutes: streams hear of the signal first, then whoever handled it before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stream.close)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _add_health(app: FastAPI, settings: Settings) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Response:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        failing = health.failing_parts(settings)
        return JSONResponse({"ready": not failing, "failing": failing}, status_code=503 if failing else 200)

    ledger = LedgerCollector()

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest() + ledger.text(), media_type=CONTENT_TYPE_LATEST)


async def _storecast_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, StorecastError)  # noqa: S101  # registered for this class only
    return _answer(request, error)


async def _validation_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class only
    items = [
        FieldError("/" + "/".join(str(part) for part in item["loc"][1:]), item["msg"], item["type"])
        for item in error.errors()
    ]
    return _answer(request, Invalid("Some fields are not valid.", errors=items))


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class only
    known: dict[int, type[StorecastError]] = {404: NotFound, 405: MethodNotAllowed, 413: TooLarge}
    if error.status_code == 400:
        # What FastAPI says of bytes that are no text; of text that is no JSON it says a validation error.
        unreadable = FieldError("", "The body is not JSON in UTF-8.", "json_invalid")
        return _answer(request, Invalid("The body cannot be read.", errors=[unreadable]))
    answer = _answer(request, known.get(error.status_code, StorecastError)())
    answer.headers.update(error.headers or {})
    return answer


async def _unstorable_problem(request: Request, error: Exception) -> Response:
    """JSON may carry a NUL character in any text, PostgreSQL stores none: the caller's mistake, wherever it shows."""
    assert isinstance(error, DataError)  # noqa: S101  # registered for this class only
    if "NUL" not in str(error.orig):
        return await _unexpected_problem(request, error)
    return _answer(request, Invalid("A text holds a NUL character, which cannot be stored."))


async def _unexpected_problem(request: Request, error: Exception) -> Response:
    log.error("request_failed", exc_info=error)
    return _answer(request, StorecastError())


def _answer(request: Request, error: StorecastError) -> Response:
    status, headers, body = problems.render(error, request_id(request.scope))
    headers |= getattr(error, "headers", {})
    return Response(body, status_code=status, headers=headers)


def _served() -> FastAPI:
    logs.configure("api")
    return create_app()


def __getattr__(name: str) -> FastAPI:
    """Make ``app`` when the server asks for it: importing this file needs no settings."""
    if name == "app":
        return _served()
    raise AttributeError(name)
