"""Identifiers: prefixed ULIDs for people, time-ordered UUIDs for jobs and events."""

import os
import time
from uuid import UUID

from ulid import ULID


def public_id(prefix: str) -> str:
    """A new public id such as ``cmp_01jd8…``: sortable by creation, safe in a URL."""
    return f"{prefix}_{str(ULID()).lower()}"


def uuid7() -> UUID:
    """A new version 7 UUID (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)


UUID7_SQL = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid"""
"""The same in SQL; PostgreSQL has a function for it only from 18 on."""
