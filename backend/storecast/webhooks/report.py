"""What a delivery reports, as far as the inbox looks into payloads: which object, as of when, which of its aspects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson

from storecast.webhooks import registry
from storecast.webhooks.models import InboxEntry


@dataclass(frozen=True, slots=True)
class Report:
    """``aspect`` is None where the order of reports does not matter to the inbox.

    ``mistake`` is what made the payload unreadable; it is raised where the payload is asked for, so that one bad
    delivery is its own failure and not its batch's.
    """

    body: dict[str, Any] | None
    mistake: Exception | None = None
    gid: str | None = None
    at: datetime | None = None
    aspect: str | None = None
    ends: bool = False
    heir: str | None = None

    @classmethod
    def read(cls, entry: InboxEntry) -> "Report":
        """The report of a stored delivery."""
        try:
            body = cast(dict[str, Any], orjson.loads(entry.body))
            about = registry.find_about(entry.topic)
            gid = about.find_gid(body) if about is not None else None
            if about is None or gid is None:
                return cls(body)
            if about.ends:
                return cls(body, gid=gid, ends=True, heir=about.heir(body))
            at = about.find_instant(body) or entry.triggered_at
            return cls(body, gid=gid, at=at, aspect=about.aspect)
        except Exception as error:  # noqa: BLE001  # a payload may be anything; see `mistake`
            return cls(None, mistake=error)

    def payload(self) -> dict[str, Any]:
        """The payload; raises what was wrong with it."""
        if self.body is None:
            raise self.mistake or ValueError("no payload")
        return self.body
