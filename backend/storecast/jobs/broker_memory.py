"""How full the broker's memory is: Redis says so in a millisecond; RabbitMQ guards its own and is not asked.

The answer never holds anybody up: a Redis that does not answer within `TIMEOUT_S` is reported as that.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from storecast.config.settings import get_settings

TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class Memory:
    """What Redis holds and what it may hold; ``error`` when it did not say."""

    used_bytes: int | None
    limit_bytes: int | None
    error: str | None = None

    @property
    def percent(self) -> float | None:
        """Used of what may be used."""
        if self.used_bytes is None or not self.limit_bytes:
            return None
        return round(100 * self.used_bytes / self.limit_bytes, 1)


def read() -> Memory | None:
    """The broker's memory now; None when the broker is not Redis."""
    url = redis_url(get_settings().celery_broker_url)
    if url is None:
        return None
    no_retry = Retry(NoBackoff(), 0)
    try:
        with redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=no_retry
        ) as client:
            said: dict[str, Any] = client.info("memory")
    except redis.RedisError as error:
        return Memory(None, None, type(error).__name__)
    # Without a limit of its own Redis grows until the machine is full.
    return Memory(
        int(said["used_memory"]), int(said.get("maxmemory") or said.get("total_system_memory") or 0)
    )


def redis_url(broker_url: str) -> str | None:
    """A broker URL of Celery's as redis-py reads it; None for another broker's."""
    parts = urlsplit(broker_url)
    if parts.scheme == "redis+socket":
        database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
        return f"unix://{parts.path}?db={database}"
    return broker_url if parts.scheme in ("redis", "rediss", "unix") else None
