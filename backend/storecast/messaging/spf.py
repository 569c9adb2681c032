"""Whether a domain's SPF record lets a named sender through (RFC 7208), without evaluating addresses.

What is asked is whether the record exists once, names the include of whoever carries the mail, directly or through
others, and stays within ten lookups; receivers treat anything else as an error, which passes nobody.
"""

from dataclasses import dataclass
from typing import Literal

from storecast.messaging.resolver import Resolver

MAX_LOOKUPS = 10
"""RFC 7208 §4.6.4."""

Problem = Literal["missing", "several", "not_included", "too_many_lookups", "lets_everybody"]

_COUNTED = ("a", "mx", "ptr", "exists")


@dataclass(frozen=True, slots=True)
class Spf:
    """What was found; ``problem`` None: in order."""

    records: list[str]
    lookups: int
    problem: Problem | None


def check(domain: str, include: str | None, resolver: Resolver) -> Spf:
    """Look at a domain's record; ``include`` None asks for any record. Raises DnsUnavailable."""
    records = _records(domain, resolver)
    if len(records) != 1:
        return Spf(records, 0, "several" if records else "missing")
    walk = _Walk(resolver)
    walk.follow(records[0])
    problem: Problem | None = None
    if walk.lookups > MAX_LOOKUPS:
        problem = "too_many_lookups"
    elif walk.lets_everybody:
        problem = "lets_everybody"
    elif include is not None and include.lower() not in walk.seen:
        problem = "not_included"
    return Spf(records, walk.lookups, problem)


def _records(domain: str, resolver: Resolver) -> list[str]:
    texts = resolver.txt(domain)
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


class _Walk:
    """One pass over a record and what it includes."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.lookups = 0
        self.seen: set[str] = set()
        self.lets_everybody = False

    def follow(self, record: str, *, included: bool = False) -> None:
        for term in record.lower().split()[1:]:
            bare = term.lstrip("+-~?")
            name, _colon, rest = bare.partition(":")
            if bare.startswith("redirect="):
                self._go_into(bare.removeprefix("redirect="), included=included)
            elif name == "include":
                self._go_into(rest, included=True)
            elif name.partition("/")[0] in _COUNTED:
                self.lookups += 1
            elif bare == "all" and term[0] in "+a" and not included:
                self.lets_everybody = True

    def _go_into(self, domain: str, *, included: bool) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS or domain in self.seen or "%" in domain:
            return
        self.seen.add(domain)
        records = _records(domain, self._resolver)
        if len(records) == 1:
            self.follow(records[0], included=included)
