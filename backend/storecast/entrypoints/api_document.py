"""What FastAPI cannot know of the OpenAPI document: credentials, errors, examples, and what a tag is about.

Derived from the routes themselves wherever that is possible, so that a new route is described without a line here: what
it asks for says which refusals it has, its module's docstring says what its tag is about, its schemas give examples.
Codes that only a service knows stand in `api_errors`.
"""

import http
import inspect
import sys
from collections.abc import Sequence
from typing import Any

from fastapi.routing import APIRoute

from storecast.auth import idempotency
from storecast.entrypoints.api_errors import RAISED
from storecast.entrypoints.api_examples import example
from storecast.entrypoints.openapi import declare_access
from storecast.kit.errors import StorecastError
from storecast.observability.problems import MEDIA_TYPE
from storecast.shops.access import must_name_key

Document = dict[str, Any]

_WAITS = {
    "Retry-After": {
        "description": "Seconds to wait (RFC 9110, section 10.2.3)",
        "schema": {"type": "integer", "minimum": 1},
        "example": 5,
    }
}

_IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Makes the call repeatable for 24 hours: the same key with the same body answers the same again, with "
        f"`{idempotency.REPLAYED}: true`, and nothing happens twice."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.MAX_LENGTH, "pattern": "^[!-~]+$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}


def complete(document: Document, routes: Sequence[APIRoute]) -> Document:
    """The document with everything that the API's routes have in common; ``routes`` are those that ask who calls."""
    by_id = {route.name: route for route in routes}
    schemas = document["components"]["schemas"]
    tags: dict[str, str] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            route = by_id.get(operation["operationId"])
            if route is not None:  # else RFC 6749's, which has credentials and errors of its own
                _describe(operation, route, method, path)
                for tag in operation["tags"]:
                    tags.setdefault(tag, _about(route))
            else:
                refusals = RAISED.get(operation["operationId"], {})
                operation["responses"] |= {
                    str(status): _refusal(status, [*refusals[status]]) for status in refusals
                }
            _add_examples(operation, schemas)
    declare_access(document, by_id)
    document["tags"] = [{"name": name, "description": text} for name, text in sorted(tags.items())]
    document["components"]["examples"] = _problems(document)
    return document


def repeatable(route: APIRoute) -> bool:
    """Whether the route takes an idempotency key: a POST that works in one session."""
    return "POST" in (route.methods or ()) and idempotency.is_repeatable(inspect.unwrap(route.endpoint))


def _needs_key(route: APIRoute) -> bool:
    return must_name_key(inspect.unwrap(route.endpoint))


def codes(route: APIRoute, method: str, path: str) -> dict[int, list[str]]:
    """Every status with which the route refuses, and the codes that tell why."""
    raised = RAISED.get(route.name, {})
    changes = method not in ("get", "head")
    found: dict[int, list[str]] = {
        401: ["unauthenticated", "id_token_refused"],
        403: ["forbidden", *(["cross_site"] if changes else []), *raised.get(403, ())],
    }
    if "{" in path:
        found[404] = list(raised.get(404, ("not_found",)))
    if changes:
        own = list(raised.get(409, () if repeatable(route) else ("conflict",)))
        found[409] = own + (["idempotency_key_in_use"] if repeatable(route) else [])
    if route.body_field is not None:
        found[413] = ["too_large"]
    if route.body_field is not None or route.dependant.query_params or "{" in path or repeatable(route):
        keys = ["idempotency_key_invalid", "idempotency_key_reused"] if repeatable(route) else []
        keys += ["idempotency_key_required"] if _needs_key(route) else []
        found[422] = ["invalid", *(code for code in raised.get(422, ()) if code != "invalid"), *keys]
    found[429] = ["rate_limited", "too_many_requests", *raised.get(429, ())]
    found[503] = ["unavailable", *(code for code in raised.get(503, ()) if code != "unavailable")]
    for status, more in raised.items():
        found.setdefault(status, list(more))
    return dict(sorted(found.items()))


def _describe(operation: Document, route: APIRoute, method: str, path: str) -> None:
    for undivided in ("4XX", "5XX", "422"):
        operation["responses"].pop(undivided, None)
    for status, names in codes(route, method, path).items():
        operation["responses"][str(status)] = _refusal(status, names)
    if repeatable(route):
        operation.setdefault("parameters", []).append({**_IDEMPOTENCY_KEY, "required": _needs_key(route)})


def _refusal(status: int, names: list[str]) -> Document:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in names},
    }
    told = " or ".join(f"`{name}`" for name in names)
    response: Document = {
        "description": f"{http.HTTPStatus(status).phrase}: {told}",
        "content": {MEDIA_TYPE: content},
    }
    if status in (429, 503):
        response["headers"] = _WAITS
    return response


def _problems(document: Document) -> Document:
    """An example of every refusal that some route has, by its code."""
    titles = _titles(StorecastError)
    found = {
        (name, int(status))
        for item in document["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        for name in response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    }
    return {name: {"value": _problem(status, name, titles)} for name, status in sorted(found)}


def _problem(status: int, code: str, titles: dict[str, str]) -> Document:
    title = titles.get(code, http.HTTPStatus(status).phrase)
    body: Document = {"type": "about:blank", "title": title, "status": status, "detail": title, "code": code}
    body["request_id"] = "7f0c9a4e2b7d4d0f9a5c3e1b8d6f2a40"
    if status == 422:
        body["errors"] = [{"pointer": "/name", "message": "Field required", "code": "missing"}]
    return body


def _titles(error: type[StorecastError]) -> dict[str, str]:
    found = {error.code: error.title}
    for narrower in error.__subclasses__():
        found = _titles(narrower) | found
    return found


def _add_examples(operation: Document, schemas: Document) -> None:
    bodies = [operation.get("requestBody", {})]
    bodies += [response for status, response in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        for content in body.get("content", {}).values():
            if "example" not in content and "examples" not in content:
                content["example"] = example(content.get("schema", {}), schemas)


def _about(route: APIRoute) -> str:
    """The first sentence of the docstring of the module that has the route."""
    module = sys.modules[inspect.unwrap(route.endpoint).__module__]
    return (module.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
