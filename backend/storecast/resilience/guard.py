"""What a client of an external host wraps its calls in: circuit and retry budget behind one door.

A Redis that is away lets every call pass and every retry go: the guard is a courtesy to hosts and to our own slots,
and the clients' bounded loops stay as they are. Stopping all work towards the outside because a cache restarts would
be the larger failure.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from storecast.config.settings import get_settings
from storecast.resilience.budget import Budgets
from storecast.resilience.circuit import Circuits, Pass

log = structlog.get_logger(__name__)

T = TypeVar("T")

TIMEOUT_S = 0.5
AWAY_S = 5.0
"""After an error Redis is not asked for this long: a network that swallows packets would cost each call the timeout."""


class Guard:
    """Circuits and budgets over one Redis; without one, everything passes."""

    def __init__(
        self,
        circuits: Circuits | None,
        budgets: Budgets | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._circuits = circuits
        self._budgets = budgets
        self._clock = clock
        self._away_until = 0.0

    def call(self, host: str, service: str, *, retry: bool = False) -> "Call":
        """A context manager around one call; entering raises CircuitOpen while the host is left alone.

        The body says `Call.failed` when the host failed. A body that ends well says that the host answered, whatever
        it answered; one that raises without a word (`Call.answered` is one) says nothing.
        """
        return Call(self, host, service, retry)

    def may_retry(self, host: str) -> bool:
        """Take one retry from the host's budget; False when it is spent."""
        budgets = self._budgets
        allowed = budgets is None or self._ask(lambda: budgets.take(host), True)
        if not allowed:
            log.info("retry_budget_spent", host=host)
        return allowed

    def failed(self, host: str, service: str, reason: str) -> None:
        """Report a failure that came after the call itself, such as a body that broke off."""
        circuits = self._circuits
        if circuits is not None:
            # Begun now as far as the circuit goes: it closed, if it did, before this.
            self._settle(Pass(host, service, _FAR_MS), "failed", reason)

    def _enter(self, host: str, service: str, retry: bool) -> Pass | None:
        circuits, budgets = self._circuits, self._budgets
        if budgets is not None and not retry:
            budgets.count_call(host)
        return None if circuits is None else self._ask(lambda: circuits.admit(host, service), None)

    def _settle(self, leave: Pass, outcome: Literal["ok", "failed", "given_up"], reason: str) -> None:
        circuits = self._circuits
        assert circuits is not None  # noqa: S101  # who has a pass asked them for it
        settled = self._ask(lambda: circuits.settle(leave, outcome, reason), None)
        if settled in {"opened", "reopened"}:
            log.warning("circuit_opened", host=leave.host, service=leave.service, error=reason)
        elif settled == "closed":
            log.info("circuit_closed", host=leave.host, service=leave.service)

    def _ask(self, question: Callable[[], T], otherwise: T) -> T:
        if self._clock() < self._away_until:
            return otherwise
        try:
            return question()
        except redis.RedisError as error:
            self._away_until = self._clock() + AWAY_S
            log.warning("circuits_unknown", error=type(error).__name__)
            return otherwise


_FAR_MS = 2**52


class Call:
    """One call under guard."""

    def __init__(self, guard: Guard, host: str, service: str, retry: bool) -> None:
        self._guard = guard
        self._host = host
        self._service = service
        self._retry = retry
        self._leave: Pass | None = None
        self._reason: str | None = None
        self._answered = False

    def answered(self) -> None:
        """The host answered, though the body ends with an error."""
        self._answered = True

    def failed(self, reason: str) -> None:
        """The host did not serve the call: no connection, a timeout, a 5xx."""
        self._reason = reason

    def __enter__(self) -> Self:
        self._leave = self._guard._enter(self._host, self._service, self._retry)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        leave = self._leave
        if leave is None:
            return
        if self._reason is not None:
            self._guard._settle(leave, "failed", self._reason)
        elif error is not None and not self._answered:
            if leave.probe:
                self._guard._settle(leave, "given_up", "")
        elif leave.troubled:
            self._guard._settle(leave, "ok", "")


def make_redis(url: str) -> redis.Redis:
    """A client that gives up soon: what it is asked for is not worth waiting for."""
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        # Once more, for a pooled connection that a restart of Redis has cut.
        retry=Retry(NoBackoff(), 1),
    )


@lru_cache(maxsize=1)
def _guard(redis_url: str) -> Guard:
    client = make_redis(redis_url)
    return Guard(Circuits(client), Budgets(client))


def process_guard() -> Guard:
    """The guard of this process; its connections see to forks themselves."""
    return _guard(get_settings().redis_url)


def host_of(url: str) -> str:
    """The name under which an address's host is known: with its port when that is no usual one."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
