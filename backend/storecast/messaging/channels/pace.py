"""A channel's own limit of messages a second, kept by all processes together.

Slots are handed out by Redis, a few at a time: a limit of a thousand costs some twenty questions a second. While Redis
is away each process keeps the limit for itself, which may be a few times too fast and never stands still.
"""

import time
from collections.abc import Callable, Iterable, Iterator

import redis
import structlog

from storecast.messaging.channels.protocol import Channel, Outcome
from storecast.messaging.compose import Prepared

log = structlog.get_logger(__name__)

PREFIX = "storecast:pace:"

GRAIN_S = 0.05
"""So much of a second is reserved at once."""

BATCH_S = 20.0
"""A batch ends after so long, and the rows that it has not taken go back: their lease must not run out meanwhile."""

AWAY_S = 5.0

_RESERVE = """
local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local due = math.max(now, tonumber(redis.call('get', KEYS[1]) or 0))
local wait = due - now
if wait > tonumber(ARGV[2]) then return -1 end
local after = due + tonumber(ARGV[1])
redis.call('set', KEYS[1], after, 'PX', math.ceil(after - now + 1000))
return wait
"""


class Pace:
    """Hands out slots of one server's limit."""

    def __init__(
        self,
        client: redis.Redis | None,
        name: str,
        per_second: int,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._script = client.register_script(_RESERVE) if client is not None else None
        self._key = PREFIX + name
        self._clock = clock
        self._due = 0.0
        self._away_until = 0.0
        self.per_second = per_second
        self.grain = max(1, round(per_second * GRAIN_S))

    def reserve(self, *, at_most_s: float) -> float | None:
        """Reserve `grain` slots; the seconds to wait for the first, None (nothing is reserved) when it is longer."""
        span_s = self.grain / self.per_second
        if self._script is not None and self._clock() >= self._away_until:
            try:
                waited = int(self._script(keys=[self._key], args=[span_s * 1000, round(at_most_s * 1000)]))
            except redis.RedisError as error:
                self._away_until = self._clock() + AWAY_S
                log.warning("pace_unknown", error=type(error).__name__)
            else:
                return None if waited < 0 else waited / 1000
        now = self._clock()
        due = max(now, self._due)
        if due - now > at_most_s:
            return None
        self._due = due + span_s
        return due - now


class PacedChannel:
    """Takes messages no faster than the pace allows; after `BATCH_S` it takes no more of the batch."""

    def __init__(
        self,
        inner: Channel,
        pace: Pace,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inner = inner
        self._pace = pace
        self._clock = clock
        self._sleep = sleep

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """As the channel itself, slower."""
        return self._inner.send(self._paced(messages))

    def connect(self) -> None:
        """As the channel itself."""
        self._inner.connect()

    def close(self) -> None:
        """As the channel itself."""
        self._inner.close()

    def _paced(self, messages: Iterable[Prepared]) -> Iterator[Prepared]:
        until = self._clock() + BATCH_S
        source = iter(messages)
        while True:
            # Nothing is taken before there is a slot for it: what was taken must be sent.
            wait_s = self._pace.reserve(at_most_s=max(until - self._clock(), 0.0))
            if wait_s is None:
                return
            if wait_s > 0:
                self._sleep(wait_s)
            for _slot in range(self._pace.grain):
                try:
                    message = next(source)
                except StopIteration:
                    return
                yield message
