"""The table of routes serves what a look at every route in its order would, and leaves the rest to the framework."""

import re
from collections.abc import Iterator

from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from fastapi.testclient import TestClient

from storecast.entrypoints.api import create_app


def _contexts() -> list[RouteContext]:
    return list(iter_route_contexts(create_app().router.routes))


def _paths(context: RouteContext) -> Iterator[str]:
    """Paths of the route: with an id in its places, and with what may be the name of another route's."""
    assert context.path_format is not None
    for value in ("cus_1", "1", "stream", "count", "imports"):
        yield re.sub(r"\{[^}]+\}", value, context.path_format)


def test_every_path_is_served_by_the_first_route_that_takes_it(client: TestClient) -> None:
    served: list[str] = []

    contexts = _contexts()
    app = client.app
    index = app.router.middleware_stack  # type: ignore[attr-defined]
    for context in contexts:
        if not isinstance(context.original_route, APIRoute):
            continue
        for path in _paths(context):
            for method in context.methods or ():
                first = next(
                    each
                    for each in contexts
                    if method in (each.methods or ()) and each.path_regex.match(path) is not None
                )
                found = index.find(method, path)
                if found is None:
                    # Only what begins in any way, as pages do, has no place in the table.
                    assert "{" in "/".join((first.path_format or "").split("/")[:4]), path
                    continue
                entry, values = found
                assert entry.endpoint.__name__ == first.endpoint.__name__, path  # type: ignore[union-attr]
                assert values == first.path_regex.match(path).groupdict(), path
                served.append(path)
    assert len(served) > 200


def test_what_no_route_serves_is_told_by_the_framework(client: TestClient, signed_in: dict[str, str]) -> None:
    wrong_method = client.put("/api/v1/customers", headers=signed_in)
    assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, "method_not_allowed")
    assert wrong_method.headers["Allow"] == "GET"
    for path in ("/api/v1/customers/", "/api/v1/no-such-thing"):
        nothing = client.get(path, headers=signed_in)
        assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found"), path
