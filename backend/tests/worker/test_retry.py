"""The retry curve."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.worker.retry import Retry


@given(attempt=st.integers(1, 40), seed=st.integers())
def test_the_retry_curve_grows_and_stays_bounded(attempt: int, seed: int) -> None:
    curve = Retry()
    ceiling = min(curve.cap_s, curve.base_s * 2 ** (attempt - 1))
    assert ceiling / 2 <= curve.delay_s(attempt, rng=random.Random(seed)) <= ceiling


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        Retry().delay_s(0)
