"""Which route serves a request, by a table over the beginning of its path instead of one look at every route.

FastAPI tries its routes one by one, those of an included router twice: with 300 of them that takes a fifth of a read.
The order counts here as it does there, and whatever no route serves in full (another method, a slash too many, no such
path) goes the framework's own way, which knows how to say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi.routing import APIRoute, APIRouter, RouteContext, iter_route_contexts
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

HEAD_PARTS = 4
"""`/api/v1/customers` has four, the empty one before the first slash among them: more than that names a thing."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route, and how its paths begin; ``route`` is None for what is no route of FastAPI's and has rules of its own."""

    head: str | None
    """None: they begin in any way."""
    context: RouteContext
    route: APIRoute | None

    def serves(self, method: str, path: str) -> dict[str, Any] | None:
        """The values in the path; None when it is not for this route."""
        if method not in (self.context.methods or ()):
            return None
        found = self.context.path_regex.match(path)
        if found is None:
            return None
        convertors = self.context.param_convertors
        return {name: convertors[name].convert(value) for name, value in found.groupdict().items()}


class RouteIndex:
    """Serves what it finds in its table; the router behind it serves the rest."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._otherwise: ASGIApp = router.middleware_stack

    @cached_property
    def _table(self) -> dict[str, list[_Entry]]:
        # Made with the first request: until then routes may be added.
        entries = [_entry(context) for context in iter_route_contexts(self._router.routes)]
        return {
            head: _until_unknown([entry for entry in entries if entry.head in (head, None)])
            for head in {entry.head for entry in entries if entry.head is not None}
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            method, path = scope["method"], scope["path"]
            for entry in self._table.get(_head(path), ()):
                values = entry.serves(method, path)
                if values is not None:
                    scope["router"] = self._router
                    scope["route"] = entry.route
                    scope["endpoint"] = entry.context.endpoint
                    scope["path_params"] = values
                    await entry.context.app(scope, receive, send)
                    return
        await self._otherwise(scope, receive, send)


def _entry(context: RouteContext) -> _Entry:
    route = context.original_route
    head = _head(context.path_format) if isinstance(route, Route) and context.path_format else "{"
    return _Entry(
        head=None if "{" in head else head,
        context=context,
        route=route if isinstance(route, APIRoute) else None,
    )


def _head(path: str) -> str:
    return "/".join(path.split("/", HEAD_PARTS)[:HEAD_PARTS])


def _until_unknown(entries: Sequence[_Entry]) -> list[_Entry]:
    """Those before the first that is no route of FastAPI's: what comes after it may be its business."""
    known = []
    for entry in entries:
        if entry.route is None:
            break
        known.append(entry)
    return known
