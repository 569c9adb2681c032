"""The scheduler of `celery beat`: in memory, and only the holder of a Redis lock sends.

Several beats may run; when the leader dies its lock runs out and another takes over. What a tick stages has a
unique key, so that a change of leader at the wrong moment stages nothing twice.
"""

import os
import socket
from typing import Any

import redis
import structlog
from celery.beat import Scheduler

from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow

log = structlog.get_logger(__name__)

LOCK = "storecast:beat:leader"
LOCK_S = 30
"""A dead leader is replaced after this long; ticks that fell into the gap are sent then."""

MAX_INTERVAL_S = 5.0
"""Wake at least this often, to renew the lock."""

_RENEW = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('expire', KEYS[1], ARGV[2]) end
if redis.call('set', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end
return 0
"""


class LockedScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Sends only while it holds the lock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_interval = MAX_INTERVAL_S
        self._redis = redis.Redis.from_url(get_settings().redis_url, socket_timeout=5)
        self._me = f"{socket.gethostname()}:{os.getpid()}:{utcnow().timestamp()}"

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due if this is the leader; returns the seconds to sleep."""
        if not self._lead():
            return MAX_INTERVAL_S
        return min(float(super().tick(*args, **kwargs)), MAX_INTERVAL_S)

    def close(self) -> None:
        """Give the lock back, so that the next leader need not wait."""
        try:
            if self._redis.get(LOCK) == self._me.encode():
                self._redis.delete(LOCK)
        except redis.RedisError as error:
            log.info("beat_lock_not_released", error=type(error).__name__)
        super().close()

    def _lead(self) -> bool:
        try:
            return bool(self._redis.eval(_RENEW, 1, LOCK, self._me, LOCK_S))
        except redis.RedisError as error:
            log.warning("beat_waits", error=type(error).__name__)
            return False
