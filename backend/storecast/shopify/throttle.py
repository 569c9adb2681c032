"""The query budget of a shop: a leaky bucket that Shopify reports with every answer (extensions.cost).

What is known here is one process's view. It spares most refused calls; the answer THROTTLED stays the last word.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_SHOPS = 4096
"""Buckets kept per process, least recently used dropped: an unknown bucket only costs a THROTTLED answer."""


@dataclass(slots=True)
class _Bucket:
    available: float
    maximum: float
    restore_per_s: float
    at: float


class CostThrottle:
    """Predicts how long a query of a known cost has to wait. Safe under threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._costs: dict[str, float] = {}

    def reserve(self, shop: str, operation: str) -> float:
        """Take the operation's last known cost from the bucket; the seconds until it is covered."""
        with self._lock:
            bucket = self._buckets.get(shop)
            cost = self._costs.get(operation, 0.0)
            if bucket is None or cost == 0.0:
                return 0.0
            now = self._clock()
            bucket.available = min(
                bucket.maximum, bucket.available + (now - bucket.at) * bucket.restore_per_s
            )
            bucket.at = now
            bucket.available -= cost
            return max(0.0, -bucket.available / bucket.restore_per_s) if bucket.restore_per_s > 0 else 0.0

    def record(self, shop: str, operation: str, cost: dict[str, Any] | None) -> None:
        """Learn from the ``cost`` extension of an answer."""
        status = (cost or {}).get("throttleStatus")
        if cost is None or not isinstance(status, dict):
            return
        with self._lock:
            self._costs[operation] = float(cost.get("requestedQueryCost") or 0)
            self._buckets[shop] = _Bucket(
                available=float(status.get("currentlyAvailable") or 0),
                maximum=float(status.get("maximumAvailable") or 0),
                restore_per_s=float(status.get("restoreRate") or 0),
                at=self._clock(),
            )
            self._buckets.move_to_end(shop)
            while len(self._buckets) > MAX_SHOPS:
                self._buckets.popitem(last=False)

    @staticmethod
    def wait_s(cost: dict[str, Any] | None) -> float:
        """Seconds until a THROTTLED query is covered: (requested - available) / restore rate."""
        status = (cost or {}).get("throttleStatus") or {}
        missing = float((cost or {}).get("requestedQueryCost") or 0) - float(
            status.get("currentlyAvailable") or 0
        )
        rate = float(status.get("restoreRate") or 0)
        return max(missing, 0.0) / rate if rate > 0 else 1.0
