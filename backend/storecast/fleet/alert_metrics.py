"""The figures that alerts may watch: a registry that every module adds its own to.

A figure of an operator's rule is read in a session that sees all shops, one of a shop's rule inside that shop. Each
module registers its figures in a file called ``alert_figures``, which every process that runs or shows rules loads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId

Audience = Literal["operators", "shops", "both"]

Read = Callable[[Session, ShopId | None, Mapping[str, Any]], float | None]
"""The figure now; None when there is nothing to tell it from."""

Link = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A threshold to begin with."""

    op: Literal["above", "below"]
    threshold: float
    for_s: int


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: ``scopes`` are the names it can be narrowed by, ``link`` the page that shows what is behind it."""

    key: str
    unit: str
    audience: Audience
    read: Read
    link: Link
    suggested: Suggestion
    scopes: tuple[str, ...] = ()


_metrics: dict[str, Metric] = {}


def metric(
    key: str,
    *,
    unit: str,
    audience: Audience,
    link: str | Link,
    suggested: tuple[Literal["above", "below"], float, int],
    scopes: tuple[str, ...] = (),
) -> Callable[[Read], Read]:
    """Register the function that reads a figure. ``link`` is a page's address or makes one from the scope."""

    def register(read: Read) -> Read:
        if key in _metrics:
            raise ValueError(f"two figures are called {key}")
        address = link if callable(link) else (lambda _scope: link)
        _metrics[key] = Metric(key, unit, audience, read, address, Suggestion(*suggested), scopes)
        return read

    return register


def find(key: str, *, for_shop: bool) -> Metric | None:
    """The figure, if a rule of a shop (or of the operators) may watch it."""
    found = _metrics.get(key)
    audience = ("shops", "both") if for_shop else ("operators", "both")
    return found if found is not None and found.audience in audience else None


def list_all(*, for_shop: bool) -> list[Metric]:
    """Every figure that a rule of a shop (or of the operators) may watch."""
    return [metric for key, metric in sorted(_metrics.items()) if find(key, for_shop=for_shop)]
