"""What became of the jobs that work on one thing, for the modules whose rows wait for them."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from storecast.jobs import repository
from storecast.kit.types import ShopId

Fate = Literal["live", "succeeded", "dead", "cancelled"]


def find_fate(session: Session, shop_id: ShopId, terms: Sequence[str]) -> Fate | None:
    """``live`` while one of the shop's jobs with any of these tags or ``field:value`` may still run.

    Else how the last of them ended, and None when there is none. One that was cancelled while it waited has ended.
    """
    states = repository.live_states(session, shop_id, terms)
    if states - {"cancelled"}:
        return "live"
    return "cancelled" if states else repository.find_last_end(session, shop_id, terms)


def is_retry(session: Session, job_id: UUID) -> bool:
    """Whether somebody started this live job in the place of one that had ended."""
    return repository.is_retry(session, job_id)
