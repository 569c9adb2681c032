"""A retry budget per external host: retries are at most a share of calls, whoever makes them.

A token bucket in Redis. It is full until somebody retries, and each call puts back a part of a token, so that a few
failures are retried at once while a host that fails everything sees hardly more calls than it would have anyway.
Calls are counted in the process and put in with its next retry: a healthy host costs no write.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

import redis

PREFIX = "storecast:budget:"

CAPACITY = 10.0
"""Retries in a row, over all processes, before calls have to earn them."""

SHARE = 0.1
"""Of a retry that a call earns."""

PER_S = 0.1
"""What time earns: a shop that is called once an hour may still retry."""

MAX_COUNTED_HOSTS = 4096
"""Call counters kept per process, the oldest dropped: a lost count costs its host a few retries."""

_TAKE = """
local now = tonumber(ARGV[1])
if now < 0 then local t = redis.call('time'); now = t[1] * 1000 + math.floor(t[2] / 1000) end
local capacity, earned, per_s = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('hmget', KEYS[1], 'tokens', 'at')
local tokens = tonumber(known[1] or capacity) + earned
tokens = math.min(capacity, tokens + math.max(0, now - tonumber(known[2] or now)) / 1000 * per_s)
local taken = tokens >= 1 and 1 or 0
tokens = tokens - taken
redis.call('hset', KEYS[1], 'tokens', tostring(tokens), 'at', now)
-- Full again by then, which is what no key means.
redis.call('pexpire', KEYS[1], math.ceil(capacity / per_s * 1000))
return taken
"""


class Budgets:
    """The budgets of all hosts. Methods that ask Redis raise redis.RedisError when it is away."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        capacity: float = CAPACITY,
        share: float = SHARE,
        per_s: float = PER_S,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.capacity = capacity
        self._redis = client
        self._share = share
        self._per_s = per_s
        self._clock = clock
        self._take = client.register_script(_TAKE)
        self._lock = threading.Lock()
        self._calls: OrderedDict[str, int] = OrderedDict()

    def count_call(self, host: str) -> None:
        """Note a first try; retries are not counted, or they would pay for themselves."""
        with self._lock:
            self._calls[host] = self._calls.pop(host, 0) + 1
            if len(self._calls) > MAX_COUNTED_HOSTS:
                self._calls.popitem(last=False)

    def take(self, host: str) -> bool:
        """Whether a call may be tried again."""
        with self._lock:
            earned = self._calls.pop(host, 0) * self._share
        now = -1 if self._clock is None else round(self._clock() * 1000)
        return bool(self._take(keys=[PREFIX + host], args=[now, self.capacity, earned, self._per_s]))

    def left(self, host: str) -> float:
        """Retries that are left, as of the last one plus what time has earned since."""
        tokens, at = self._redis.hmget(PREFIX + host, "tokens", "at")
        if tokens is None or at is None:
            return self.capacity
        if self._clock is not None:
            now_s = self._clock()
        else:
            seconds, micros = self._redis.time()
            now_s = int(seconds) + int(micros) / 1e6
        since_s = max(0.0, now_s - float(at) / 1000)
        return min(self.capacity, float(tokens) + since_s * self._per_s)
