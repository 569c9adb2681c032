"""Days of a shop: which instants a period of calendar days covers in the shop's time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """So many whole calendar days, the last one included; its end is the following midnight."""

    last_day: date
    days: int
    timezone: str

    @property
    def first_day(self) -> date:
        return self.last_day - timedelta(days=self.days - 1)

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first_day, time(), ZoneInfo(self.timezone))

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.last_day + timedelta(days=1), time(), ZoneInfo(self.timezone))

    def each_day(self) -> Iterator[date]:
        """First to last."""
        return (self.first_day + timedelta(days=number) for number in range(self.days))

    def before(self) -> "Period":
        """The period of the same length that ends the day before this one."""
        return Period(self.first_day - timedelta(days=1), self.days, self.timezone)


def last_days(days: int, *, now: datetime, timezone: str) -> Period:
    """The period that ends with the shop's today."""
    return Period(now.astimezone(ZoneInfo(timezone)).date(), days, timezone)
