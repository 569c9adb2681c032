"""The circuits of external hosts as operators see them, and closing one by hand.

They live in Redis, not in the database: closing one holds at once, and its audit entry is written before it.
"""

from functools import lru_cache

import redis
import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.config.settings import get_settings
from storecast.fleet.circuits_schemas import CircuitBudget, CircuitRow
from storecast.kit.errors import NotFound, Unavailable
from storecast.kit.types import ShopId
from storecast.resilience.budget import Budgets
from storecast.resilience.circuit import Circuit, Circuits
from storecast.resilience.guard import make_redis

log = structlog.get_logger(__name__)


def list_circuits() -> list[CircuitRow]:
    """Hosts that were in trouble lately, those in trouble now first; raises Unavailable without Redis."""
    circuits, budgets = _boards(get_settings().redis_url)
    try:
        return [_row(circuit, budgets) for circuit in circuits.list_all()]
    except redis.RedisError as error:
        raise _unknown() from error


def close(session: Session, shop_id: ShopId, actor: str, host: str, *, reason: str | None) -> CircuitRow:
    """Let calls to the host through at once; ``shop_id`` is where the operator's deeds are written down.

    A probe that is out loses its say. Failures from before do not count against the host any more.
    """
    circuits, budgets = _boards(get_settings().redis_url)
    try:
        before = _find(circuits, host)
        if before is None:
            raise NotFound(f"There is no circuit of {host}.")
        audit.record(session, shop_id, actor, "circuit_closed", host, was=before.state, reason=reason)
        circuits.close(host)
        log.warning("circuit_closed_by_hand", host=host, was=before.state)
        after = _find(circuits, host)
        return _row(after or before, budgets)
    except redis.RedisError as error:
        raise _unknown() from error


def _find(circuits: Circuits, host: str) -> Circuit | None:
    return next((circuit for circuit in circuits.list_all() if circuit.host == host), None)


def _row(circuit: Circuit, budgets: Budgets) -> CircuitRow:
    return CircuitRow(
        host=circuit.host,
        state=circuit.state,
        failures=circuit.failures,
        opened_at=circuit.opened_at,
        probe_at=circuit.probe_at,
        last_error=circuit.last_error,
        budget=CircuitBudget(left=round(budgets.left(circuit.host), 1), capacity=budgets.capacity),
    )


def _unknown() -> Unavailable:
    return Unavailable("Redis does not answer; while it is away every call passes.", code="circuits_unknown")


@lru_cache(maxsize=1)
def _boards(redis_url: str) -> tuple[Circuits, Budgets]:
    client = make_redis(redis_url)
    return Circuits(client), Budgets(client)
