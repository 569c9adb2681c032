"""The people that a campaign is for, as a query."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select


@dataclass(frozen=True, slots=True)
class Chosen:
    """People (rows of `customers.selectables.audience`), those among them who are left out, and the shop's hold-out."""

    members: Select[Any]
    excluded: tuple[Select[Any], ...] = ()
    holdout_percent: int = 0
    holdout_seed: int = 0


def ids_of(members: Select[Any]) -> Select[Any]:
    """Their ids alone."""
    people = members.subquery()
    return select(people.c.id)
