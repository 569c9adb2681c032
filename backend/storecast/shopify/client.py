"""The Admin GraphQL client of one shop.

Retries what can be retried inside a bounded wait: 429 and 503 (after a 503 not what must never run twice), other 5xx
and lost connections when the operation is a query or never arrived, THROTTLED after the time its cost says. Partial
data that comes with errors
is kept (a store without protected-data approval answers so). A refused token is renewed once a call, when the client
knows how: nothing has been executed then. A shop has its query budget (`throttle`, shared by all processes) and, its
domain being a host of its own, its circuit and retry budget (`resilience`): what fails at one shop leaves the others
alone, and being throttled is no failure. An answer is read up to a size and a time; a redirect is never followed, or
the token would go with it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog

from storecast.config.settings import Shopify
from storecast.observability import tracing
from storecast.resilience.guard import Guard, host_of, process_guard
from storecast.shopify import operations
from storecast.shopify.errors import (
    AccessDenied,
    AnswerTooLarge,
    OperationRefused,
    QueryTooCostly,
    ShopifyUnreachable,
    ShopUnavailable,
    Throttled,
    TokenRefused,
    UserErrors,
)
from storecast.shopify.notices import Notices
from storecast.shopify.operations import Operation
from storecast.shopify.throttle import Throttle, process_throttle, read_cost
from storecast.shopify.transport import Sleep, host_failed, http_client, never_arrived, retry_after_s

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 4
MAX_WAIT_S = 20.0
"""Waiting longer than this inside a call would hold a worker for nothing: the job is retried later instead."""

FIRST_BACKOFF_S = 0.5

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Far above what a query of 1,000 points can answer; whatever is longer is not read to its end."""

MAX_ANSWER_S = 60.0
"""An answer that trickles in beats the time-out of each read, and is given up after this."""

THROTTLED_WAIT_S = 1.0
"""When a THROTTLED answer does not say for how long."""

_notices = Notices()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation returned; ``errors`` is not empty when Shopify withheld a part of ``data``."""

    data: dict[str, Any]
    errors: list[dict[str, Any]] = field(default_factory=list)
    cost: dict[str, Any] | None = None
    api_version: str | None = None


class AdminClient:
    """Sends operations to one shop with one access token."""

    def __init__(
        self,
        shopify: Shopify,
        shop_domain: str,
        access_token: str,
        *,
        renew: Callable[[str], str] | None = None,
        http: httpx.Client | None = None,
        throttle: Throttle | None = None,
        guard: Guard | None = None,
        sleep: Sleep = time.sleep,
        notices: Notices = _notices,
    ) -> None:
        self.shop_domain = shop_domain
        self._version = shopify.api_version
        self._notices = notices
        self._url = f"{shopify.origin(shop_domain)}/admin/api/{shopify.api_version}/graphql.json"
        self._host = host_of(self._url)
        self._guard = guard or process_guard()
        self._token = access_token
        self._renew = renew
        self._http = http or http_client()
        self._throttle = throttle or process_throttle()
        self._sleep = sleep

    def execute(self, name: str, variables: dict[str, Any] | None = None) -> Answer:
        """Send the operation of that name; raises one of `storecast.shopify.errors`, or CircuitOpen."""
        with tracing.span("shopify.call", kind="client", attributes={"graphql.operation.name": name}):
            try:
                return self._execute(name, variables)
            except TokenRefused:
                if self._renew is None:
                    raise
                log.info("shopify_token_refused", operation=name)
                self._token = self._renew(self._token)
                return self._execute(name, variables)

    def _execute(self, name: str, variables: dict[str, Any] | None) -> Answer:
        operation = operations.load(name)
        waited = 0.0
        for attempt in range(1, MAX_ATTEMPTS + 1):
            at_most_s = MAX_WAIT_S - waited
            due_s = self._throttle.reserve(self.shop_domain, operation.name, at_most_s=at_most_s)
            waited += self._wait(due_s, waited)
            try:
                return self._send(operation, variables or {}, retry=attempt > 1)
            except _TryAgain as again:
                if attempt == MAX_ATTEMPTS or (again.host_failed and not self._guard.may_retry(self._host)):
                    raise again.final from again
                backoff = again.wait_s if again.wait_s is not None else FIRST_BACKOFF_S * 2 ** (attempt - 1)
                log.info("shopify_call_retried", operation=name, attempt=attempt, error_code=again.final.code)
                waited += self._wait(backoff, waited, instead=again.final)
        raise AssertionError("unreachable")

    def mutate(self, name: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a mutation of one field and return its payload; raises UserErrors when it refused its input."""
        answer = self.execute(name, variables)
        payload = next(iter(answer.data.values()), None)
        if not isinstance(payload, dict):
            raise OperationRefused(f"{name}: {_messages(answer.errors)}")
        if refused := user_errors(payload):
            raise UserErrors(name, refused)
        return payload

    def _wait(self, seconds: float, waited: float, *, instead: Exception | None = None) -> float:
        if seconds <= 0:
            return 0.0
        if waited + seconds > MAX_WAIT_S:
            raise instead or Throttled("the shop's query budget is spent", retry_after=seconds)
        self._sleep(seconds)
        return seconds

    def _send(self, operation: Operation, variables: dict[str, Any], *, retry: bool) -> Answer:
        try:
            response = self._post({"query": operation.text, "variables": variables}, retry=retry)
        except httpx.TransportError as error:
            unreachable = ShopifyUnreachable(type(error).__name__)
            if operation.repeatable or never_arrived(error):
                raise _TryAgain(unreachable, host_failed=host_failed(error)) from error
            raise unreachable from error
        _check_status(response, operation)
        return self._parse(response, operation)

    def _post(self, body: dict[str, Any], *, retry: bool) -> httpx.Response:
        with self._guard.call(self._host, "shopify", retry=retry) as call:
            try:
                response = self._read(body)
            except httpx.TransportError as error:
                if host_failed(error):
                    call.failed(type(error).__name__)
                raise
            if response.status_code >= 500:
                call.failed(f"HTTP {response.status_code}")
            return response

    def _read(self, body: dict[str, Any]) -> httpx.Response:
        """The answer with its whole body; raises AnswerTooLarge, or ReadTimeout for one that trickles."""
        headers = {"X-Shopify-Access-Token": self._token, "Accept": "application/json"}
        deadline = time.monotonic() + MAX_ANSWER_S
        with self._http.stream(
            "POST", self._url, json=body, headers=headers, follow_redirects=False
        ) as response:
            content = bytearray()
            for block in response.iter_bytes():
                content += block
                if len(content) > MAX_ANSWER_BYTES:
                    raise AnswerTooLarge(f"more than {MAX_ANSWER_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer trickles in", request=response.request)
        # The body is decoded by now: without its codings, which would be undone a second time.
        kept = [(name, value) for name, value in response.headers.multi_items() if name not in _CODINGS]
        return httpx.Response(response.status_code, headers=kept, content=bytes(content))

    def _parse(self, response: httpx.Response, operation: Operation) -> Answer:
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise ShopifyUnreachable("the answer is not a JSON object")
        self._notices.read(response, operation=operation.name, asked=self._version)
        errors = _error_list(body.get("errors"))
        codes = {_code(error) for error in errors}
        extensions = body.get("extensions")
        given = extensions.get("cost") if isinstance(extensions, dict) else None
        cost = read_cost(given, throttled="THROTTLED" in codes)
        self._throttle.record(self.shop_domain, operation.name, cost)
        if "THROTTLED" in codes:
            wait_s = cost.wait_s if cost else THROTTLED_WAIT_S
            raise _TryAgain(Throttled("the shop's query budget is spent", retry_after=wait_s), wait_s)
        data = body.get("data")
        if not isinstance(data, dict) or (errors and all(value is None for value in data.values())):
            if "ACCESS_DENIED" in codes:
                raise AccessDenied(_messages(errors))
            if "MAX_COST_EXCEEDED" in codes:
                raise QueryTooCostly(f"{operation.name}: {_messages(errors)}")
            if "INTERNAL_SERVER_ERROR" in codes and operation.repeatable:
                raise _TryAgain(ShopifyUnreachable(_messages(errors)), host_failed=True)
            raise OperationRefused(f"{operation.name}: {_messages(errors)}")
        cost_fields = given if isinstance(given, dict) else None
        return Answer(data, errors, cost_fields, response.headers.get("X-Shopify-API-Version"))


_CODINGS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class _TryAgain(Exception):
    """Carries what to raise when no try is left."""

    def __init__(
        self, final: ShopifyUnreachable | Throttled, wait_s: float | None = None, *, host_failed: bool = False
    ) -> None:
        super().__init__(final.code)
        self.final = final
        self.wait_s = wait_s
        self.host_failed = host_failed


def user_errors(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """The ``userErrors`` of a mutation's payload; those in no known form are left out."""
    errors = payload.get("userErrors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _check_status(response: httpx.Response, operation: Operation) -> None:
    status = response.status_code
    if status == 200:
        return
    if status in (429, 503):
        wait_s = retry_after_s(response, default=1.0)
        unreachable = ShopifyUnreachable(f"HTTP {status}", retry_after=wait_s)
        if status == 503 and operation.once:
            raise unreachable
        raise _TryAgain(unreachable, wait_s, host_failed=status == 503)
    if status >= 500:
        unreachable = ShopifyUnreachable(f"HTTP {status}")
        raise _TryAgain(unreachable, host_failed=True) if operation.repeatable else unreachable
    if status == 401:
        raise TokenRefused("HTTP 401")
    if status == 403:
        raise AccessDenied("HTTP 403")
    if status in (402, 404, 423):
        raise ShopUnavailable(f"HTTP {status}")
    raise OperationRefused(f"{operation.name}: HTTP {status}")


def _error_list(errors: Any) -> list[dict[str, Any]]:
    # Legacy answers carry a bare string here, e.g. "[API] Invalid API key or access token".
    if isinstance(errors, str):
        return [{"message": errors}]
    if not isinstance(errors, list):
        return [{"message": "errors in an unknown form"}] if errors else []
    return [error for error in errors if isinstance(error, dict)]


def _code(error: dict[str, Any]) -> str | None:
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return code if isinstance(code, str) else None


def _messages(errors: list[dict[str, Any]]) -> str:
    return "; ".join(str(error.get("message", "")) for error in errors) or "no data"
