"""Which version each recipient gets: that of their language, or one that is drawn by hash of campaign and customer.

Everybody gets exactly one. Who reads a language that the campaign speaks gets it at once and takes no part in a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

from sqlalchemy import ColumnElement, Integer, Interval, case, cast, false, func, literal, null, or_

from storecast.campaigns.draws import Lot, draw
from storecast.campaigns.languages import Languages, number_of


@dataclass(frozen=True, slots=True)
class Split:
    """The weights of the versions 0, 1, …; how many of a hundred take part in the test, and how late each version is.

    The rest of a test gets no version yet (null). Without a test everybody takes part.
    """

    weights: tuple[int, ...] = (1,)
    share_percent: int = 100
    delays: tuple[timedelta, ...] = (timedelta(0),)
    languages: Languages = ()

    def version_of(
        self,
        customer_id: ColumnElement[int],
        campaign_id: int,
        locale: ColumnElement[str | None],
    ) -> ColumnElement[int | None]:
        """The version of a customer."""
        drawn = self._drawn(customer_id, campaign_id)
        return func.coalesce(self.language_of(locale), drawn) if self.languages else drawn

    def language_of(self, locale: ColumnElement[str | None]) -> ColumnElement[int | None]:
        """The version of a customer's language; null for the campaign's own."""
        return number_of(locale, self.languages)

    def _drawn(self, customer_id: ColumnElement[int], campaign_id: int) -> ColumnElement[int | None]:
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
