"""The named queries that a workflow may fan out over: one job for each value.

A query runs in the shop's own session, under row-level security, and gives one scalar a row. Modules above register
theirs in their ``tasks.py``: which values exist is the program's word, a person only chooses among them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId

MAX_VALUES = 10_000
"""Jobs of one node at most: they are staged in one transaction, which others wait behind."""

Value = str | int
Read = Callable[[Session, ShopId, int], Iterable[Value]]


@dataclass(frozen=True, slots=True)
class FanOut:
    """A registered query; ``sample`` is a value such as it gives, for the check of a job's argument."""

    name: str
    description: str
    sample: Value
    read: Read

    def values(self, session: Session, shop_id: ShopId) -> list[Value]:
        """The values, at most one more than `MAX_VALUES`, which is how a caller sees that there are too many."""
        limit = MAX_VALUES + 1
        return list(islice(self.read(session, shop_id, limit), limit))


_registry: dict[str, FanOut] = {}


def fan_out(name: str, description: str, *, sample: Value) -> Callable[[Read], Read]:
    """Register a query ``(session, shop_id, limit) -> values``."""

    def register(read: Read) -> Read:
        if name in _registry:
            raise ValueError(f"two queries are called {name}")
        _registry[name] = FanOut(name, description, sample, read)
        return read

    return register


def find(name: str) -> FanOut | None:
    """The query of this name."""
    return _registry.get(name)


def list_all() -> list[FanOut]:
    """Every query, by name."""
    return [_registry[name] for name in sorted(_registry)]
