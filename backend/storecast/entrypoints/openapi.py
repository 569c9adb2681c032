"""The API's document: what FastAPI does not write by itself, and settings that serve to write it without a server."""

from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute
from pydantic import SecretStr

from storecast.auth import token_endpoint
from storecast.config.settings import Settings
from storecast.shops.access import Permission

DOCUMENT_SETTINGS = Settings(
    environment="test",
    app_secret_key=SecretStr("document"),
    session_secret_key=SecretStr("document"),
    database_url="postgresql:///none",
    redis_url="redis://none",
    celery_broker_url="memory://",
    shopify_api_key="document",
    shopify_api_secret=SecretStr("document"),
    shopify_app_url="https://storecast.example",
    shopify_redirect_uri="https://storecast.example/auth/callback",
    edge_url="https://storecast.example",
    smtp_url="smtp://localhost",
)

_PERMISSIONS = {
    Permission.READ: "look at everything of the store",
    Permission.EDIT: "change segments, campaigns and templates",
    Permission.SEND: "send campaigns",
    Permission.OPERATE: "steer jobs, schedules and workflows",
    Permission.MANAGE: "change the store's settings",
}


def declare_access(document: dict[str, Any], routes: Mapping[str, APIRoute]) -> None:
    """Write down how callers prove who they are and which permission each operation asks for; the rest ask for none.

    Tests walk the document and try every operation without it, so that a route that is not declared is found.
    """
    document.setdefault("components", {})["securitySchemes"] = {
        "idToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An ID token from Shopify's App Bridge, a fresh one with each request.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-storecast",
            "description": "The cookie of a sign-in at `/auth/login`; changes need `X-Storecast-CSRF: 1` too.",
        },
        "apiKey": {"type": "http", "scheme": "bearer", "description": "The secret of an API key, `sck_…`."},
        "oauth2": {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": token_endpoint.PATH,
                    "scopes": {permission.value: what for permission, what in _PERMISSIONS.items()},
                }
            },
        },
    }
    for item in document["paths"].values():
        for operation in item.values():
            route = routes.get(operation["operationId"])
            if route is None:
                operation["security"] = []
                continue
            (permission,) = route_permissions(route)
            operation["security"] = _security(permission)
            operation["x-permission"] = permission.value


def route_permissions(route: APIRoute) -> set[Permission]:
    """What a route's dependencies ask for."""
    found = {getattr(marker.dependency, "permission", None) for marker in route.dependencies}
    return {permission for permission in found if isinstance(permission, Permission)}


def _security(permission: Permission) -> list[dict[str, list[str]]]:
    return [{"idToken": []}, {"session": []}, {"apiKey": []}, {"oauth2": [permission.value]}]
