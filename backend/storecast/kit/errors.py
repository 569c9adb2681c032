"""The error hierarchy: the class decides HTTP status and whether a job tries again.

StorecastError
├── Unauthenticated 401   ├── NotFound 404      ├── Invalid 422 (with field errors)
├── Forbidden 403         ├── Conflict 409      ├── TooLarge 413
├── TooMany 429           ├── Unavailable 503   ├── MethodNotAllowed 405
├── Retryable   the job runs again later
│   └── NotNow  it was not begun: it waits without using up an attempt
└── Permanent   the job goes to the dead letters at once
"""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field; ``pointer`` is a JSON pointer (RFC 6901)."""

    pointer: str
    message: str
    code: str


class StorecastError(Exception):
    """Root of every error that Storecast raises on purpose."""

    status: ClassVar[int] = 500
    code: str = "internal_error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", *, code: str | None = None, **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts
        if code is not None:
            self.code = code


class Unauthenticated(StorecastError):
    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(StorecastError):
    status = 403
    code = "forbidden"
    title = "Your role does not allow this"


class NotFound(StorecastError):
    status = 404
    code = "not_found"
    title = "There is no such thing here"


class MethodNotAllowed(StorecastError):
    status = 405
    code = "method_not_allowed"
    title = "This address does not take this method"


class Conflict(StorecastError):
    status = 409
    code = "conflict"
    title = "The state does not allow this"


class TooLarge(StorecastError):
    status = 413
    code = "too_large"
    title = "The request is too large"


class Invalid(StorecastError):
    """The request is understood and wrong; ``errors`` names each field."""

    status = 422
    code = "invalid"
    title = "The request is not valid"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[FieldError] | None = None,
        code: str | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(detail, code=code, **facts)
        self.errors = errors or []


class TooMany(StorecastError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"


class Unavailable(StorecastError):
    status = 503
    code = "unavailable"
    title = "A part of Storecast is away; try again soon"


class Retryable(StorecastError):
    """Worth another try; ``retry_after`` is in seconds, None leaves it to the back-off."""

    status = 503
    code = "retryable"

    def __init__(
        self, detail: str = "", *, retry_after: float | None = None, code: str | None = None, **facts: Any
    ) -> None:
        super().__init__(detail, code=code, **facts)
        self.retry_after = retry_after


class NotNow(Retryable):
    """Nothing was tried, so nothing failed: a job waits ``retry_after`` and keeps all its attempts."""

    code = "not_now"


class Permanent(StorecastError):
    """No retry will help."""

    code = "permanent"
