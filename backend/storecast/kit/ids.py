"""Identifiers: prefixed ULIDs for people, time-ordered UUIDs for jobs and events."""

import os
import time
from datetime import datetime
from uuid import UUID

from ulid import ULID


def public_id(prefix: str) -> str:
    """A new public id such as ``cmp_01jd8…``: sortable by creation, safe in a URL."""
    return f"{prefix}_{str(ULID()).lower()}"


ROLLBACK_MS = 10_000
"""A clock that was set back by more is followed; by less, ids go on from the last."""

_last = (0, 0)


def uuid7() -> UUID:
    """A new version 7 UUID (RFC 9562 §5.7): 48 bits of milliseconds, a counter in its millisecond, 62 random bits.

    Ids that one thread makes are in the order in which it made them (§6.2, method 1). Between threads only the random
    bits tell ids apart, so nothing is locked.
    """
    global _last  # noqa: PLW0603  # the counter of this process
    now = time.time_ns() // 1_000_000
    ms, count = _last
    if now > ms or now < ms - ROLLBACK_MS:
        ms, count = now, 0
    elif count < 0xFFF:
        count += 1
    else:
        ms, count = ms + 1, 0
    _last = (ms, count)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=ms << 80 | 0x7 << 76 | count << 64 | 0x2 << 62 | random)


def first_uuid7(at: datetime) -> UUID:
    """Where the ids of an instant begin: a bound for a walk over ids by time."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


UUID7_SQL = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid"""
"""The same in SQL; PostgreSQL has a function for it only from 18 on."""
