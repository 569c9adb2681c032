"""What can go wrong with background work, judged: each item has a value, the limit that it is held to, and a severity.

The limits are constants here, each with its reason, so that the strip, the page and the alert texts say the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from storecast.jobs import broker_memory, circuits_seen, figures
from storecast.jobs.broker_memory import Memory
from storecast.jobs.circuits_seen import Circuits
from storecast.jobs.figures import Observed, age_s
from storecast.jobs.figures_repository import AnyRow
from storecast.jobs.figures_schemas import HealthItem, HealthStrip, Severity
from storecast.worker.job import QUEUES, Queue

WAIT_LIMIT_S: dict[Queue, float] = {
    # Somebody looks at the screen and waits for it.
    "critical": 5,
    # Somebody expects it soon: a webhook's effect, a test message.
    "default": 30,
    # Campaigns: planned hours ahead, and a batch of minutes is at work at any time.
    "bulk": 300,
    # Pulls that the next one covers; Shopify's own throttle is slower than this.
    "sync": 600,
    # Nobody waits for suggestions.
    "ai": 1800,
}

WAIT_BAD_FACTOR = 3
"""Over the limit is worth a look; three times over it, something stands still."""

FAILURE_WARN_PERCENT = 2.0
FAILURE_BAD_PERCENT = 10.0
FAILURE_MIN_RUNS = 20
"""One failure in three runs is 33 %, and says nothing."""
FAILURE_OVER_USUAL = 2.0
"""What the hour before had is no news until it doubles; over `FAILURE_BAD_PERCENT` it always is."""

DEAD_BAD = 100
"""One dead letter wants a person some day; a hundred are one cause that is at work now."""

LATE_AFTER = timedelta(seconds=15)
"""Three beats missed, as on the page of workers: a busy moment explains one or two."""

BEAT_LIMIT_S = LATE_AFTER.total_seconds()
BEAT_BAD_S = 60.0
"""Two takeovers of the scheduler's lock: by now somebody should have it."""

RELAY_WARN_S = 5.0
"""The relay looks every second, and after a NOTIFY at once."""
RELAY_BAD_S = 30.0

DROPS_BAD = 1000
"""A burst of log lines may cost a few; a thousand are a database that does not keep up."""

MEMORY_WARN_PERCENT = 70.0
MEMORY_BAD_PERCENT = 90.0
"""Under `noeviction` a full Redis refuses every publish."""

_RANK: dict[Severity, int] = {"bad": 0, "warn": 1, "ok": 2}


def check(session: Session, *, now: datetime) -> HealthStrip:
    """The strip as of now. Needs a session that sees all shops."""
    return HealthStrip(
        items=judge(figures.observe(session, now=now), broker_memory.read(), circuits_seen.read())
    )


def judge(observed: Observed, memory: Memory | None, circuits: Circuits) -> list[HealthItem]:
    """Every item, worst first; among equals in the order in which work flows."""
    items = [
        *(_oldest_wait(observed, queue) for queue in QUEUES),
        _workers(observed),
        _beat(observed),
        _relay_lag(observed),
        _failure_rate(observed),
        _dead(observed),
        *([_broker_memory(memory)] if memory is not None else []),
        _circuits(circuits),
        _history_drops(observed),
    ]
    return sorted(items, key=lambda item: _RANK[item.severity])


def _grade(value: float, *, warn: float, bad: float) -> Severity:
    if value > bad:
        return "bad"
    return "warn" if value > warn else "ok"


def _oldest_wait(observed: Observed, queue: Queue) -> HealthItem:
    live, limit = observed.live.queues.get(queue), WAIT_LIMIT_S[queue]
    value = age_s(live.oldest_at if live else None, observed.now) or 0.0
    severity = _grade(value, warn=limit, bad=limit * WAIT_BAD_FACTOR)
    set_limit = observed.limits.get(queue)
    paused = set_limit is not None and set_limit.paused_at is not None
    if paused and severity == "bad":
        # Somebody wanted it to stand still; it only must not be forgotten.
        severity = "warn"
    return HealthItem(
        key=f"oldest_wait:{queue}",
        severity=severity,
        value=value,
        unit="s",
        limit=limit,
        link=f"/tasks?state=staged&q=queue%3A{queue}",
        facts={"depth": live.depth if live else 0, "paused": paused},
    )


def _failure_rate(observed: Observed) -> HealthItem:
    recently = observed.now - figures.RECENT
    dead, runs = _ended(observed, recently, observed.now)
    usual_dead, usual_runs = _ended(observed, recently - figures.HOUR, recently)
    value, usual = _percent(dead, runs), _percent(usual_dead, usual_runs)
    severity: Severity = "ok"
    if runs >= FAILURE_MIN_RUNS and value > FAILURE_BAD_PERCENT:
        severity = "bad"
    elif runs >= FAILURE_MIN_RUNS and value > max(FAILURE_WARN_PERCENT, usual * FAILURE_OVER_USUAL):
        severity = "warn"
    return HealthItem(
        key="failure_rate",
        severity=severity,
        value=value,
        unit="percent",
        limit=FAILURE_WARN_PERCENT,
        link="/tasks?state=dead",
        facts={"runs": runs, "failed": dead, "usual_percent": usual},
    )


def _ended(observed: Observed, since: datetime, until: datetime) -> tuple[int, int]:
    """Dead ones and all that ran to an end, by the minute."""
    rows = [
        row for rows in observed.ended.minutes.values() for at, row in rows.items() if since < at <= until
    ]
    dead = sum(row.failed for row in rows)
    return dead, dead + sum(row.done for row in rows)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _dead(observed: Observed) -> HealthItem:
    dead = observed.ended.open_dead
    return HealthItem(
        key="dead",
        severity=_grade(dead, warn=0, bad=DEAD_BAD - 1),
        value=dead,
        unit="count",
        limit=0,
        link="/tasks/dead-letters",
        facts={},
    )


def _workers(observed: Observed) -> HealthItem:
    silent = {process.name: observed.now - process.beat_at for process in observed.processes}
    lost = sorted(name for name, age in silent.items() if age > figures.WORKER_LOST_AFTER)
    late = sorted(name for name, age in silent.items() if LATE_AFTER < age <= figures.WORKER_LOST_AFTER)
    unserved = [queue for queue in QUEUES if _unserved(observed, queue)]
    severity: Severity = "ok"
    if late or lost:
        severity = "warn"
    # A lost worker's jobs are taken over; a queue that waits and has nobody is what hurts.
    if unserved:
        severity = "bad"
    return HealthItem(
        key="workers",
        severity=severity,
        value=len(late) + len(lost),
        unit="count",
        limit=0,
        link="/workers",
        facts={"late": late, "lost": lost, "queues_without_workers": unserved},
    )


def _unserved(observed: Observed, queue: str) -> bool:
    live = observed.live.queues.get(queue)
    waits = live is not None and live.depth > 0
    return waits and not any(figures.consumes(each, queue, now=observed.now) for each in observed.processes)


def _beat(observed: Observed) -> HealthItem:
    beats = [process.beat_at for process in observed.processes if process.kind == "beat"]
    value = age_s(max(beats), observed.now) if beats else None
    severity: Severity = "bad" if value is None else _grade(value, warn=BEAT_LIMIT_S, bad=BEAT_BAD_S)
    return HealthItem(
        key="beat",
        severity=severity,
        value=value,
        unit="s",
        limit=BEAT_LIMIT_S,
        link="/tasks/schedules",
        facts={"running": len(beats)},
    )


def _relay_lag(observed: Observed) -> HealthItem:
    """How long a due job has waited for a relay although nothing of its queue was out and nothing held it back.

    While messages of the queue are out, the relay holds the rest back on purpose: that is the queue's wait.
    """
    ages = [
        age
        for queue, row in observed.live.queues.items()
        if not _held_back(observed, queue, row)
        for age in (age_s(row.oldest_staged_at, observed.now),)
        if age is not None
    ]
    relays = [p for p in observed.processes if p.kind == "relay" and observed.now - p.beat_at <= LATE_AFTER]
    value = max(ages, default=0.0)
    severity = _grade(value, warn=RELAY_WARN_S, bad=RELAY_BAD_S)
    return HealthItem(
        key="relay_lag",
        severity="bad" if not relays else severity,
        value=value,
        unit="s",
        limit=RELAY_WARN_S,
        link="/tasks?state=staged",
        facts={"relays": len(relays)},
    )


def _held_back(observed: Observed, queue: str, row: AnyRow) -> bool:
    limit = observed.limits.get(queue)
    restrained = limit is not None and (limit.paused_at is not None or limit.rate is not None)
    return restrained or row.queued > 0 or row.running > 0


def _history_drops(observed: Observed) -> HealthItem:
    dropping = {process.name: process.dropped for process in observed.processes if process.dropped}
    value = sum(dropping.values())
    return HealthItem(
        key="history_drops",
        severity=_grade(value, warn=0, bad=DROPS_BAD),
        value=value,
        unit="count",
        limit=0,
        link="/workers",
        facts={"processes": dropping},
    )


def _broker_memory(memory: Memory) -> HealthItem:
    facts: dict[str, Any] = {
        "used_bytes": memory.used_bytes, "limit_bytes": memory.limit_bytes, "error": memory.error,
    }  # fmt: skip
    value = memory.percent
    severity: Severity = (
        "bad" if value is None else _grade(value, warn=MEMORY_WARN_PERCENT, bad=MEMORY_BAD_PERCENT)
    )
    return HealthItem(
        key="broker_memory",
        severity=severity,
        value=value,
        unit="percent",
        limit=MEMORY_WARN_PERCENT,
        link="/workers",
        facts=facts,
    )


def _circuits(circuits: Circuits) -> HealthItem:
    """A host that is left alone is the host's trouble and not ours: worth a look, never an emergency."""
    value = None if circuits.open_hosts is None else len(circuits.open_hosts)
    return HealthItem(
        key="circuits",
        severity="ok" if value == 0 else "warn",
        value=value,
        unit="count",
        limit=0,
        link="/workers#circuits",
        facts={"hosts": _first(circuits.open_hosts or ())},
    )


def _first(hosts: Sequence[str]) -> list[str]:
    return list(hosts[:10])
