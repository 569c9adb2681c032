"""A channel that keeps what it is given, for tests and for previews of whole mailings."""

from collections.abc import Callable, Iterable, Iterator

from storecast.messaging.channels.protocol import ChannelUnavailable, Outcome, Verdict
from storecast.messaging.compose import Prepared

Refuse = Callable[[Prepared], Outcome | None]


class CaptureChannel:
    """Accepts everything, unless ``refuse`` has an outcome of its own for a message."""

    def __init__(self, *, refuse: Refuse | None = None) -> None:
        self.messages: list[Prepared] = []
        self.available = True
        self._refuse = refuse

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """Keep the messages."""
        self.connect()
        for message in messages:
            outcome = self._refuse(message) if self._refuse else None
            if outcome is None:
                self.messages.append(message)
                outcome = Outcome(message.delivery_id, Verdict.ACCEPTED, 250, "2.0.0 kept")
            yield outcome

    def connect(self) -> None:
        """Raises ChannelUnavailable while ``available`` is false."""
        if not self.available:
            raise ChannelUnavailable("The capture channel is switched off.")

    def close(self) -> None:
        """Nothing to give back."""
