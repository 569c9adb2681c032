"""The edge as one ASGI application: what the world sends, acknowledged after commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from storecast.config.settings import Settings
from storecast.db.roles import Role
from storecast.edge import heart, pixel, tracking, webhooks
from storecast.edge.group_commit import GroupCommit, Sink, stage_jobs
from storecast.edge.shops import ShopDirectory
from storecast.kit.clock import utcnow
from storecast.kit.errors import StorecastError
from storecast.observability import problems, tracing
from storecast.observability.requests import RequestContext, request_id

log = structlog.get_logger(__name__)

PROCESS_EVENTS = stage_jobs("fresh", "events.process", "default", "process")
"""Stages the job that reads new events: the name, queue and key of `events.jobs.ProcessEvents` (a test compares)."""

PIXEL_SINK = Sink(
    name="pixel",
    columns=pixel.COLUMNS,
    merge=f"""
    fresh AS (
      INSERT INTO pixel_events ({", ".join(name for name, _kind in pixel.COLUMNS)})
      SELECT * FROM incoming ON CONFLICT DO NOTHING RETURNING shop_id
    ), {PROCESS_EVENTS}
    """,
)

TRACKING_SINK = Sink(
    name="tracking",
    columns=tracking.COLUMNS,
    merge=f"""
    fresh AS (
      INSERT INTO message_events ({", ".join(name for name, _kind in tracking.COLUMNS)})
      SELECT * FROM incoming ON CONFLICT DO NOTHING RETURNING shop_id
    ), {PROCESS_EVENTS}
    """,
)


class Edge:
    """The parts of the edge, wired together."""

    def __init__(
        self, settings: Settings, read_click: tracking.ReadClick, open_address: tracking.OpenAddress
    ) -> None:
        dsn, role = settings.database_url, Role.EDGE.value
        self.shops = ShopDirectory(dsn, role)
        self._webhook_commit = GroupCommit(dsn, role, webhooks.SINK)
        self._pixel_commit = GroupCommit(dsn, role, PIXEL_SINK)
        self._tracking_commit = GroupCommit(dsn, role, TRACKING_SINK)
        self.webhooks = webhooks.Webhooks(self._webhook_commit, self.shops, settings.shopify.secrets())
        self._read_click = read_click
        self._app_url = settings.shopify.app_url
        self._open_address = open_address
        self._links: dict[tuple[int, int, int], str] = {}

    def routes(self) -> list[Route]:
        """Every address of the edge but the webhooks'."""
        submit, read_click = self._tracking_commit.submit, self._read_click
        click = tracking.click_endpoint(submit, read_click, self._find_link, self._open_address)
        pixel_endpoint = pixel.endpoint(self._pixel_commit.submit, self._shop_id_of_key, read_click)
        return [
            Route("/pixel/v1/events", pixel_endpoint, methods=["POST", "OPTIONS"]),
            Route("/o/{token}.gif", tracking.open_endpoint(submit, read_click), methods=["GET", "HEAD"]),
            Route("/c/{token}/{n:int}", click, methods=["GET", "HEAD"]),
            Route("/c/{token}/{n:int}/{sealed}", click, methods=["GET", "HEAD"]),
            Route(
                "/u/{token}",
                tracking.unsubscribe_endpoint(submit, read_click, self._find_shop_name, self._app_url),
                methods=["GET", "HEAD", "POST"],
            ),
            # Behind one address nginx asks the API itself; elsewhere the link in a message comes here.
            Route(
                "/p/{token}",
                tracking.preferences_endpoint(read_click, self._app_url),
                methods=["GET", "HEAD"],
            ),
        ]

    def start(self) -> None:
        """Begin to write."""
        for commit in self._commits():
            commit.start()

    async def stop(self) -> None:
        """Write what waits, then close."""
        for commit in self._commits():
            await commit.stop()
        await self.shops.close()

    async def ready(self, _request: Request) -> Response:
        """Ready when PostgreSQL answers; otherwise the problem says 503."""
        await self.shops.fetch("SELECT 1")
        return PlainTextResponse("ready")

    def _commits(self) -> tuple[GroupCommit, ...]:
        return self._webhook_commit, self._pixel_commit, self._tracking_commit

    async def _shop_id_of_key(self, key: str) -> int | None:
        shop = await self.shops.find_by_pixel_key(key)
        return shop.id if shop and shop.installed else None

    async def _find_link(self, shop_id: int, campaign_id: int, number: int) -> str | None:
        """Links of a campaign that has been frozen never change, so they are remembered."""
        key = (shop_id, campaign_id, number)
        if key not in self._links:
            rows = await self.shops.fetch(
                "SELECT url FROM campaign_links "
                "WHERE shop_id = $1 AND campaign_id = $2 AND number = $3 AND NOT personal",
                *key,
            )
            if not rows:
                return None
            if len(self._links) > 100_000:
                self._links.clear()
            self._links[key] = rows[0][0]
        return self._links[key]

    async def _find_shop_name(self, shop_id: int) -> str | None:
        rows = await self.shops.fetch("SELECT name FROM shops WHERE id = $1", shop_id)
        return rows[0][0] if rows else None


class _FrontDoor:
    """Webhooks on their short way, everything else through middleware and router."""

    def __init__(self, hooks: webhooks.Webhooks, others: ASGIApp) -> None:
        self._hooks = hooks
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and (path == "/webhooks" or path.startswith("/webhooks/")):
            await self._hooks(scope, receive, send)
        else:
            await self._others(scope, receive, send)


def create_app(
    settings: Settings, read_click: tracking.ReadClick, open_address: tracking.OpenAddress
) -> ASGIApp:
    """The edge over these settings; the functions open tracking tokens, and addresses that are sealed into links."""
    edge = Edge(settings, read_click, open_address)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tracing.configure("edge")
        edge.start()
        beating = asyncio.create_task(heart.beat_forever(edge.shops, utcnow()), name="heart")
        yield
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await edge.stop()
        await asyncio.to_thread(tracing.shutdown)

    others = Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", edge.ready),
            Route("/metrics", _metrics),
            *edge.routes(),
        ],
        exception_handlers={StorecastError: _problem, Exception: _problem},
        lifespan=lifespan,
    )
    return _FrontDoor(edge.webhooks, RequestContext(others, process="edge", log_requests=False))


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, StorecastError):
        log.error("edge_failed", exc_info=error)
        error = StorecastError()
    status, headers, body = problems.render(error, request_id(request.scope))
    if request.url.path.startswith("/pixel/"):
        headers = {**headers, **pixel.CORS}
    return Response(body, status_code=status, headers=headers)
