"""Tags of a customer, told in two ways: all of them at one instant, or the change of a few at another.

The newest word on each tag stands, whatever the order in which the words arrive. So changes that are newer than the
last report of all tags are kept (``changes``: by lower-case tag ``{tag, held, at}``), and a report takes away those
that it already includes. Shopify's tags are one whatever their case. At one instant a removal beats an addition.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

MAX_CHANGES = 250
"""Shopify allows as many tags; the oldest changes go first."""


def change(
    tags: Collection[str],
    changes: dict[str, dict[str, Any]],
    tags_at: datetime | None,
    *,
    add: Collection[str] = (),
    remove: Collection[str] = (),
    at: datetime,
) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """The tags and the kept changes after a change of some tags at an instant."""
    held, kept = {tag.lower(): tag for tag in tags}, dict(changes)
    if tags_at is not None and at <= tags_at:
        return sorted(held.values()), kept
    for tag, holds in [*((tag, True) for tag in add), *((tag, False) for tag in remove)]:
        key = tag.lower()
        known = kept.get(key)
        if known is not None and _beats(known, holds, at):
            continue
        kept[key] = {"tag": tag, "held": holds, "at": at.astimezone(UTC).isoformat()}
        if holds:
            held[key] = tag
        else:
            held.pop(key, None)
    newest = sorted(kept.items(), key=lambda item: item[1]["at"], reverse=True)[:MAX_CHANGES]
    return sorted(held.values()), dict(newest)


def _beats(known: dict[str, Any], holds: bool, at: datetime) -> bool:
    known_at = datetime.fromisoformat(known["at"])
    return known_at > at or (known_at == at and not known["held"] and holds)
