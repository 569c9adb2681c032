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


@given(durations, shares)
def test_a_percentile_is_no_more_than_what_the_sum_leaves_for_it(values: list[float], share: float) -> None:
    """Of few runs the bucket says little and the sum a lot."""
    total = sum(values)
    rank = max(1, math.ceil(share * len(values)))
    estimate = percentile_ms(counted(values), share, total)
    exact = sorted(values)[rank - 1]
    bucket = bucket_of(exact)
    assert estimate is not None
    assert estimate <= total / (len(values) - rank + 1) + 0.05
    assert estimate >= (0, *BOUNDS_MS)[bucket] - 0.05
    without = percentile_ms(counted(values), share)
    assert without is not None
    assert estimate <= without


@given(durations)
def test_a_higher_percentile_is_not_lower_with_the_sum_known(values: list[float]) -> None:
    total = sum(values)
    p50, p95, p99 = (percentile_ms(counted(values), share, total) or 0.0 for share in (0.5, 0.95, 0.99))
    assert p50 <= p95 <= p99


def test_one_run_is_its_own_sum_at_most_and_the_middle_of_its_bucket_without_it() -> None:
    assert percentile_ms(counted([1_100.0]), 0.95, 1_100.0) == 1_100.0
    assert percentile_ms(counted([1_900.0]), 0.95, 1_900.0) == 1_414.2
    assert percentile_ms(counted([1_900.0]), 0.95) == 1_414.2
    # What adds up was rounded minute by minute.
    assert percentile_ms(counted([0.4]), 0.95, 0) == 0.0


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile_ms([0] * BUCKETS, 0.95) is None
    assert percentile_ms((), 0.95) is None


def test_bounds_are_log_scaled_from_a_millisecond_to_six_hours() -> None:
    assert (BOUNDS_MS[0], BOUNDS_MS[-1]) == (1, 6 * 3600 * 1000)
    assert all(1.4 <= after / before <= 2.5 for before, after in pairwise(BOUNDS_MS))


def test_what_ran_longer_than_the_last_bound_is_given_as_that() -> None:
    assert percentile_ms(counted([99_000_000.0]), 0.5) == BOUNDS_MS[-1]
