"""The faults a mail server can be told to show: refusals, delays, lost answers, no connections.

Invariant: without a switch set, every well-formed message is accepted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

Stage = Literal["rcpt", "data"]


class FaultsNotUnderstood(Exception):
    """The body sent to the fault switches names something unknown or out of range."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule: addresses like `pattern` (shell wildcards) are answered with `code` instead of 250."""

    pattern: str
    code: int = 550
    text: str = "5.1.1 No such mailbox here"
    at: Stage = "rcpt"

    def matches(self, address: str) -> bool:
        return fnmatchcase(address.lower(), self.pattern.lower())

    def reply(self) -> bytes:
        return f"{self.code} {self.text}\r\n".encode()


@dataclass(frozen=True, slots=True)
class MailFaults:
    """An immutable set of switches; the server swaps the whole set at once."""

    refusals: tuple[Refusal, ...] = ()
    delay_ms: int = 0
    refuse_connections: bool = False
    # The next N messages are stored, then the connection breaks before the answer: the sender cannot know.
    lose_answers: int = 0

    def refusal_for(self, stage: Stage, addresses: Sequence[str]) -> Refusal | None:
        for rule in self.refusals:
            if rule.at == stage and any(rule.matches(address) for address in addresses):
                return rule
        return None

    def as_json(self) -> dict[str, Any]:
        return {
            "reject": [
                {"pattern": rule.pattern, "code": rule.code, "text": rule.text, "at": rule.at}
                for rule in self.refusals
            ],
            "delay_ms": self.delay_ms,
            "refuse_connections": self.refuse_connections,
            "lose_answers": self.lose_answers,
        }


def read_faults(body: object) -> MailFaults:
    """Switches from a JSON body; absent keys mean "off", so `{}` heals the server."""
    if not isinstance(body, dict):
        raise FaultsNotUnderstood("a JSON object is expected")
    unknown = set(body) - {"reject", "delay_ms", "refuse_connections", "lose_answers"}
    if unknown:
        raise FaultsNotUnderstood(f"unknown switch {min(unknown)!r}")
    rules = body.get("reject", [])
    if not isinstance(rules, list):
        raise FaultsNotUnderstood("reject must be a list of rules")
    return MailFaults(
        refusals=tuple(_read_refusal(rule) for rule in rules),
        delay_ms=_read_count(body, "delay_ms"),
        refuse_connections=bool(body.get("refuse_connections", False)),
        lose_answers=_read_count(body, "lose_answers"),
    )


def _read_count(body: dict[str, Any], name: str) -> int:
    value = body.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FaultsNotUnderstood(f"{name} must be a whole number, zero or more")
    return value


def _read_refusal(rule: object) -> Refusal:
    if not isinstance(rule, dict) or not isinstance(rule.get("pattern"), str):
        raise FaultsNotUnderstood("each reject rule needs a pattern, such as *@bounce.example")
    code = rule.get("code", 550)
    if not isinstance(code, int) or not 400 <= code <= 599:
        raise FaultsNotUnderstood("code must lie between 400 and 599")
    at = rule.get("at", "rcpt")
    if at not in ("rcpt", "data"):
        raise FaultsNotUnderstood("at must be rcpt or data")
    text = str(rule.get("text", "5.1.1 No such mailbox here" if code >= 500 else "4.2.1 Try again later"))
    if "\r" in text or "\n" in text:
        raise FaultsNotUnderstood("text must be one line")
    return Refusal(pattern=rule["pattern"], code=code, text=text, at=at)
