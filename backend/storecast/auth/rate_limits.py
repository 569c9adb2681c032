"""How much a caller and a shop may ask for in a minute, counted in Redis for all processes together.

Windows are whole minutes of the clock, so that when one ends needs no question. A process takes small lots of a budget
and spends them itself: what it has not spent when the minute ends is lost, which errs on the strict side by at most one
lot a process, and no more than the budget ever passes. While Redis is away requests pass: a limit protects the
others, and without Redis they are served too.

Headers: draft-ietf-httpapi-ratelimit-headers-10. The older X-RateLimit-* are not sent: no standard says what they mean.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import redis.asyncio
import structlog
from fastapi import Request
from limits.aio.storage import RedisStorage
from limits.aio.storage.base import Storage
from redis.exceptions import RedisError

from storecast.config.settings import Settings
from storecast.kit.errors import TooMany
from storecast.shops.access import Principal

log = structlog.get_logger(__name__)

WINDOW_S = 60
SHOP_TIMES = 5
"""A shop's people and programs together: five that each use their whole budget."""

LOTS = 50
"""Into how many lots a budget is cut: a process then asks Redis for one request in twenty at the usual budgets."""

REDIS_TIMEOUT_S = 0.5
PAUSE_S = 5.0
"""After Redis did not answer, requests pass unasked for so long instead of each waiting for the time-out."""

STANDING = "rate_limit"
"""The name under which a request's state carries its `Standing`."""

KEY_PREFIX = "storecast:rate"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

EXPENSIVE = frozenset(
    {
        "act_in_bulk",
        "check_template",
        "count_audience",
        "export_sync_results",
        "preview_campaign",
        "preview_segment",
        "pull_in_bulk",
        "read_overview",
        "send_test",
        "start_sync",
        "test_alert_channel",
    }
)
"""Routes by name that scan a shop's history, render untrusted templates or call out."""


class Budget(StrEnum):
    """What a request is counted as."""

    READS = "reads"
    WRITES = "writes"
    EXPENSIVE = "expensive"


class RateLimited(TooMany):
    """The minute's budget is spent; ``facts.retry_after`` says when the next one begins."""

    code = "rate_limited"
    title = "Too many requests in this minute"


@dataclass(frozen=True, slots=True)
class Quota:
    """One budget of one holder and what is left of it; ``left`` is negative when a request did not fit."""

    name: str
    limit: int
    left: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The quotas that a request was charged to, and the seconds until all of them are whole again."""

    quotas: Sequence[Quota]
    reset_s: int

    def headers(self) -> tuple[str, str]:
        """The values of ``RateLimit-Policy`` and ``RateLimit``."""
        policy = ", ".join(f'"{quota.name}";q={quota.limit};w={WINDOW_S}' for quota in self.quotas)
        left = ", ".join(f'"{quota.name}";r={max(0, quota.left)};t={self.reset_s}' for quota in self.quotas)
        return policy, left


@dataclass(slots=True)
class _Lot:
    """What this process may still spend of a budget, and what Redis had left beyond that."""

    mine: int = 0
    beyond: int = 0


class RateLimits:
    """The counters of one process over the shared ones."""

    def __init__(
        self,
        storage: Storage,
        per_minute: dict[Budget, int],
        clock: Callable[[], float] = time.time,
        pool: "redis.asyncio.ConnectionPool | None" = None,
    ) -> None:
        self._storage = storage
        self._pool = pool
        self._per_minute = per_minute
        self._clock = clock
        self._lots: dict[str, _Lot] = {}
        self._window = 0
        self._paused_until = 0.0
        self._away = False

    async def charge(self, budget: Budget, shop_id: int, caller: str) -> Standing | None:
        """Count one request; None while Redis is away. Whether it fits, the standing says."""
        now = self._clock()
        window = int(now // WINDOW_S)
        if window != self._window:
            self._window, self._lots = window, {}
        if now < self._paused_until:
            return None
        limit = self._per_minute[budget]
        holders = (("caller", f"{shop_id}:{caller}", limit), ("shop", str(shop_id), limit * SHOP_TIMES))
        quotas: list[Quota] = []
        try:
            for kind, holder, most in holders:
                left = await self._take(f"{budget}:{kind}:{holder}", window, most)
                quotas.append(Quota(f"{budget}-{kind}", most, left))
                if left < 0:
                    break  # what one caller is refused does not count against the others of the shop
        except (RedisError, OSError) as error:
            self._missed(now, error)
            return None
        if self._away:
            self._away = False
            log.info("rate_limits_back")
        return Standing(quotas, max(1, round((window + 1) * WINDOW_S - now)))

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _take(self, name: str, window: int, limit: int) -> int:
        """What is left after one more request; negative when it does not fit."""
        lot = self._lots.setdefault(name, _Lot())
        if lot.mine < 1:
            size = max(1, limit // LOTS)
            used = await self._storage.incr(f"{KEY_PREFIX}:{name}:{window}", WINDOW_S * 2, amount=size)
            lot.mine += max(0, min(size, limit - (used - size)))
            lot.beyond = max(0, limit - used)
            if lot.mine < 1:
                return -1
        lot.mine -= 1
        return lot.mine + lot.beyond

    def _missed(self, now: float, error: Exception) -> None:
        self._paused_until = now + PAUSE_S
        if not self._away:
            self._away = True
            log.warning("rate_limits_away", error=type(error).__name__)


def make(settings: Settings) -> RateLimits:
    """The limits of these settings; connects when the first request is counted."""
    pool = redis.asyncio.ConnectionPool.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
    )
    options: dict[str, Any] = {"connection_pool": pool}
    storage = RedisStorage("async+redis://", implementation="redispy", **options)
    return RateLimits(
        storage,
        {
            Budget.READS: settings.api_reads_per_minute,
            Budget.WRITES: settings.api_writes_per_minute,
            Budget.EXPENSIVE: settings.api_expensive_per_minute,
        },
        pool=pool,
    )


def budget_of(method: str, route_name: str) -> Budget:
    """What a call of a route is counted as."""
    if route_name in EXPENSIVE:
        return Budget.EXPENSIVE
    return Budget.READS if method in _SAFE_METHODS else Budget.WRITES


async def charge(request: Request) -> None:
    """Count the request of an authenticated caller; raises RateLimited. Declared after `authenticate`."""
    principal: Principal = request.state.principal
    budget = budget_of(request.method, request.scope["endpoint"].__name__)
    limits: RateLimits = request.app.state.rate_limits
    standing = await limits.charge(budget, principal.shop_id, principal.user_id)
    if standing is None:
        return
    setattr(request.state, STANDING, standing)
    if any(quota.left < 0 for quota in standing.quotas):
        raise RateLimited(
            f"Wait {standing.reset_s} seconds, then go on more slowly.", retry_after=standing.reset_s
        )
