"""Time as the platform writes it: whole seconds, UTC, ISO 8601; only X-Shopify-Triggered-At has fractions."""

from __future__ import annotations

from datetime import UTC, datetime

EPOCH_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now_text() -> str:
    return datetime.now(UTC).strftime(EPOCH_FORMAT)


def trigger_text() -> str:
    """Now as the header says it: ``2026-11-22T10:00:27.877041Z``."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime(EPOCH_FORMAT)


def parse_instant(text: str) -> datetime:
    """An aware instant from any ISO 8601 text; a date alone is its midnight in UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
