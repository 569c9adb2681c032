"""Switches that make the platform misbehave, so that the app's answer can be tested.

A count switch (`throttle`, `http_5xx`, `drop`) bites that many times and then rests; -1 bites until it is switched off.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Faults:
    throttle: int = 0
    """Admin API queries answered THROTTLED."""
    http_5xx: int = 0
    """Requests to the Admin API and the token endpoint answered 503."""
    slow_ms: int = 0
    """Added to every Admin API answer."""
    duplicate: int = 0
    """Extra copies of each webhook."""
    reorder: bool = False
    """Webhooks of one moment go out newest first."""
    drop: int = 0
    """Webhooks that are never sent."""
    recent_orders: bool = False
    """Orders older than sixty days are not listed to an app without `read_all_orders`; off, every app is approved."""
    lost_answer: int = 0
    """Mutations that are executed and answered 502, as if the answer had been lost on its way."""
    bulk_codes_slow: int = 0
    """Looks at an addition of discount codes that find it not done yet."""
    token_revoked: bool = False
    """Every access token is refused."""
    bulk_failure: int = 0
    """Bulk operations that end FAILED half way."""
    bulk_busy: int = 0
    """Bulk operations refused with LIMIT_REACHED, as if others were running."""
    webhook_bad_hmac: int = 0
    """Webhooks signed with a wrong secret."""
    no_segment_filter: bool = False
    """Subscriptions to segments are refused when they are filtered."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def bites(self, name: str) -> bool:
        """Use up one of a count switch."""
        with self._lock:
            left = int(getattr(self, name))
            if left > 0:
                setattr(self, name, left - 1)
            return left != 0

    def update(self, changes: dict[str, Any]) -> None:
        """Set the named switches; ValueError names what is wrong and then nothing has changed."""
        known = {f.name: f.type for f in fields(self) if not f.name.startswith("_")}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown fault {name!r}; known: {', '.join(sorted(known))}")
            wanted = bool if known[name] == "bool" else int
            if type(value) not in (bool, int) or (wanted is bool and value not in (0, 1)):
                raise ValueError(f"fault {name!r} wants {wanted.__name__}, got {value!r}")
        with self._lock:
            for name, value in changes.items():
                setattr(self, name, bool(value) if known[name] == "bool" else int(value))

    def as_dict(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.name.startswith("_")}

    def clear(self) -> None:
        self.update({f.name: 0 for f in fields(self) if not f.name.startswith("_")})
