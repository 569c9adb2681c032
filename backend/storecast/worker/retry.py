"""The retry curve: exponential with jitter, as a pure function."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """A curve: `base_s` after the first failure, twice as long after each further one, `cap_s` at most.

    The default's cap is an hour: after eight attempts a job has waited most of a working day, long enough for a
    person to step in.
    """

    base_s: float = 5.0
    cap_s: float = 3600.0

    def delay_s(self, attempt: int, *, rng: random.Random | None = None) -> float:
        """Seconds before the attempt after ``attempt`` (1 for the first): between half and all of the curve."""
        if attempt < 1:
            raise ValueError("attempts count from 1")
        ceiling = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 32))
        return ceiling * (rng or random).uniform(0.5, 1.0)
