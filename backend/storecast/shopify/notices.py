"""What Shopify's headers warn of, logged once a process: deprecated fields, and a version that is no longer served.

When a version's time is over Shopify falls forward to the oldest that it still serves and says so in
``X-Shopify-API-Version``; whether GraphQL answers carry that header is not documented, so that its absence says
nothing (https://shopify.dev/docs/api/usage/versioning).
"""

import threading
from collections.abc import Hashable

import httpx
import structlog

log = structlog.get_logger(__name__)

MAX_KNOWN = 1024
MAX_REASON = 500


class Notices:
    """Remembers what has been said. Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[Hashable] = set()

    def read(self, response: httpx.Response, *, operation: str, asked: str) -> None:
        """Log the warnings of an answer that nobody has logged yet."""
        served = response.headers.get("X-Shopify-API-Version", "")
        if served and served != asked and self._is_news(("version", asked, served[:20])):
            log.warning("shopify_version_fell_forward", asked=asked, served=served[:20])
        reason = response.headers.get("X-Shopify-API-Deprecated-Reason", "")[:MAX_REASON]
        if reason and self._is_news(("deprecated", operation, reason)):
            log.warning("shopify_deprecated", operation=operation, api_version=asked, reason=reason)

    def _is_news(self, key: Hashable) -> bool:
        with self._lock:
            if key in self._known or len(self._known) >= MAX_KNOWN:
                return False
            self._known.add(key)
            return True
