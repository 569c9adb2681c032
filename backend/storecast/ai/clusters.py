"""Groups of buyers who are alike: weighted k-means over the cells of a grid, told as one box of cells a group.

The groups part the grid: every cell is in exactly one box. Nothing is left to chance, so that the same cells give the
same groups, and the work depends on the number of cells alone (252 at most), not on that of customers.

K-means finds the centres. A tree of cuts between them then makes each group a box, as described for explainable
k-means (https://arxiv.org/abs/2002.12538): each cut is the one that takes the fewest buyers from their centre.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import dist, fsum, log1p, sqrt

from storecast.ai.grid import Box, Cell, Edges, whole

FEWEST = 3
MOST = 8

NEARLY = 0.85
"""The clearest partition is mostly the coarsest. The finest that is nearly as clear tells a merchant more."""

SMALLEST_SHARE = 0.02
SMALLEST = 5
"""A group under both is a handful of people, and no audience."""

ROUNDS = 100
"""K-means settles after about ten; this bounds what ties could do."""

Point = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Space:
    """The cells as points, each axis on a scale of its own with mean 0 and deviation 1, and the edges on them.

    Orders, spend and days are all skewed: a logarithm lets the few at the far end not be all that counts.
    """

    cells: Sequence[Cell]
    points: Sequence[Point]
    weights: Sequence[int]
    edges: Sequence[Sequence[float]]

    @property
    def buyers(self) -> int:
        return sum(self.weights)

    def centre(self, members: Sequence[int]) -> Point:
        """The weighted mean of some cells."""
        weight = sum(self.weights[i] for i in members)
        return tuple(
            fsum(self.weights[i] * self.points[i][axis] for i in members) / weight
            for axis in range(len(self.edges))
        )


def space_of(cells: Sequence[Cell], edges: Edges) -> Space:
    """The cells, in the order of their places, on standardised axes."""
    ordered = sorted(cells, key=lambda cell: cell.place)
    weights = [cell.buyers for cell in ordered]
    columns, scaled_edges = [], []
    for sums, axis_edges in zip(
        (
            [cell.orders for cell in ordered],
            [cell.spent_minor for cell in ordered],
            [cell.days for cell in ordered],
        ),
        edges.axes,
        strict=True,
    ):
        means = [max(0.0, total / weight) for total, weight in zip(sums, weights, strict=True)]
        scale = _weighted_mean(means, weights) or 1.0
        column = [log1p(mean / scale) for mean in means]
        middle = _weighted_mean(column, weights)
        deviation = sqrt(_weighted_mean([(value - middle) ** 2 for value in column], weights)) or 1.0
        columns.append([(value - middle) / deviation for value in column])
        scaled_edges.append([(log1p(edge / scale) - middle) / deviation for edge in axis_edges])
    return Space(ordered, list(zip(*columns, strict=True)), weights, scaled_edges)


def partition(cells: Sequence[Cell], edges: Edges) -> list[Box]:
    """Boxes that part the grid, 3 to 8 where its cells allow: the finest with nearly the best silhouette."""
    space = space_of(cells, edges)
    distances = [[dist(one, other) for other in space.points] for one in space.points]
    fewest = min(FEWEST, len(cells))
    found = [boxes(space, centres(space, k), whole(edges)) for k in range(fewest, min(MOST, len(cells)) + 1)]
    # Cuts that would leave too few on a side are not made, so that k centres may end in fewer boxes.
    most = max(map(len, found))
    scored = [
        (len(each), silhouette(space, distances, each), each)
        for each in found
        if len(each) >= min(FEWEST, most)
    ]
    best = max(score for _size, score, _each in scored)
    near = [entry for entry in scored if entry[1] >= NEARLY * best or entry[1] == best]
    return max(near, key=lambda entry: entry[:2])[2]


def centres(space: Space, k: int) -> list[Point]:
    """Where k-means settles, begun from the heaviest cell and then each time the one that is worst off."""
    chosen = [space.points[max(range(len(space.cells)), key=lambda i: space.weights[i])]]
    while len(chosen) < k:
        cost = [
            weight * min(dist(point, centre) for centre in chosen) ** 2
            for point, weight in zip(space.points, space.weights, strict=True)
        ]
        chosen.append(space.points[max(range(len(cost)), key=cost.__getitem__)])
    homes: list[int] = []
    for _round in range(ROUNDS):
        settled = homes
        homes = [_nearest(point, chosen) for point in space.points]
        if homes == settled:
            break
        for k_th in range(k):
            members = [i for i, home in enumerate(homes) if home == k_th]
            if members:
                chosen[k_th] = space.centre(members)
    return chosen


def boxes(space: Space, around: Sequence[Point], box: Box) -> list[Box]:
    """Cut the box until each part has one centre, or until no cut leaves enough buyers on both sides."""
    floor = max(SMALLEST, SMALLEST_SHARE * space.buyers)
    done: list[Box] = []
    waiting = [(box, list(around))]
    while waiting:
        part, held = waiting.pop()
        cut = _best_cut(space, part, held, floor)
        if cut is None:
            done.append(part)
            continue
        axis, bucket = cut
        edge = space.edges[axis][bucket - 1]
        before, behind = part.cut(axis, bucket)
        waiting.append((behind, [centre for centre in held if centre[axis] >= edge]))
        waiting.append((before, [centre for centre in held if centre[axis] < edge]))
    return done


def _best_cut(space: Space, box: Box, held: Sequence[Point], floor: float) -> tuple[int, int] | None:
    """Axis and bucket of the cut between two centres that takes the fewest buyers from their own."""
    inside = [i for i, cell in enumerate(space.cells) if box.holds(cell.place)]
    homes = {i: held[_nearest(space.points[i], held)] for i in inside}
    best: tuple[int, int] | None = None
    least = -1
    for axis, edges in enumerate(space.edges):
        for bucket in range(box.low[axis] + 1, box.high[axis]):
            edge = edges[bucket - 1]
            if len({centre[axis] < edge for centre in held}) == 1:
                continue
            before = [i for i in inside if space.cells[i].place[axis] < bucket]
            weight = sum(space.weights[i] for i in before)
            if min(weight, sum(space.weights[i] for i in inside) - weight) < floor:
                continue
            strayed = sum(
                space.weights[i]
                for i in inside
                if (homes[i][axis] < edge) != (space.cells[i].place[axis] < bucket)
            )
            if best is None or strayed < least:
                best, least = (axis, bucket), strayed
    return best


def silhouette(space: Space, distances: Sequence[Sequence[float]], parts: Sequence[Box]) -> float:
    """How much nearer buyers are to their own group than to the next one, on average: -1 to 1, 0 for one group.

    Buyers of one cell count as being at one point.
    """
    groups = [[i for i, cell in enumerate(space.cells) if box.holds(cell.place)] for box in parts]
    groups = [group for group in groups if group]
    if len(groups) < 2:
        return 0.0
    weights = [sum(space.weights[i] for i in group) for group in groups]
    total = 0.0
    for own, group in enumerate(groups):
        for i in group:
            away = [fsum(space.weights[j] * distances[i][j] for j in other) for other in groups]
            others = weights[own] - 1
            near = away[own] / others if others else 0.0
            next_best = min(away[g] / weights[g] for g in range(len(groups)) if g != own)
            widest = max(near, next_best)
            if others and widest:
                total += space.weights[i] * (next_best - near) / widest
    return total / space.buyers


def _nearest(point: Point, among: Sequence[Point]) -> int:
    return min(range(len(among)), key=lambda i: dist(point, among[i]))


def _weighted_mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return fsum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
