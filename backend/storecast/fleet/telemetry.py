"""What monitoring reads of processes and of external hosts, as of one instant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import get_args

import redis
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.fleet import repository
from storecast.fleet.schemas import ProcessKind, ProcessState
from storecast.fleet.service import state_of
from storecast.resilience.circuit import Circuits, State
from storecast.resilience.guard import make_redis

SERVICES = ("shopify", "bulk_result", "smtp", "alert webhook")
"""What clients call the hosts that they guard; a metric begins at zero for each, so that a rise from nothing shows."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One look."""

    processes: Mapping[tuple[str, str], int]
    consumers: Mapping[str, int]
    slots: int
    busy: int
    rss_bytes: Mapping[str, int]
    dropped: int
    outdated: int


def look(session: Session, *, now: datetime) -> Telemetry:
    """The fleet by kind and state; workers that are lost or drained take no part in what is at work."""
    found = repository.list_all(session)
    states = {process.name: state_of(process.beat_at, now=now) for process in found}
    processes = {(kind, state): 0 for kind in get_args(ProcessKind) for state in get_args(ProcessState)}
    for process in found:
        processes[process.kind, states[process.name]] += 1
    alive = [process for process in found if states[process.name] != "lost"]
    workers = [process for process in alive if process.kind == "worker" and not process.draining]
    rss_bytes: Counter[str] = Counter()
    for process in alive:
        rss_bytes[process.kind] += process.rss_bytes
    newest = max(alive, key=lambda process: process.started_at).version if alive else ""
    return Telemetry(
        processes=processes,
        consumers=Counter(queue for worker in workers for queue in worker.queues),
        slots=sum(worker.slots for worker in workers),
        busy=sum(worker.busy for worker in workers),
        rss_bytes=rss_bytes,
        dropped=sum(process.dropped for process in found),
        outdated=sum(process.version != newest for process in alive),
    )


def circuits() -> Mapping[tuple[str, State], int] | None:
    """Hosts by service and state of their circuit, those without trouble left out; None when Redis did not say."""
    try:
        found = _circuits(get_settings().redis_url).list_all()
    except redis.RedisError:
        return None
    counted: dict[tuple[str, State], int] = {
        (service, state): 0 for service in SERVICES for state in get_args(State)
    }
    for circuit in found:
        key = (circuit.service, circuit.state)
        counted[key] = counted.get(key, 0) + 1
    return counted


@lru_cache(maxsize=1)
def _circuits(redis_url: str) -> Circuits:
    return Circuits(make_redis(redis_url))
