"""The grid that a shop's buyers are sorted into: its edges, its cells, and boxes of cells as rules of a segment.

Every buyer is in exactly one cell, and a box's rules describe exactly the buyers in its cells. Along an axis bucket
``i`` lies between the edges ``i - 1`` and ``i``; a value on an edge belongs to the bucket behind it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from storecast.kit.money import exponent, from_minor

QUANTILES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
"""Fifths, and the few at the top who bring much of the revenue. The ends only say which edges divide nobody."""

ROUND_ORDERS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)
ROUND_DAYS = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365, 540, 730, 1095, 1460, 1825, 2555, 3650)
ROUND_AMOUNTS = tuple(
    sorted(
        int(amount)
        for power in range(12)
        for mantissa in map(Decimal, ("1", "1.5", "2", "2.5", "3", "4", "5", "6", "8"))
        if (amount := mantissa.scaleb(power)) == amount.to_integral_value()
    )
)
"""Numbers that a person would choose, which is what makes a suggestion's rule easy to read."""

Place = tuple[int, int, int]
"""Bucket numbers, in the order of `Edges.axes`."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A shop's buyers along each axis, at `QUANTILES`."""

    buyers: int
    orders: Sequence[int]
    spent_minor: Sequence[int]
    days: Sequence[int]


@dataclass(frozen=True, slots=True)
class Edges:
    """Where buckets end, in ascending order."""

    orders: tuple[int, ...]
    spent_minor: tuple[int, ...]
    days: tuple[int, ...]

    @property
    def axes(self) -> tuple[tuple[int, ...], ...]:
        return self.orders, self.spent_minor, self.days


@dataclass(frozen=True, slots=True)
class Cell:
    """The buyers of one place in the grid, with the sums of what they ordered, spent and have been away."""

    place: Place
    buyers: int
    orders: int
    spent_minor: int
    days: int


@dataclass(frozen=True, slots=True)
class Box:
    """Cells from the place ``low`` on, up to but not including ``high``."""

    low: Place
    high: Place

    def holds(self, place: Place) -> bool:
        """Whether the cell is inside."""
        return all(low <= at < high for low, at, high in zip(self.low, place, self.high, strict=True))

    def cut(self, axis: int, bucket: int) -> tuple["Box", "Box"]:
        """The part before the bucket, and the part from it on."""
        return (
            Box(self.low, _with(self.high, axis, bucket)),
            Box(_with(self.low, axis, bucket), self.high),
        )


def edges_of(spread: Spread, currency: str) -> Edges:
    """The shop's quantiles, rounded. One order and more than one are always told apart."""
    unit = 10 ** exponent(currency)
    return Edges(
        orders=_rounded(spread.orders, ROUND_ORDERS, always=ROUND_ORDERS[:1]),
        spent_minor=_rounded(spread.spent_minor, [amount * unit for amount in ROUND_AMOUNTS]),
        days=_rounded(spread.days, ROUND_DAYS),
    )


def whole(edges: Edges) -> Box:
    """The box of all buyers."""
    orders, spent, days = (len(axis) + 1 for axis in edges.axes)
    return Box((0, 0, 0), (orders, spent, days))


def rules_of(box: Box, edges: Edges, currency: str) -> dict[str, Any]:
    """The rule tree whose members are the buyers in the box."""
    (orders_low, orders_high), (spent_low, spent_high), (days_low, days_high) = (
        _bounds(axis, low, high) for axis, low, high in zip(edges.axes, box.low, box.high, strict=True)
    )
    rules = [_orders_rule(orders_low or 1, orders_high)]
    if spent_low is not None:
        rules.append(_rule("total_spent", "gte", _amount(spent_low, currency)))
    if spent_high is not None:
        rules.append(_rule("total_spent", "lt", _amount(spent_high, currency)))
    if days_low is not None:
        rules.append(_rule("last_order_at", "not_in_last_days", days_low))
    if days_high is not None:
        rules.append(_rule("last_order_at", "in_last_days", days_high))
    return {"op": "and", "rules": rules}


def _with(place: Place, axis: int, bucket: int) -> Place:
    orders, spent, days = (bucket if index == axis else at for index, at in enumerate(place))
    return orders, spent, days


def _rounded(quantiles: Sequence[int], numbers: Sequence[int], always: Sequence[int] = ()) -> tuple[int, ...]:
    """The nearest of the numbers, without those that would leave nobody on one of their sides."""
    lowest, *inner, highest = quantiles
    near = {*always, *(_nearest(value, numbers) for value in inner)}
    return tuple(sorted(edge for edge in near if lowest < edge <= highest))


def _nearest(value: int, numbers: Sequence[int]) -> int:
    """By ratio: 140 is nearer to 150 than to 120, and 1 400 to 1 500 in the same way."""
    if value <= numbers[0]:
        return numbers[0]
    if value >= numbers[-1]:
        return numbers[-1]
    above = bisect_left(numbers, value)
    low, high = numbers[above - 1], numbers[above]
    return low if value * value <= low * high else high


def _bounds(axis: Sequence[int], low: int, high: int) -> tuple[int | None, int | None]:
    return (axis[low - 1] if low > 0 else None), (axis[high - 1] if high <= len(axis) else None)


def _orders_rule(low: int, high: int | None) -> dict[str, Any]:
    if high is None:
        return _rule("orders_count", "gte", low)
    if high == low + 1:
        return _rule("orders_count", "eq", low)
    return _rule("orders_count", "between", [low, high - 1])


def _amount(minor: int, currency: str) -> str:
    return f"{from_minor(minor, currency).normalize():f}"


def _rule(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}
