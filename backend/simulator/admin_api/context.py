"""What resolvers are given: the shop asked about, the state behind it, and what the caller may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.config import SimulatorConfig
from simulator.schema import AdminSchema
from simulator.state.records import Shop
from simulator.store import Store

if TYPE_CHECKING:
    from simulator.bulk.runner import BulkRunner
    from simulator.world import World


@dataclass(slots=True)
class Context:
    config: SimulatorConfig
    store: Store
    world: World
    runner: BulkRunner
    schema: AdminSchema
    shop: Shop
    scopes: frozenset[str]
    run_mutation: Callable[[Context, str, dict[str, Any]], dict[str, Any]] | None = None
    """Executes a mutation's text with variables, uncharged, for bulk mutations."""
    warnings: list[dict[str, Any]] = field(default_factory=list)
    """Search terms that the platform would ignore, reported in `extensions.search`."""
