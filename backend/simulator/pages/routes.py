"""Every page's route in one list, for the program to mount."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from simulator.config import SimulatorConfig
from simulator.mail import routes as inbox
from simulator.mail.server import MailCatcher
from simulator.pages import admin, storefront
from simulator.pages.app_bridge import app_bridge_source
from simulator.pages.artwork import cover_svg
from simulator.pages.rendering import STATIC_DIR, Site
from simulator.store import Store
from simulator.world import World

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def routes(config: SimulatorConfig, store: Store, world: World, mail: MailCatcher) -> list[BaseRoute]:
    site = Site(config, store, world, mail)
    return [
        Route("/shopifycloud/app-bridge.js", _app_bridge),
        Route("/covers/{name}.svg", _cover),
        Route("/favicon.ico", _favicon),
        Mount("/static", StaticFiles(directory=STATIC_DIR), name="static"),
        Route("/shop/{shop}", _with_slash),
        *storefront.routes(site),
        *inbox.routes(mail),
        *admin.routes(site),
    ]


def _app_bridge(request: Request) -> Response:
    return Response(app_bridge_source(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _cover(request: Request) -> Response:
    return Response(cover_svg(request.path_params["name"]), media_type="image/svg+xml", headers=_FOREVER)


def _favicon(request: Request) -> Response:
    return PlainTextResponse("", 204)


def _with_slash(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.url.path}/{query}", 307)
