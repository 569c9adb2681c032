"""Errors as problem documents (RFC 9457), one table for the API and the edge."""

from dataclasses import asdict
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from storecast.kit.errors import Invalid, Retryable, StorecastError

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 5
"""What a 503 asks for when nothing better is known: past a restart of PostgreSQL, well under a sender's patience."""


class ProblemField(BaseModel):
    """One thing wrong with one field; ``pointer`` is a JSON pointer into the request."""

    pointer: str
    message: str
    code: str


class Problem(BaseModel):
    """A problem document (RFC 9457). ``code`` is stable; ``request_id`` finds the request in the logs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "The request is not valid",
                    "status": 422,
                    "detail": "Some fields are not valid.",
                    "code": "invalid",
                    "request_id": "7f0c9a4e2b7d4d0f9a5c3e1b8d6f2a40",
                    "errors": [{"pointer": "/email", "message": "Field required", "code": "missing"}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[ProblemField] | None = None
    facts: dict[str, Any] | None = None


def document(error: StorecastError, request_id: str) -> dict[str, Any]:
    """The members of the problem document; ``code`` is stable, ``detail`` is for people."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if isinstance(error, Invalid):
        body["errors"] = [asdict(item) for item in error.errors]
    if error.facts:
        body["facts"] = error.facts
    return body


def render(error: StorecastError, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer."""
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    if error.status in (429, 503):
        asked = error.retry_after if isinstance(error, Retryable) else error.facts.get("retry_after")
        headers["Retry-After"] = str(max(1, round(asked or RETRY_AFTER_S)))
    return error.status, headers, orjson.dumps(document(error, request_id), default=str)
