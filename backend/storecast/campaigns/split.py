"""Which version each recipient gets: drawn by hash of campaign and customer, so everybody gets exactly one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

from sqlalchemy import ColumnElement, Integer, Interval, case, cast, false, func, literal, null, or_

from storecast.campaigns.draws import Lot, draw


@dataclass(frozen=True, slots=True)
class Split:
    """The weights of the versions 0, 1, …; how many of a hundred take part in the test, and how late each version is.

    The rest of a test gets no version yet (null). Without a test everybody takes part.
    """

    weights: tuple[int, ...] = (1,)
    share_percent: int = 100
    delays: tuple[timedelta, ...] = (timedelta(0),)

    def version_of(self, customer_id: ColumnElement[int], campaign_id: int) -> ColumnElement[int | None]:
        """The version of a customer."""
        version: ColumnElement[int | None] = literal(0)
        if len(self.weights) > 1:
            lot = draw(customer_id, campaign_id, Lot.VERSION, sum(self.weights))
            bounds: Sequence[int] = list(accumulate(self.weights))
            version = case(
                *((lot < bound, literal(number)) for number, bound in enumerate(bounds[:-1])),
                else_=literal(len(bounds) - 1),
            )
        if self.share_percent < 100:
            takes_part = draw(customer_id, campaign_id, Lot.TEST, 100) < self.share_percent
            version = case((takes_part, version), else_=cast(null(), Integer))
        return version

    def delay_of(
        self, version: ColumnElement[int | None]
    ) -> tuple[ColumnElement[timedelta], ColumnElement[bool]]:
        """How much later a version goes out, and whether it does."""
        late = [(number, delay) for number, delay in enumerate(self.delays) if delay]
        nothing = cast(literal(timedelta(0)), Interval)
        if not late:
            return nothing, false()
        delay_of = case(
            *((version == number, cast(literal(delay), Interval)) for number, delay in late), else_=nothing
        )
        return func.coalesce(delay_of, nothing), or_(*(version == number for number, _delay in late))


EVERYBODY = Split()
"""One version for all, at once."""
