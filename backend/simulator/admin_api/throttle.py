"""The rate limit: a leaky bucket for each app and shop, sized by the shop's plan."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

RESTORE_RATES = {"Basic": 100.0, "Grow": 100.0, "Advanced": 200.0, "Plus": 1000.0, "Enterprise": 2000.0}
BUCKET_SECONDS = 20
"""The bucket holds what refills in this time."""


@dataclass(slots=True)
class _Bucket:
    available: float
    at: float


class Throttle:
    """`take` before a query runs, `give_back` what it did not use."""

    def __init__(self, restore_rate: float | None = None) -> None:
        self._restore_rate = restore_rate
        self._buckets: dict[int, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, shop_id: int, plan: str, points: int) -> bool:
        """False when the bucket holds too little; nothing is taken then."""
        with self._lock:
            bucket = self._refill(shop_id, plan)
            if bucket.available < points:
                return False
            bucket.available -= points
            return True

    def give_back(self, shop_id: int, plan: str, points: int) -> None:
        with self._lock:
            bucket = self._refill(shop_id, plan)
            bucket.available = min(self._size(plan), bucket.available + points)

    def status(self, shop_id: int, plan: str) -> dict[str, float | int]:
        with self._lock:
            bucket = self._refill(shop_id, plan)
            return {
                "maximumAvailable": self._size(plan),
                "currentlyAvailable": int(bucket.available),
                "restoreRate": self._rate(plan),
            }

    def _rate(self, plan: str) -> float:
        return self._restore_rate if self._restore_rate is not None else RESTORE_RATES.get(plan, 100.0)

    def _size(self, plan: str) -> float:
        # Never below one full query, or a slow test bucket could not be passed at all.
        return max(1000.0, self._rate(plan) * BUCKET_SECONDS)

    def _refill(self, shop_id: int, plan: str) -> _Bucket:
        now = time.monotonic()
        bucket = self._buckets.get(shop_id)
        if bucket is None:
            bucket = self._buckets[shop_id] = _Bucket(self._size(plan), now)
        bucket.available = min(self._size(plan), bucket.available + (now - bucket.at) * self._rate(plan))
        bucket.at = now
        return bucket
