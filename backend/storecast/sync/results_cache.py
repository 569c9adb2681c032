"""Pages of results in Redis. A page's name holds the version of its rows: a write makes another name, and what was kept
under the old one is never asked for again. While Redis is away there is simply nothing kept.

Everything is plain text under a name that holds the shop: an erasure finds a person's pages by their content.
"""

import time
from functools import lru_cache

import redis
import structlog

from storecast.config.settings import get_settings
from storecast.kit.types import ShopId
from storecast.resilience.guard import make_redis

log = structlog.get_logger(__name__)

PREFIX = "storecast:results:"

KEPT_S = 60
"""People turn pages back and forth within a minute. Longer would keep more people's data for fewer hits."""

MAX_BYTES = 1024 * 1024

AWAY_S = 5.0
"""After Redis did not answer it is left alone for so long: a request must not wait for it twice."""


class ResultsCache:
    """The pages that one process may find."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._away_until = 0.0

    def find(self, shop_id: ShopId, name: str) -> bytes | None:
        """The page of a name, None when it is not kept."""
        if time.monotonic() < self._away_until:
            return None
        try:
            found = self._redis.get(f"{PREFIX}{shop_id}:{name}")
        except (redis.RedisError, OSError) as error:
            self._missed(error)
            return None
        return found if isinstance(found, bytes) else None

    def keep(self, shop_id: ShopId, name: str, page: bytes) -> None:
        """Keep a page for a while, unless it is a giant."""
        if len(page) > MAX_BYTES or time.monotonic() < self._away_until:
            return
        try:
            self._redis.set(f"{PREFIX}{shop_id}:{name}", page, ex=KEPT_S)
        except (redis.RedisError, OSError) as error:
            self._missed(error)

    def _missed(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AWAY_S
        log.warning("results_cache_away", error=type(error).__name__)


@lru_cache(maxsize=1)
def _cache(redis_url: str) -> ResultsCache:
    return ResultsCache(make_redis(redis_url))


def process_cache() -> ResultsCache:
    """The cache of this process."""
    return _cache(get_settings().redis_url)
