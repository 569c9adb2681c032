"""What the edge knows of the shops: which domain and which pixel key is whose, remembered for a short time."""

import asyncio
import time
from dataclasses import dataclass

import asyncpg

from storecast.kit.errors import Unavailable

FRESH_S = 60.0
"""An uninstall takes effect at the edge within this."""

MISS_FRESH_S = 5.0
"""A shop that is just being installed is found this soon; strangers cost one query in this time."""

ANSWER_S = 3.0
"""For a connection and its answer: a sender of webhooks waits for five seconds."""

_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""asyncpg raises the last one when a connection dies at the wrong moment."""

_QUERY = "SELECT id, state = 'installed' FROM shops WHERE {column} = $1"


@dataclass(frozen=True, slots=True)
class KnownShop:
    """A shop as the edge sees it."""

    id: int
    installed: bool


class ShopDirectory:
    """Looks shops up by domain or pixel key."""

    def __init__(self, dsn: str, role: str) -> None:
        self._dsn = dsn
        self._role = role
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._cache: dict[tuple[str, str], tuple[float, KnownShop | None]] = {}

    async def find_by_domain(self, domain: str) -> KnownShop | None:
        """The shop of a ``myshopify.com`` domain, uninstalled ones too."""
        return await self._find("domain", domain)

    async def find_by_pixel_key(self, key: str) -> KnownShop | None:
        """The shop whose pixel carries the key."""
        return await self._find("pixel_key", key)

    def forget(self, domain: str) -> None:
        """Ask again for the shop of the domain: it was found to be gone."""
        self._cache.pop(("domain", domain), None)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Rows of any query that the edge's role may run; raises Unavailable when PostgreSQL is away."""
        try:
            async with asyncio.timeout(ANSWER_S):
                pool = await self._open()
                return list(await pool.fetch(query, *args))
        except _AWAY as error:
            raise Unavailable("The database is away.", code="storage_away") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.terminate()

    async def _find(self, column: str, value: str) -> KnownShop | None:
        key = (column, value)
        now = time.monotonic()
        cached = self._cache.get(key)
        if cached is not None and now < cached[0]:
            return cached[1]
        rows = await self.fetch(_QUERY.format(column=column), value)
        shop = KnownShop(rows[0][0], rows[0][1]) if rows else None
        if len(self._cache) > 50_000:  # strangers' domains must not fill the memory
            self._cache.clear()
        self._cache[key] = (now + (FRESH_S if shop else MISS_FRESH_S), shop)
        return shop

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=4,
                    timeout=ANSWER_S,
                    server_settings={
                        "role": self._role,
                        "application_name": "storecast edge",
                        "timezone": "UTC",
                    },
                )
            return self._pool
