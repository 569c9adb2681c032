"""How much of a queue may be at the broker: about a second of what its workers have lately done.

Little, because the broker is first in, first out: what is there can no longer be overtaken, paused or shared out
fairly. Enough, because a worker must not wait for the relay's next look.
"""

LEAD_S = 1.0
FLOOR = 16
PER_SLOT = 4
CEILING = 4000
"""Messages. A queue that nobody works on holds the floor; `PER_SLOT` for each slot that its workers have."""

REFILL_SHARE = 0.3
"""Room under this share of the allowance waits for more: a plan costs the same for one job as for fifty."""

MEASURE_S = 0.1


class Window:
    """The allowance of one queue, measured in messages, by one relay."""

    def __init__(self) -> None:
        self._released = 0.0
        self._drained_before = 0.0
        self._measured_at: float | None = None
        self._pace_per_s = 0.0

    def room(self, in_flight: float, slots: int, now: float) -> float:
        """How many more messages may go, when ``in_flight`` are out; ``now`` is a monotonic clock."""
        drained = self._released - in_flight
        if self._measured_at is None:
            self._measured_at, self._drained_before = now, drained
        elif now - self._measured_at >= MEASURE_S:
            pace = max(drained - self._drained_before, 0.0) / (now - self._measured_at)
            self._pace_per_s = pace if pace > self._pace_per_s else 0.7 * self._pace_per_s + 0.3 * pace
            self._measured_at, self._drained_before = now, drained
        floor = max(FLOOR, PER_SLOT * slots)
        allowance = min(max(self._pace_per_s * LEAD_S, floor), CEILING)
        room = allowance - in_flight
        return room if room >= REFILL_SHARE * allowance else 0.0

    def release(self, messages: float) -> None:
        """Count what went."""
        self._released += messages
