"""The messages of one batch, drawn on by several takers in turn; an error of theirs waits until all is said."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from storecast.messaging.channels.protocol import Outcome
from storecast.messaging.compose import Prepared

T = TypeVar("T")


class Source(Iterator[Prepared]):
    """Ends for every taker at once: when the messages are used up, or when making one raised."""

    def __init__(self, messages: Iterable[Prepared]) -> None:
        self._messages = iter(messages)
        self.exhausted = False
        self.taken = 0
        self.error: Exception | None = None

    def __next__(self) -> Prepared:
        if self.exhausted:
            raise StopIteration
        try:
            message = next(self._messages)
        except StopIteration:
            self.exhausted = True
        except Exception as error:  # noqa: BLE001  # the caller's own: raised again behind the outcomes
            self.exhausted = True
            self.error = error
        else:
            self.taken += 1
            return message
        raise StopIteration


def told(outcomes: Iterable[Outcome], source: Source) -> Iterator[Outcome]:
    """Every outcome, then the error that ended the messages."""
    yield from outcomes
    if source.error is not None:
        raise source.error
