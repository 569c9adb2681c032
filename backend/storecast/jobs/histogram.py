"""Durations as counts per bucket: cheap to add up over minutes, jobs and processes, and good for percentiles.

Bucket ``i`` holds what is at least ``BOUNDS_MS[i - 1]`` and less than ``BOUNDS_MS[i]``, the way PostgreSQL's
`width_bucket` counts; the first one begins at 0 and the last one has no end.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

BOUNDS_MS: tuple[int, ...] = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(1_000, 2_000, 5_000, 10_000, 20_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000),
    *(3_600_000, 7_200_000, 14_400_000, 21_600_000),
)
"""From 1 ms to 6 h in steps of about 2: a percentile is off by its bucket's width at most, and a minute of one kind of
job stays under 300 bytes. Stored figures are counted in these: adding one means counting all of them anew."""

BUCKETS = len(BOUNDS_MS) + 1


def bucket_of(ms: float) -> int:
    """Where a duration is counted."""
    return sum(bound <= ms for bound in BOUNDS_MS)


def percentile_ms(counts: Sequence[int], share: float, total_ms: float | None = None) -> float | None:
    """The duration that ``share`` of the counted ones do not exceed; None when nothing was counted.

    Inside the bucket of the nearest rank it is placed by rank, evenly on the logarithmic scale that the buckets are
    cut on: one alone in its middle. What ran longer than the last bound is given as that bound. ``total_ms``, when it
    is known what all add up to, is shared by those of the rank and above: none of them can be so long that it is more.
    """
    total = sum(counts)
    if total == 0:
        return None
    rank = max(1, math.ceil(share * total))
    index = next(i for i, below in enumerate(accumulate(counts)) if below >= rank)
    lower = BOUNDS_MS[index - 1] if index else 0
    most = math.inf if total_ms is None else max(lower, total_ms / (total - rank + 1))
    if index == len(BOUNDS_MS):
        return float(lower)
    within = (rank - sum(counts[:index]) - 0.5) / counts[index]
    upper = BOUNDS_MS[index]
    placed = lower * math.pow(upper / lower, within) if lower else upper * within
    return round(min(placed, most), 1)
