"""What every channel promises, whatever carries the message.

A channel takes messages from an iterable as it can send them, and says of each one that it took exactly once how
that went. What it never took, it never handed over: the caller may try that again without risk.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from storecast.messaging.compose import Prepared


class Verdict(StrEnum):
    """How a hand-over ended."""

    ACCEPTED = "accepted"
    """The server has taken responsibility."""

    TEMPORARY = "temporary"
    """Refused for now; trying again later is right and cannot double the message."""

    PERMANENT = "permanent"
    """Refused for good."""

    UNKNOWN = "unknown"
    """The message was on its way when the connection was lost: the server may have it or not."""


class Outcome(NamedTuple):
    """What became of one message; ``code`` is 0 when no server answered."""

    delivery_id: int
    verdict: Verdict
    code: int
    reply: str
    refused_address: bool = False
    """The server refused the recipient itself, not this message or this sender."""
    retry_after_s: float = 0.0
    """The server asks for no further try before this many seconds have passed."""


class Channel(Protocol):
    """A way to send messages in bulk."""

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """Send; raises ChannelUnavailable before anything is taken when nothing can be sent at all."""
        ...

    def connect(self) -> None:
        """Make sure that messages can be handed over now; raises ChannelUnavailable."""
        ...

    def close(self) -> None:
        """Give back connections; the channel can be used again."""
        ...


class ChannelUnavailable(Exception):
    """No server can be reached or it does not let us in; no message was taken. The text is fit for a merchant.

    ``host_failed`` tells a server that does not serve from one that serves, but not us.
    """

    def __init__(self, text: str, *, host_failed: bool = False) -> None:
        super().__init__(text)
        self.host_failed = host_failed
