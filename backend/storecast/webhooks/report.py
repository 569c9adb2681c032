"""What a delivery reports, as far as the inbox looks into payloads: which object, as of when, which of its aspects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson

from storecast.shopify.ids import find_gid, gid
from storecast.webhooks import registry
from storecast.webhooks.models import InboxEntry


@dataclass(frozen=True, slots=True)
class Report:
    """``aspect`` is None where the order of reports does not matter to the inbox.

    ``people`` are the customers that the payload names beside the object. ``mistake`` is what made the payload
    unreadable; it is raised where the payload is asked for, so that one bad delivery is its own failure and not its
    batch's.
    """

    body: dict[str, Any] | None
    mistake: Exception | None = None
    gid: str | None = None
    at: datetime | None = None
    aspect: str | None = None
    ends: bool = False
    heir: str | None = None
    people: frozenset[str] = frozenset()

    @classmethod
    def read(cls, entry: InboxEntry) -> "Report":
        """The report of a stored delivery."""
        try:
            body = cast(dict[str, Any], orjson.loads(entry.body))
            people = _people(body)
            about = registry.find_about(entry.topic)
            gid = about.find_gid(body) if about is not None else None
            if about is None or gid is None:
                return cls(body, people=people)
            if about.ends:
                return cls(body, gid=gid, ends=True, heir=about.heir(body), people=people)
            at = about.find_instant(body) or entry.triggered_at
            return cls(body, gid=gid, at=at, aspect=about.find_aspect(body), people=people)
        except Exception as error:  # noqa: BLE001  # a payload may be anything; see `mistake`
            return cls(None, mistake=error)

    @property
    def subjects(self) -> set[str]:
        """The customers whom the whole report is about: what is left without them says nothing."""
        return {each for each in (self.gid, self.heir) if each and _is_customer(each)}

    @property
    def named(self) -> set[str]:
        """Every id in it that may be an erased person's."""
        return {*self.people, *(each for each in (self.gid, self.heir) if each)}

    def payload(self) -> dict[str, Any]:
        """The payload; raises what was wrong with it."""
        if self.body is None:
            raise self.mistake or ValueError("no payload")
        return self.body


def _is_customer(gid: str) -> bool:
    return gid.startswith("gid://shopify/Customer/")


def _people(body: dict[str, Any]) -> frozenset[str]:
    """The customers of a payload: the buyer inside it, and the ids that the smaller topics name."""
    buyer = body.get("customer")
    found = [find_gid("Customer", buyer)] if isinstance(buyer, dict) else []
    for key in ("customer_id", "customerId"):
        named = body.get(key)
        found.append(named if isinstance(named, str) and named.startswith("gid:") else None)
        found.append(gid("Customer", named) if isinstance(named, int) else None)
    return frozenset(each for each in found if each)
