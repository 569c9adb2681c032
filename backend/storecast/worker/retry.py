"""The retry curve: exponential with full jitter, as a pure function."""

import random

BASE_S = 5.0
CAP_S = 3600.0
"""An hour: after eight attempts on this curve a job has waited most of a working day, long enough for a person."""


def delay_s(attempt: int, *, rng: random.Random | None = None) -> float:
    """Seconds before the attempt after ``attempt`` (1 for the first): between half and all of the curve."""
    if attempt < 1:
        raise ValueError("attempts count from 1")
    ceiling = min(CAP_S, BASE_S * 2.0 ** min(attempt - 1, 32))
    return ceiling * (rng or random).uniform(0.5, 1.0)
