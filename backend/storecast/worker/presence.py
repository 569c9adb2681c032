"""Who is there: each process that runs jobs holds an advisory lock, which PostgreSQL takes from it when it dies.

A lease says after half a minute that a worker is gone; the lock says it as soon as its connection is. A lock that is
missed proves nothing by itself: PostgreSQL may have restarted, a firewall may have cut one connection. So a worker
counts as gone only when a relay has seen its lock before, has missed it for `GRACE_S` over a connection of its own that
held, and can take the lock itself. Whoever is not found out like that, their leases end: a worker of a version that
shows no lock, one that died while no relay looked.

Workers show themselves before their first claim.
"""

import select
import time
import zlib
from collections.abc import Collection
from typing import Any

import psycopg

GRACE_S = 5.0
"""A worker that lives takes its lock again within a second or two of losing it."""

LOCKS = 1_735_289_203
"""The first key of these locks; the second is the worker's `key`."""

_PRESENT = """
SELECT objid::bigint FROM pg_locks
 WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_AT_WORK = "SELECT DISTINCT worker FROM outbox WHERE state = 'running'"


def key(worker: str) -> int:
    """The worker's number; two that share one are found out only when both are gone."""
    return zlib.crc32(worker.encode()) >> 1


class Presence:
    """The lock of one worker, over a connection that it uses for other things too."""

    def __init__(self, worker: str) -> None:
        self._key = key(worker)
        self._held_by: psycopg.Connection[Any] | None = None

    def show(self, connection: psycopg.Connection[Any]) -> None:
        """Hold the lock; costs nothing while it is held. Raises OperationalError when the connection is gone."""
        if connection is self._held_by:
            _require_open(connection)
            return
        taken = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCKS, self._key]).fetchall()
        if taken == [(True,)]:
            self._held_by = connection


class Watch:
    """What one relay has seen of the workers."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._seen: set[int] = set()
        self._missed_since: dict[int, float] = {}

    def gone(self, connection: psycopg.Connection[Any]) -> list[str]:
        """The workers with running jobs that are gone, by name. Call it every second or so."""
        now = time.monotonic()
        present = {number for (number,) in connection.execute(_PRESENT, [LOCKS], prepare=True)}
        at_work = {key(worker): worker for (worker,) in connection.execute(_AT_WORK, prepare=True) if worker}
        self._seen = (self._seen & at_work.keys()) | present
        missed = (at_work.keys() & self._seen) - present
        self._missed_since = {number: self._missed_since.get(number, now) for number in missed}
        return [at_work[each] for each, since in self._missed_since.items() if now - since >= self._grace_s]

    def begin_anew(self) -> None:
        """This relay has a new connection: how long anybody has been missed is not known."""
        self._missed_since.clear()


def take(connection: psycopg.Connection[Any], workers: Collection[str]) -> list[str]:
    """Those whose locks are free; they stay so until the end of the transaction: none of them comes back meanwhile."""
    free = "SELECT pg_try_advisory_xact_lock(%s, %s)"
    return [each for each in workers if connection.execute(free, [LOCKS, key(each)]).fetchall() == [(True,)]]


def _require_open(connection: psycopg.Connection[Any]) -> None:
    """A resting connection becomes readable when its server goes. One that another thread asks something is readable
    too, so that only a question of our own, which waits for its turn, tells.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        connection.execute("SELECT 1")
