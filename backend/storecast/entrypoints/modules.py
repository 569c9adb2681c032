"""Which modules take part: routers, job bodies and webhook handlers, found by their file names.

A module that has a ``routes``, ``tasks`` or ``handlers`` file takes part in the API, the workers or the inbox; one with
``alert_figures`` has figures that alerts may watch.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import ModuleType

from fastapi import APIRouter
from fastapi.routing import APIRoute, iter_route_contexts

import storecast
from storecast.auth.idempotency import idempotent
from storecast.entrypoints import first_paths
from storecast.entrypoints.whole_calls import whole

PREFIX = "/api/v1"


def _parts(file: str) -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(storecast.__path__) if module.ispkg)
    paths = [f"storecast.{name}.{file}" for name in names]
    return [importlib.import_module(path) for path in paths if importlib.util.find_spec(path)]


@lru_cache(maxsize=1)
def routers() -> list[tuple[str, APIRouter]]:
    """Where the API's routers are served, and they, by module name; their creating calls may be repeated with a key."""
    found = [(PREFIX, part.router) for part in _parts("routes")] + [("", first_paths.router)]
    for route in api_routes(router for _prefix, router in found):
        if "POST" in (route.methods or ()):
            route.endpoint = idempotent(route.endpoint, route.status_code or 200)
        route.endpoint = whole(route)
    return found


def api_routes(found: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Every route of the routers, and of those inside them."""
    for router in found:
        for context in iter_route_contexts(router.routes):
            if isinstance(context.original_route, APIRoute):
                yield context.original_route


def register_jobs() -> None:
    """Make every job body, webhook handler and figure for alerts known to this process."""
    _parts("tasks")
    _parts("handlers")
    _parts("alert_figures")
