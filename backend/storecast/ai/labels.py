"""What a group of buyers is called, by how it stands among the shop's groups.

A name is only given to a group that it is true of, and each group of a shop has a name of its own: a name that several
claim goes to the one nearest to what it stands for, and who finds no other name is numbered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import dist

RECENT_DAYS = 365
AWAY_DAYS = 60
NEW_DAYS = 90
"""However a group stands among the others: who ordered a year ago is not recent, nor away who did last month."""

NEARLY_ONE = 1.25
"""Orders a person below which most have made one: a group's box may hold a few who came back."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group's buyers did: means a person, and the median of the days since their last order."""

    orders: float
    spent_minor: float
    days: float


@dataclass(frozen=True, slots=True)
class Label:
    """A name's key, and which of the groups with that name this is: 1 for the first."""

    key: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class _Standing:
    """A group's rank among the groups from 0, the least, to 1."""

    orders: float
    spend: float
    days: float
    figures: Figures

    @property
    def bought_once(self) -> bool:
        return self.figures.orders < NEARLY_ONE

    @property
    def recent(self) -> bool:
        return self.days <= 0.5 and self.figures.days <= RECENT_DAYS

    @property
    def away(self) -> bool:
        return self.days >= 0.4 and self.figures.days >= AWAY_DAYS


@dataclass(frozen=True, slots=True)
class _Kind:
    key: str
    stands_for: tuple[float, float, float]
    fits: Callable[[_Standing], bool]


_KINDS = (
    _Kind("champions", (1, 1, 0), lambda at: at.recent and at.orders >= 0.6 and at.spend >= 0.6),
    _Kind("loyal", (0.7, 0.6, 0.2), lambda at: at.recent and at.orders >= 0.5 and not at.bought_once),
    _Kind("big_spenders", (0.5, 0.9, 0.4), lambda at: at.spend >= 0.6 and at.spend > at.orders),
    _Kind("promising", (0.3, 0.3, 0.2), lambda at: at.recent),
    _Kind("new", (0, 0, 0), lambda at: at.bought_once and at.figures.days <= NEW_DAYS),
    _Kind("slipping", (0.4, 0.4, 0.6), lambda at: at.away and not at.bought_once),
    _Kind("at_risk", (0.8, 0.8, 0.8), lambda at: at.away and at.orders >= 0.5 and not at.bought_once),
    _Kind("lapsed", (0.3, 0.3, 1), lambda at: at.away and at.days >= 0.6),
    _Kind("one_time", (0, 0, 0.7), lambda at: at.bought_once),
    _Kind("occasional", (0.4, 0.2, 0.6), lambda at: at.orders < 0.5),
)
_OTHERS = _Kind("others", (0.5, 0.5, 0.5), lambda _at: True)

LABELS = tuple(kind.key for kind in (*_KINDS, _OTHERS))


def labels_of(groups: Sequence[Figures]) -> list[Label]:
    """A label for each group, no two alike."""
    claims = sorted(
        (dist(kind.stands_for, (at.orders, at.spend, at.days)), group, kind.key)
        for group, at in enumerate(_standings(groups))
        for kind in ([kind for kind in _KINDS if kind.fits(at)] or [_OTHERS])
    )
    given: dict[int, Label] = {}
    taken: dict[str, int] = {}
    for _distance, group, key in claims:
        if group not in given and key not in taken:
            given[group], taken[key] = Label(key), 1
    for _distance, group, key in claims:
        if group not in given:
            taken[key] += 1
            given[group] = Label(key, taken[key])
    return [given[group] for group in range(len(groups))]


def _standings(groups: Sequence[Figures]) -> list[_Standing]:
    orders = _ranks([group.orders for group in groups])
    spend = _ranks([group.spent_minor for group in groups])
    days = _ranks([group.days for group in groups])
    return [_Standing(*standing) for standing in zip(orders, spend, days, groups, strict=True)]


def _ranks(values: Sequence[float]) -> list[float]:
    """Between those who have less and those who have more; who is alone, or like all others, is in the middle."""
    others = len(values) - 1
    return [
        0.5 + (sum(other < value for other in values) - sum(other > value for other in values)) / 2 / others
        if others
        else 0.5
        for value in values
    ]
