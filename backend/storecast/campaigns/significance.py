"""Which version of a message is better, and whether that can be said yet: pure arithmetic, no table, no clock.

Shares (opened, clicked) are compared by the two-proportion z-test, revenue per recipient by Welch's t-test. Every pair
of arms is compared and the p-values are adjusted by Holm's method, so that of all the things said at once none is
false more often than ``alpha``. An arm has won when it beats every other arm; there is no winner by a whisker. Holm,
"A simple sequentially rejective multiple test procedure", 1979; Wilson, "Probable inference", 1927; Welch, 1947.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Protocol

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
POWER = 0.8
"""How likely a difference of the observed size is to be seen with as many recipients as we ask for."""

_FEWEST_EXPECTED = 5.0
"""Below so many successes and failures the normal approximation is no good: nothing is said."""

_FEWEST_BUYERS = 10
"""A mean that hangs on fewer orders than this is decided by the next big one."""

_NORMAL = NormalDist()


class Arm(Protocol):
    """What one version has achieved."""

    @property
    def people(self) -> int:
        """Recipients that it was delivered to."""

    @property
    def estimate(self) -> float:
        """Share, or amount a recipient."""

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true value lies in 95 of 100 cases."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many people did it."""

    people: int
    successes: int

    @property
    def estimate(self) -> float:
        """The share, 0 of nobody."""
        return self.successes / self.people if self.people else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval: it stays within 0 and 1 and is honest about small numbers."""
        if not self.people:
            return 0.0, 1.0
        z = _NORMAL.inv_cdf(1 - ALPHA / 2)
        n, p = self.people, self.estimate
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(middle - reach, 0.0), min(middle + reach, 1.0)


@dataclass(frozen=True, slots=True)
class Revenue:
    """What so many people spent, those who spent nothing included; ``squares`` is the sum of squared amounts."""

    people: int
    buyers: int
    total: float
    squares: float

    @property
    def estimate(self) -> float:
        """Revenue a recipient, 0 of nobody."""
        return self.total / self.people if self.people else 0.0

    @property
    def variance(self) -> float:
        """Of one recipient's revenue (unbiased)."""
        if self.people < 2:
            return 0.0
        return max(self.squares - self.total * self.total / self.people, 0.0) / (self.people - 1)

    @property
    def interval(self) -> tuple[float, float]:
        """By Student's t; nobody pays less than nothing."""
        if self.people < 2:
            return 0.0, math.inf
        reach = t_quantile(1 - ALPHA / 2, self.people - 1) * math.sqrt(self.variance / self.people)
        return max(self.estimate - reach, 0.0), self.estimate + reach


@dataclass(frozen=True, slots=True)
class Judgement:
    """What can be said of the arms, by their place in the list.

    ``leader`` is ahead so far, None when nobody is; ``winner`` is surely better than every other arm. ``p_value`` is
    the largest of the leader's adjusted ones, None while there is too little to test. ``more_needed`` estimates how
    many more recipients, over all arms, would show a difference as large as the observed one; None when there is a
    winner, or no difference to be shown.
    """

    leader: int | None
    winner: int | None
    p_value: float | None
    more_needed: int | None


def judge(arms: Sequence[Rate] | Sequence[Revenue], alpha: float = ALPHA) -> Judgement:
    """Compare every arm with every other; ``alpha`` is the share of mistakes that is put up with."""
    if len(arms) < 2 or not any(arm.people for arm in arms):
        return Judgement(None, None, None, None)
    ranked = sorted(range(len(arms)), key=lambda place: -arms[place].estimate)
    first, second = ranked[:2]
    if arms[first].estimate == arms[second].estimate:
        return Judgement(None, None, None, None)
    pairs = list(combinations(range(len(arms)), 2))
    adjusted = dict(zip(pairs, holm([_p_value(arms[one], arms[other]) for one, other in pairs]), strict=True))
    of_leader = [p for pair, p in adjusted.items() if first in pair]
    p_value = None if None in of_leader else max(p for p in of_leader if p is not None)
    if p_value is not None and p_value <= alpha:
        return Judgement(first, first, p_value, None)
    return Judgement(first, None, p_value, _more_needed(arms, first, second, alpha / len(pairs)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values: what is at most alpha is significant. Comparisons that cannot be made (None) count as made."""
    made = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(made):
        highest = max(highest, min(p * (len(p_values) - rank), 1.0))
        adjusted[place] = highest
    return adjusted


def _p_value(one: Rate | Revenue, other: Rate | Revenue) -> float | None:
    if isinstance(one, Rate) and isinstance(other, Rate):
        return two_proportions(one, other)
    if isinstance(one, Revenue) and isinstance(other, Revenue):
        return welch(one, other)
    raise TypeError("shares and revenue cannot be compared")


def two_proportions(one: Rate, other: Rate) -> float | None:
    """Two-sided p-value of the pooled z-test; None where too few people make it worthless."""
    if not one.people or not other.people:
        return None
    pooled = (one.successes + other.successes) / (one.people + other.people)
    fewest = min(one.people, other.people)
    if fewest * pooled < _FEWEST_EXPECTED or fewest * (1 - pooled) < _FEWEST_EXPECTED:
        return None
    spread = math.sqrt(pooled * (1 - pooled) * (1 / one.people + 1 / other.people))
    return math.erfc(abs(one.estimate - other.estimate) / spread / math.sqrt(2))


def welch(one: Revenue, other: Revenue) -> float | None:
    """Two-sided p-value of Welch's t-test; None where too few bought."""
    if min(one.buyers, other.buyers) < _FEWEST_BUYERS:
        return None
    parts = one.variance / one.people, other.variance / other.people
    if sum(parts) == 0:
        return 0.0 if one.estimate != other.estimate else 1.0
    t = (one.estimate - other.estimate) / math.sqrt(sum(parts))
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (one.people - 1) + parts[1] ** 2 / (other.people - 1))
    return 2 * t_upper_tail(abs(t), freedom)


def people_needed(one: Rate | Revenue, other: Rate | Revenue, alpha: float) -> float:
    """How many recipients each of two arms needs to show a difference such as the observed one; it must not be 0."""
    sure, likely = _NORMAL.inv_cdf(1 - alpha / 2), _NORMAL.inv_cdf(POWER)
    difference = one.estimate - other.estimate
    if isinstance(one, Rate) and isinstance(other, Rate):
        p, q = one.estimate, other.estimate
        middle = (p + q) / 2
        pooled, apart = math.sqrt(2 * middle * (1 - middle)), math.sqrt(p * (1 - p) + q * (1 - q))
        return ((sure * pooled + likely * apart) / difference) ** 2
    if isinstance(one, Revenue) and isinstance(other, Revenue):
        return (sure + likely) ** 2 * (one.variance + other.variance) / difference**2
    raise TypeError("shares and revenue cannot be compared")


def _more_needed(arms: Sequence[Rate] | Sequence[Revenue], first: int, second: int, alpha: float) -> int:
    enough = people_needed(arms[first], arms[second], alpha)
    # Somebody more at least: with as many as are there it was tried and could not be told.
    return max(sum(math.ceil(max(enough - arm.people, 0.0)) for arm in arms), len(arms))


def t_upper_tail(t: float, freedom: float) -> float:
    """P(T > t) of Student's distribution, for t of at least 0."""
    return 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def t_quantile(probability: float, freedom: float) -> float:
    """The t below which so much of the distribution lies, for a probability of at least one half."""
    low, high = 0.0, 1.0
    while 1 - t_upper_tail(high, freedom) < probability and high < 1e12:
        high *= 2
    for _halving in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - t_upper_tail(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (NIST DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        # The fraction converges fast on this side only.
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front / a / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """Lentz's method, from the front; the value never reaches 0 for the arguments that come here."""
    tiny = 1e-300
    value, above, below = 1.0, 1.0, 0.0
    for step in range(1, 400):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        below = 1 / ((1 + term * below) or tiny)
        above = (1 + term / above) or tiny
        value *= above * below
        if abs(above * below - 1) < 1e-15:
            break
    return value
