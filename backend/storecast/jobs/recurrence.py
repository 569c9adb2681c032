"""When something that recurs is due: by a cron expression on a place's wall clock, or at a fixed interval.

Clocks that are put forward or back are met by one rule. An expression that names hours keeps to the wall clock, one
run for each time it names: a time that does not exist is made up for at the first moment after the gap, a time that
exists twice counts the first time. An expression for every hour keeps to real time: times in a gap do not exist, times
that exist twice run twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from croniter import croniter

from storecast.jobs.cron import Cron

MINUTE = timedelta(minutes=1)


class Recurrence(Protocol):
    """Instants (aware, UTC) without end in either direction."""

    def after(self, instant: datetime) -> datetime:
        """The first one later than the instant."""

    def latest(self, count: int, *, since: datetime, until: datetime) -> list[datetime]:
        """The last ``count`` of those between two instants, both included; oldest first."""


def following(recurrence: Recurrence, instant: datetime) -> Iterator[datetime]:
    """Every one later than the instant."""
    while True:
        instant = recurrence.after(instant)
        yield instant


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many seconds, counted from an anchor, so that a late run does not push those after it."""

    step: timedelta
    anchor: datetime

    def after(self, instant: datetime) -> datetime:
        """The first one later than the instant."""
        return self.anchor + ((instant - self.anchor) // self.step + 1) * self.step

    def latest(self, count: int, *, since: datetime, until: datetime) -> list[datetime]:
        """The last ``count`` of those between two instants, both included; oldest first."""
        found: list[datetime] = []
        at = self.after(until) - self.step
        while at >= since and len(found) < count:
            found.append(at)
            at -= self.step
        return found[::-1]


@dataclass(frozen=True, slots=True)
class WallClock:
    """By a cron expression on the wall clock of a time zone."""

    cron: Cron
    zone: ZoneInfo

    def after(self, instant: datetime) -> datetime:
        """The first one later than the instant."""
        wall = self._wall(instant)
        # In the first of two equal hours, times already past come once more.
        times = croniter(self.cron.plain, wall - self._repeated(wall))
        best: datetime | None = None
        while True:
            found = self._instants(times.get_next(datetime))
            later = [at for at in found if at > instant]
            best = min([*later, *([best] if best else [])], default=None)
            # The first instants of later wall times are no earlier than those of a time that exists once.
            if best is not None and len(found) == 1:
                return best

    def latest(self, count: int, *, since: datetime, until: datetime) -> list[datetime]:
        """The last ``count`` of those between two instants, both included; oldest first."""
        wall = self._wall(until)
        # In the second of two equal hours, times that are still to come on the wall were already due in the first.
        start = wall.replace(second=0, microsecond=0) + MINUTE + self._repeated(wall)
        times = croniter(self.cron.plain, start)
        found: set[datetime] = set()
        while True:
            instants = self._instants(times.get_prev(datetime))
            found.update(at for at in instants if since <= at <= until)
            if instants:
                kept = sorted(found)[-count:]
                if instants[-1] < since or (len(kept) == count and instants[-1] < kept[0]):
                    return kept

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def _offset(self, wall: datetime, fold: int) -> timedelta:
        return wall.replace(tzinfo=self.zone, fold=fold).utcoffset() or timedelta()

    def _repeated(self, wall: datetime) -> timedelta:
        """By how much the clock is put back around this wall time, when the time exists twice."""
        return max(self._offset(wall, 0) - self._offset(wall, 1), timedelta())

    def _instants(self, wall: datetime) -> list[datetime]:
        """When a wall time comes; earliest first."""
        before, after = self._offset(wall, 0), self._offset(wall, 1)
        first = wall.replace(tzinfo=UTC) - before
        if before < after:
            return [] if self.cron.hour.any_value else [self._first_after_gap(wall)]
        if before > after and self.cron.hour.any_value:
            return [first, wall.replace(tzinfo=UTC) - after]
        return [first]

    def _first_after_gap(self, wall: datetime) -> datetime:
        before, after = self._offset(wall, 0), self._offset(wall, 1)
        low, high = wall.replace(tzinfo=UTC) - after, wall.replace(tzinfo=UTC) - before
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            if middle.astimezone(self.zone).utcoffset() == after:
                high = middle
            else:
                low = middle
        return high
