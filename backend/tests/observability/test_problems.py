"""Problem documents: status, code and headers follow from the class of the error."""

import orjson
import pytest

from storecast.kit import errors
from storecast.observability import problems


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.Unauthenticated(), 401, "unauthenticated"),
        (errors.Forbidden(), 403, "forbidden"),
        (errors.NotFound(), 404, "not_found"),
        (errors.Conflict(code="version_conflict"), 409, "version_conflict"),
        (errors.TooLarge(), 413, "too_large"),
        (errors.Invalid(), 422, "invalid"),
        (errors.TooMany(), 429, "too_many_requests"),
        (errors.Permanent(), 500, "permanent"),
        (errors.Unavailable(), 503, "unavailable"),
        (errors.Retryable(), 503, "retryable"),
    ],
)
def test_the_class_decides(error: errors.StorecastError, status: int, code: str) -> None:
    answered, headers, body = problems.render(error, "r1")
    document = orjson.loads(body)

    assert (answered, document["status"], document["code"], document["request_id"]) == (
        status,
        status,
        code,
        "r1",
    )
    assert document["detail"]
    assert headers["Content-Type"] == "application/problem+json"
    assert ("Retry-After" in headers) is (status in (429, 503))


def test_fields_and_facts_are_told() -> None:
    error = errors.Invalid("No.", errors=[errors.FieldError("/a/0", "wrong", "bad")], limit=3)

    assert problems.document(error, "r") == {
        "type": "about:blank",
        "title": "The request is not valid",
        "status": 422,
        "detail": "No.",
        "code": "invalid",
        "request_id": "r",
        "errors": [{"pointer": "/a/0", "message": "wrong", "code": "bad"}],
        "facts": {"limit": 3},
    }


@pytest.mark.parametrize(("asked", "header"), [(None, "5"), (0.2, "1"), (17.4, "17")])
def test_retry_after_is_what_was_asked_for(asked: float | None, header: str) -> None:
    _status, headers, _body = problems.render(errors.Retryable(retry_after=asked), "r")
    assert headers["Retry-After"] == header
