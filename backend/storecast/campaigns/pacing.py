"""When each recipient's message is due: at once, at their own wall clock, in batches, or so many an hour.

The instants are computed by the database for a whole audience in one statement. What depends on a time zone is worked
out beforehand, once per place (see `places`), so that clocks that skip or repeat an hour are Python's business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Interval,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
)

from storecast.campaigns.places import QuietHours, Zones, at_wall, known
from storecast.kit.errors import FieldError

Mode = Literal["at_once", "local_time", "batches", "hourly"]

HELD_UNTIL = datetime(2200, 1, 1, tzinfo=UTC)
"""The instant of rows that wait for a decision, not for a time."""

_FIRST_ZONE = ZoneInfo("Pacific/Kiritimati")
"""Where every day begins."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a campaign is spread over time.

    ``local_time``: everybody gets it when their own clock shows what the shop's clock shows at the schedule; whose
    time has ``passed`` gets it at once or tomorrow. ``batches``: that many equal parts, so many minutes apart.
    ``hourly``: evenly, so many an hour. ``give_up_days`` is how long a message may be put off by the shop's policy.
    """

    mode: Mode = "at_once"
    passed: Literal["at_once", "tomorrow"] = "at_once"
    batches: int | None = None
    every_minutes: int | None = None
    per_hour: int | None = None
    give_up_days: int = 7

    def faults(self) -> list[FieldError]:
        """What the mode needs and is not there."""
        wanted = {
            "batches": {"batches": self.batches, "every_minutes": self.every_minutes},
            "hourly": {"per_hour": self.per_hour},
        }.get(self.mode, {})
        return [
            FieldError(f"/pacing/{name}", "Enter a number.", "pacing_incomplete")
            for name, value in wanted.items()
            if value is None
        ]


@dataclass(frozen=True, slots=True)
class Start:
    """When a sending starts, and by which clocks: all that the instants of an audience depend on."""

    pacing: Pacing
    at: datetime
    home: ZoneInfo
    wall_at: datetime | None = None
    """The schedule: its time on the shop's clock is the recipients' wall time."""
    quiet: QuietHours | None = None


def draw_at(pacing: Pacing, scheduled_at: datetime, home: ZoneInfo) -> datetime:
    """When the audience has to be drawn: for local times, when the first place on earth has that time."""
    if pacing.mode != "local_time":
        return scheduled_at
    wall = scheduled_at.astimezone(home)
    return min(at_wall(wall.date(), wall.time(), _FIRST_ZONE), scheduled_at)


def instant_in(start: Start, zones: Zones) -> datetime:
    """When somebody who lives by one of the zones may get a message that is ready at the start."""
    at = start.at
    if start.pacing.mode == "local_time" and start.wall_at is not None:
        at = _local(start, zones[0])
    return start.quiet.over_at(at, zones) if start.quiet is not None else at


def _local(start: Start, zone: ZoneInfo) -> datetime:
    wall = (start.wall_at or start.at).astimezone(start.home)
    due = at_wall(wall.date(), wall.time(), zone)
    if due >= start.at:
        return due
    if start.pacing.passed == "at_once":
        return start.at
    days = (start.at - due).days
    later = (at_wall(wall.date() + timedelta(days=days + more), wall.time(), zone) for more in (0, 1, 2))
    return next(each for each in later if each > start.at)


Draw = Callable[[ColumnElement[int]], ColumnElement[int]]


def planned(audience: Select[Any], start: Start, draw: Draw) -> Select[Any]:
    """The audience (``id``, ``country``, ``province``, ``receives``) with ``due_at`` and ``waits_for``.

    ``draw`` says in which order people have their turns; those who receive nothing take none.
    """
    people = audience.subquery("people_planned")
    source, place_at = _places(people, start)
    turn_at = _turn_at(people, start, draw)
    due_at = place_at if turn_at is None else func.greatest(place_at, turn_at)
    begins = _instant(start.at)
    place_reason = "local_time" if start.pacing.mode == "local_time" else "quiet_hours"
    reasons: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (place_at > begins, literal(place_reason))
    ]
    if turn_at is not None:
        reasons.insert(0, (and_(turn_at > begins, turn_at >= place_at), literal(start.pacing.mode)))
    return select(
        people, due_at.label("due_at"), case(*reasons, else_=cast(null(), Text)).label("waits_for")
    ).select_from(source)


def is_trivial(start: Start) -> bool:
    """Whether everybody's message is due at the start."""
    return start.pacing.mode == "at_once" and not _somewhere_later(start)


def _somewhere_later(start: Start) -> bool:
    return start.quiet is not None and any(
        start.quiet.over_at(start.at, zones) > start.at
        for zones in [(start.home,), *(place.zones for place in known())]
    )


def _places(people: Any, start: Start) -> tuple[FromClause, ColumnElement[datetime]]:
    home_at = _instant(instant_in(start, (start.home,)))
    if start.pacing.mode != "local_time" and not _somewhere_later(start):
        return people, _instant(start.at)
    known_places = [(place.country, place.province, instant_in(start, place.zones)) for place in known()]
    provinces = _rows([row for row in known_places if row[1] is not None], "provinces")
    countries = _rows([row for row in known_places if row[1] is None], "countries")
    country = func.upper(people.c.country)
    source = people.outerjoin(
        provinces,
        and_(
            provinces.c.country == country, provinces.c.province == func.lower(func.btrim(people.c.province))
        ),
    ).outerjoin(countries, countries.c.country == country)
    return source, func.coalesce(provinces.c.due_at, countries.c.due_at, home_at)


def _rows(places: Sequence[tuple[str, str | None, datetime]], name: str) -> Any:
    """The places as a table; with one row each, so that a join doubles nobody."""
    table = func.unnest(
        literal([country for country, _province, _at in places], ARRAY(Text)),
        literal([province for _country, province, _at in places], ARRAY(Text)),
        literal([at for _country, _province, at in places], ARRAY(DateTime(timezone=True))),
    ).table_valued("country", "province", "due_at", name=name)
    return table.render_derived()


def _turn_at(
    people: Any, start: Start, draw: Callable[[ColumnElement[int]], ColumnElement[int]]
) -> ColumnElement[datetime] | None:
    pacing = start.pacing
    turn = (
        func.row_number().over(partition_by=people.c.receives, order_by=(draw(people.c.id), people.c.id)) - 1
    )
    if pacing.mode == "batches" and pacing.batches and pacing.every_minutes:
        everybody = func.count().over(partition_by=people.c.receives)
        # Whole numbers: the parts differ by one person at most.
        minutes = ((turn * pacing.batches) // everybody) * pacing.every_minutes
    elif pacing.mode == "hourly" and pacing.per_hour:
        minutes = (turn * 60) // pacing.per_hour
    else:
        return None
    minute = cast(literal(timedelta(minutes=1)), Interval)
    return _instant(start.at) + cast(minutes, Integer) * minute


def _instant(at: datetime) -> ColumnElement[datetime]:
    return cast(literal(at), DateTime(timezone=True))
