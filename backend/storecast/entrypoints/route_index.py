"""Which route serves a request, by a table over the beginning of its path instead of one look at every route.

FastAPI tries its routes one by one, those of an included router twice: with 300 of them that takes a fifth of a read.
The order counts here as it does there, and whatever no route serves in full (another method, a slash too many, no such
path) goes the framework's own way, which knows how to say so.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi.routing import APIRoute, APIRouter, RouteContext, iter_route_contexts
from starlette.convertors import Convertor
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

HEAD_PARTS = 4
"""`/api/v1/customers` has four, the empty one before the first slash among them: more than that names a thing."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route, and how its paths begin; ``route`` is None for what is none of FastAPI's and has rules of its own."""

    head: str | None
    """None: they begin in any way."""
    route: APIRoute | None
    methods: Collection[str]
    path: re.Pattern[str]
    convertors: Mapping[str, Convertor[Any]]
    endpoint: Callable[..., Any] | None
    app: ASGIApp

    def values_in(self, path: str) -> dict[str, Any] | None:
        """The values in a path; None when it is not for this route."""
        found = self.path.match(path)
        if found is None:
            return None
        return {name: self.convertors[name].convert(value) for name, value in found.groupdict().items()}


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

    def find(self, method: str, path: str) -> tuple[_Entry, dict[str, Any]] | None:
        """The entry that serves a request in full, and the values in its path."""
        for entry in self._table.get(_head(path), ()):
            values = entry.values_in(path) if method in entry.methods else None
            if values is not None:
                return entry, values
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] == "http" and not scope.get("root_path")
        found = self.find(scope["method"], scope["path"]) if plain else None
        if found is None:
            await self._otherwise(scope, receive, send)
            return
        entry, values = found
        scope.update(router=self._router, route=entry.route, endpoint=entry.endpoint, path_params=values)
        await entry.app(scope, receive, send)


def _entry(context: RouteContext) -> _Entry:
    route = context.original_route
    head = _head(context.path_format) if isinstance(route, Route) and context.path_format else "{"
    return _Entry(
        head=None if "{" in head else head,
        route=route if isinstance(route, APIRoute) else None,
        methods=context.methods or (),
        path=context.path_regex,
        convertors=context.param_convertors,
        endpoint=context.endpoint,
        app=context.app,
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
