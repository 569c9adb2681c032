"""Several channels as one: the first that works carries the messages, the next one what it left; or none at all."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from storecast.messaging.channels.protocol import Channel, ChannelUnavailable, Outcome
from storecast.messaging.channels.source import Source, told
from storecast.messaging.compose import Prepared

log = structlog.get_logger(__name__)

AWAY_S = 30.0
"""A channel that could not be reached is not tried again for so long: a dead host costs a time-out each time."""


class FailoverChannel:
    """Tries its channels in order. A message that one of them took is never given to another."""

    def __init__(self, channels: Sequence[Channel], *, clock: Callable[[], float] = time.monotonic) -> None:
        if not channels:
            raise ValueError("no channel")
        self._channels = channels
        self._clock = clock
        self._away_until = [0.0] * len(channels)

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """Send; raises ChannelUnavailable when none of the channels takes anything."""
        source = Source(messages)
        outcomes: list[Outcome] = []
        last: ChannelUnavailable | None = None
        for index in self._in_order():
            channel = self._channels[index]
            try:
                outcomes += channel.send(source)
                if source.exhausted:
                    break
                # It stopped early. One that is there took what it wanted; after one that is gone comes the next.
                channel.connect()
                break
            except ChannelUnavailable as error:
                self._leave_alone(index, error)
                last = error
        if last is not None and not source.taken and not source.exhausted:
            raise last
        return told(outcomes, source)

    def connect(self) -> None:
        """Make sure that one of the channels can be handed messages."""
        last: ChannelUnavailable | None = None
        for index in self._in_order():
            try:
                self._channels[index].connect()
            except ChannelUnavailable as error:
                self._leave_alone(index, error)
                last = error
            else:
                return
        if last is not None:
            raise last

    def close(self) -> None:
        """Close every channel."""
        for channel in self._channels:
            channel.close()

    def _in_order(self) -> list[int]:
        """Those that are not left alone; all of them when that leaves none."""
        now = self._clock()
        usable = [index for index, until in enumerate(self._away_until) if until <= now]
        return usable or list(range(len(self._channels)))

    def _leave_alone(self, index: int, error: ChannelUnavailable) -> None:
        self._away_until[index] = self._clock() + AWAY_S
        log.warning("channel_left_alone", position=index, reason=str(error))


class ClosedChannel:
    """A channel that cannot be opened, and says why to whoever tries."""

    def __init__(self, error: ChannelUnavailable) -> None:
        self._error = error

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """Takes nothing."""
        raise self._error

    def connect(self) -> None:
        """Raises the reason."""
        raise self._error

    def close(self) -> None:
        """Nothing to give back."""
