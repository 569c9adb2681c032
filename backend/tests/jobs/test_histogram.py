"""Percentiles from buckets against the exact ones."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storecast.jobs.histogram import BOUNDS_MS, BUCKETS, bucket_of, percentile_ms

durations = st.lists(st.floats(0, 30_000_000, allow_nan=False), min_size=1, max_size=200)
shares = st.sampled_from([0.01, 0.5, 0.75, 0.95, 0.99, 1.0])


def counted(values: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for value in values:
        counts[bucket_of(value)] += 1
    return counts


@given(durations, shares)
def test_a_percentile_lies_in_the_bucket_of_the_exact_one(values: list[float], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    estimate = percentile_ms(counted(values), share)
    edges = (0, *BOUNDS_MS, BOUNDS_MS[-1])
    bucket = bucket_of(exact)
    assert estimate is not None
    # Shown to a tenth of a millisecond.
    assert edges[bucket] - 0.05 <= estimate <= edges[bucket + 1] + 0.05


@given(durations)
def test_a_higher_percentile_is_not_lower(values: list[float]) -> None:
    p50, p95, p99 = (percentile_ms(counted(values), share) or 0.0 for share in (0.5, 0.95, 0.99))
    assert p50 <= p95 <= p99


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile_ms([0] * BUCKETS, 0.95) is None
    assert percentile_ms((), 0.95) is None


def test_bounds_are_log_scaled_from_a_millisecond_to_six_hours() -> None:
    assert (BOUNDS_MS[0], BOUNDS_MS[-1]) == (1, 6 * 3600 * 1000)
    assert all(1.4 <= after / before <= 2.5 for before, after in pairwise(BOUNDS_MS))


def test_what_ran_longer_than_the_last_bound_is_given_as_that() -> None:
    assert percentile_ms(counted([99_000_000.0]), 0.5) == BOUNDS_MS[-1]
