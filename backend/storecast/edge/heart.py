"""The edge's heartbeat, over its own connections: the edge has no ORM."""

import asyncio
import os
import socket
from datetime import datetime

import psutil
import structlog

from storecast import __version__
from storecast.edge.shops import ShopDirectory
from storecast.kit.clock import utcnow
from storecast.kit.errors import Unavailable

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 5

_BEAT = """
INSERT INTO fleet_processes (name, kind, host, pid, rss_bytes, version, started_at, beat_at)
VALUES ($1, 'edge', $2, $3, $4, $5, $6, $7)
ON CONFLICT (name) DO UPDATE SET rss_bytes = excluded.rss_bytes, beat_at = excluded.beat_at
"""


async def beat_forever(directory: ShopDirectory, started_at: datetime) -> None:
    """Tell the fleet until cancelled, then leave it."""
    name = f"edge@{socket.gethostname()}:{os.getpid()}"
    try:
        while True:
            facts = (psutil.Process().memory_info().rss, __version__, started_at, utcnow())
            await _run(directory, _BEAT, name, socket.gethostname(), os.getpid(), *facts)
            await asyncio.sleep(BEAT_EVERY_S)
    finally:
        await _run(directory, "DELETE FROM fleet_processes WHERE name = $1", name)


async def _run(directory: ShopDirectory, query: str, *args: object) -> None:
    try:
        await directory.fetch(query, *args)
    except Unavailable:
        log.warning("heartbeat_failed")
