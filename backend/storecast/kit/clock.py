"""The one place that reads the wall clock."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The current instant, aware and in UTC."""
    return datetime.now(UTC)
