"""The query budget of a shop: a leaky bucket that Shopify reports with every answer (extensions.cost).

All processes of the installation draw on one bucket a shop, which Redis holds: what one has reserved the others see.
While Redis is away each process goes by its own view, which it keeps up to date all along. Either way it spares most
refused calls only; the answer THROTTLED stays the last word. What Shopify reports is believed within bounds: numbers
that are missing, negative, huge or no numbers at all can neither crash a call nor keep the next ones waiting for long.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import redis
import structlog

from storecast.config.settings import get_settings
from storecast.resilience.guard import AWAY_S, make_redis

log = structlog.get_logger(__name__)

PREFIX = "storecast:throttle:"

MAX_SHOPS = 4096
"""Buckets kept per process, least recently used dropped: an unknown bucket only costs a THROTTLED answer."""

MAX_OPERATIONS = 1024
"""Costs kept per process; operations are files, so that this is never reached but by a mistake."""

MAX_POINTS = 100_000.0
"""More than twice the largest bucket (Enterprise: 2,000 a second): what says more is a mistake."""

MIN_RESTORE_PER_S = 1.0
"""A hundredth of the slowest plan."""

MAX_WAIT_S = 120.0
"""No honest bucket takes longer to cover one query of 1,000 points."""

UNKNOWN_COST = 10.0
"""Of an operation that was never sent from here: what a mutation costs, and most of our queries."""

LINGER_S = 60


@dataclass(frozen=True, slots=True)
class Cost:
    """A ``cost`` extension whose numbers can be used. ``actual`` is 0 for a query that was throttled."""

    requested: float
    actual: float
    available: float
    maximum: float
    restore_per_s: float

    @property
    def wait_s(self) -> float:
        """Seconds until the query is covered."""
        return min(MAX_WAIT_S, max(0.0, self.requested - self.available) / self.restore_per_s)


def read_cost(given: Any, *, throttled: bool = False) -> Cost | None:
    """The cost of an answer, None when it says nothing usable about the bucket."""
    if not isinstance(given, dict) or not isinstance(given.get("throttleStatus"), dict):
        return None
    status = given["throttleStatus"]
    maximum, restore = _points(status.get("maximumAvailable")), _points(status.get("restoreRate"))
    available, requested = _points(status.get("currentlyAvailable")), _points(given.get("requestedQueryCost"))
    if not maximum or not restore or available is None or requested is None:
        return None
    actual = 0.0 if throttled else _points(given.get("actualQueryCost"))
    # A query that costs more than the bucket holds would never be covered.
    requested = min(requested, maximum)
    return Cost(
        requested=requested,
        actual=requested if actual is None else min(actual, requested),
        available=min(available, maximum),
        maximum=maximum,
        restore_per_s=max(restore, MIN_RESTORE_PER_S),
    )


def _points(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        points = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(points) else min(max(points, 0.0), MAX_POINTS)


class Throttle(Protocol):
    """Predicts how long an operation has to wait for a shop's bucket."""

    def reserve(self, shop: str, operation: str, *, at_most_s: float) -> float:
        """Take the operation's last known cost; the seconds until it is covered.

        Nothing is taken when that is longer than ``at_most_s``: the call will not be made.
        """

    def record(self, shop: str, operation: str, cost: Cost | None) -> None:
        """Learn from an answer."""


@dataclass(slots=True)
class _Bucket:
    available: float
    maximum: float
    restore_per_s: float
    at: float

    def refill(self, now: float) -> None:
        self.available = min(self.maximum, self.available + max(0.0, now - self.at) * self.restore_per_s)
        self.at = now


class CostThrottle:
    """The view of one process. Safe under threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._costs: OrderedDict[str, float] = OrderedDict()

    def cost_of(self, operation: str) -> float:
        """What the operation cost last."""
        with self._lock:
            return self._costs.get(operation, UNKNOWN_COST)

    def reserve(self, shop: str, operation: str, *, at_most_s: float = MAX_WAIT_S) -> float:
        """Take the operation's last known cost from the bucket; the seconds until it is covered."""
        with self._lock:
            bucket = self._buckets.get(shop)
            if bucket is None:
                return 0.0
            bucket.refill(self._clock())
            cost = min(self._costs.get(operation, UNKNOWN_COST), bucket.maximum)
            wait_s = max(0.0, cost - bucket.available) / bucket.restore_per_s
            if wait_s <= at_most_s:
                bucket.available -= cost
            return wait_s

    def record(self, shop: str, operation: str, cost: Cost | None) -> None:
        """Learn from an answer: the lower of what Shopify says and what is left beside the others' reservations."""
        if cost is None:
            return
        with self._lock:
            self._costs[operation] = cost.requested
            self._costs.move_to_end(operation)
            while len(self._costs) > MAX_OPERATIONS:
                self._costs.popitem(last=False)
            now = self._clock()
            known, available = self._buckets.get(shop), cost.available
            if known is not None and known.maximum == cost.maximum:
                known.refill(now)
                available = min(available, known.available + cost.requested - cost.actual)
            self._buckets[shop] = _Bucket(available, cost.maximum, cost.restore_per_s, now)
            self._buckets.move_to_end(shop)
            while len(self._buckets) > MAX_SHOPS:
                self._buckets.popitem(last=False)


_REFILL = """
local now = tonumber(ARGV[1])
if now < 0 then local t = redis.call('time'); now = t[1] * 1000 + math.floor(t[2] / 1000) end
local known = redis.call('hmget', KEYS[1], 'available', 'maximum', 'restore', 'at')
local available, maximum, restore = tonumber(known[1]), tonumber(known[2]), tonumber(known[3])
if available then
  available = math.min(maximum, available + math.max(0, now - tonumber(known[4])) / 1000 * restore)
end
local function keep()
  redis.call('hset', KEYS[1], 'available', tostring(available), 'maximum', tostring(maximum),
             'restore', tostring(restore), 'at', now)
  -- Full again by then, which is what no key means.
  redis.call('pexpire', KEYS[1], math.ceil((maximum - math.min(available, 0)) / restore * 1000) + tonumber(ARGV[2]))
end
"""

_RESERVE = (
    _REFILL
    + """
if not available then return '0' end
local cost = math.min(tonumber(ARGV[3]), maximum)
local wait = math.max(0, cost - available) / restore
if wait <= tonumber(ARGV[4]) then available = available - cost; keep() end
return tostring(wait)
"""
)

_RECORD = (
    _REFILL
    + """
local reported, most, back = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
if available and maximum == most then available = math.min(reported, available + back) else available = reported end
maximum, restore = most, tonumber(ARGV[5])
keep()
return 1
"""
)


class SharedThrottle:
    """The bucket that all processes share; one's own view while Redis is away."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        own: CostThrottle | None = None,
        clock: Callable[[], float] = time.monotonic,
        redis_clock: Callable[[], float] | None = None,
    ) -> None:
        self._own = own or CostThrottle()
        self._clock = clock
        self._redis_clock = redis_clock
        self._reserve = client.register_script(_RESERVE)
        self._record = client.register_script(_RECORD)
        self._away_until: float | None = None

    def reserve(self, shop: str, operation: str, *, at_most_s: float = MAX_WAIT_S) -> float:
        """Take the operation's last known cost; the seconds until it is covered."""
        answer = self._ask(self._reserve, shop, self._own.cost_of(operation), at_most_s)
        if answer is None:
            return self._own.reserve(shop, operation, at_most_s=at_most_s)
        return float(answer)

    def record(self, shop: str, operation: str, cost: Cost | None) -> None:
        """Learn from an answer, for every process."""
        self._own.record(shop, operation, cost)
        if cost is not None:
            back = cost.requested - cost.actual
            self._ask(self._record, shop, cost.available, cost.maximum, cost.restore_per_s, back)

    def _ask(self, script: Callable[..., Any], shop: str, *args: float) -> Any:
        """The script's answer, None while Redis is away; that is logged when it begins and when it ends."""
        if self._away_until is not None and self._clock() < self._away_until:
            return None
        now_ms = -1 if self._redis_clock is None else round(self._redis_clock() * 1000)
        try:
            answer = script(keys=[PREFIX + shop], args=[now_ms, LINGER_S * 1000, *args])
        except redis.RedisError as error:
            if self._away_until is None:
                log.warning("shopify_budget_not_shared", error=type(error).__name__)
            self._away_until = self._clock() + AWAY_S
            return None
        if self._away_until is not None:
            self._away_until = None
            log.info("shopify_budget_shared_again")
        return answer


@lru_cache(maxsize=1)
def _shared(redis_url: str) -> SharedThrottle:
    return SharedThrottle(make_redis(redis_url))


def process_throttle() -> SharedThrottle:
    """The throttle of this process; its connections see to forks themselves."""
    return _shared(get_settings().redis_url)
