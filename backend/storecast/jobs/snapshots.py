"""What a watcher of the live stream sees at one moment, as the bytes that are sent.

A snapshot's revision covers what somebody would call a change: not the passing of time alone, nor the jitter of a
figure that is well.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy.orm import Session

from storecast.db.session import platform_session, tenant_session
from storecast.jobs import (
    broker_memory,
    circuits_seen,
    figures,
    figures_repository,
    health_strip,
    merchant,
    shaping,
)
from storecast.jobs.broker_memory import Memory
from storecast.jobs.circuits_seen import Circuits
from storecast.jobs.figures import Ended, Live
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId

RUNNING_SHOWN = 30
"""As many running jobs as fit on a screen; the list has the rest."""

SLOW_S = 10.0
"""Totals of a day, percentiles and sparklines are looked at this often: nobody sees them move sooner, and together
they cost more than all the rest."""

USUAL_S = 60.0
"""Usual run times are a day's."""

LIVE_RELIEF = 200
"""Counting the live table rests this many times as long as it takes: half a percent of a core, however much waits."""

LIVE_AGE_MAX_S = 15.0

SHOP_AGE_MAX = timedelta(seconds=15)
"""A shop's tasks are looked at when a job of the shop's moved, which is seen at a tenth of the cost, and this often
for what changes by itself: a time to wait, a limit, an estimate."""

REMEMBERED = 8
"""The quickest of so many looks says how long one takes: the others had to wait for what else the machine does."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Audience:
    """Those who see the same: operators (``shop_id`` None), or a shop's people with the same right to act."""

    shop_id: ShopId | None
    may_act: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One event, ready to send; ``trace`` tells whether the rows that it was made from are still the same."""

    revision: str
    frame: bytes
    at: datetime
    trace: tuple[Any, ...] = ()


def audience_of(scope: Scope) -> Audience:
    """Whose snapshots somebody with this scope gets."""
    return Audience(scope.shop_id, scope.tracebacks)


@dataclass(frozen=True, slots=True)
class _Slow:
    """What is seen to move slowly."""

    ended: Ended
    memory: Memory | None
    circuits: Circuits


class _Kept(Generic[T]):
    """A value that is looked at again when it is old enough."""

    def __init__(self, look: Callable[[Session, datetime], T], *, period_s: float, relief: int = 0) -> None:
        self._look = look
        self._period_s = period_s
        self._relief = relief
        self._found: T | None = None
        self._due = 0.0
        # Nothing is said yet: the first ones meet cold caches.
        self._lengths_s = deque([0.0], maxlen=REMEMBERED)

    def read(self, session: Session, now: datetime, clock: Callable[[], float]) -> T:
        began = clock()
        if self._found is None or began >= self._due:
            self._found = self._look(session, now)
            self._lengths_s.append(clock() - began)
            relief_s = min(min(self._lengths_s) * self._relief, LIVE_AGE_MAX_S)
            self._due = began + max(self._period_s, relief_s)
        return self._found


class Maker:
    """Makes snapshots, and keeps from one to the next what changes slowly or costs much. For any number of threads:
    at worst two of them look at the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slow: _Kept[_Slow] = _Kept(_look_slowly, period_s=SLOW_S)
        self._usual_run_ms: _Kept[dict[str, int]] = _Kept(_usual_run_ms, period_s=USUAL_S)
        self._live: _Kept[Live] = _Kept(
            lambda session, now: figures.look_at_live(session, now=now), period_s=0.0, relief=LIVE_RELIEF
        )

    def __call__(self, audience: Audience, last: Snapshot | None = None) -> Snapshot:
        """Look at the database once, in a unit of work of its own; ``last`` is what the audience was sent last."""
        now = utcnow()
        if audience.shop_id is None:
            return _sealed(self._of_all(now), now)
        with tenant_session(audience.shop_id) as session:
            trace = tuple(figures_repository.trace_of_shop(session, audience.shop_id))
            if last is not None and last.trace == trace and now - last.at < SHOP_AGE_MAX:
                return last
            tasks = merchant.get_tasks(session, audience.shop_id, may_retry=audience.may_act, now=now)
        return _sealed({"tasks": tasks.model_dump()}, now, trace)

    def _of_all(self, now: datetime) -> dict[str, Any]:
        with platform_session() as session:
            slow = self._slow.read(session, now, self._clock)
            usual = self._usual_run_ms.read(session, now, self._clock)
            live = self._live.read(session, now, self._clock)
            observed = figures.observe(session, now=now, live=live, ended=slow.ended)
            rows = figures_repository.newest_running(session, RUNNING_SHOWN)
            # Nobody in particular looks: the rows are the same for every operator, and nothing here is audited.
            scope = Scope(shop_id=None, tracebacks=True, actor="stream", home=ShopId(0))
            running = shaping.shape(session, scope, rows, now=now, usual=usual)
        return {
            "summary": figures.summary_of(observed).model_dump(),
            "health": [
                item.model_dump() for item in health_strip.judge(observed, slow.memory, slow.circuits)
            ],
            "running": [run.model_dump() for run in running],
        }


def _look_slowly(session: Session, now: datetime) -> _Slow:
    return _Slow(figures.look_at_ended(session, now=now), broker_memory.read(), circuits_seen.read())


def _usual_run_ms(session: Session, now: datetime) -> dict[str, int]:
    return {name: round(ms) for name, ms in figures.usual_run_ms(session, now=now).items()}


def _sealed(content: dict[str, Any], now: datetime, trace: tuple[Any, ...] = ()) -> Snapshot:
    significant = orjson.dumps(_significant(content), option=orjson.OPT_SORT_KEYS)
    revision = hashlib.blake2b(significant, digest_size=8).hexdigest()
    data = orjson.dumps({"revision": revision, "at": now, **content}, option=orjson.OPT_UTC_Z)
    frame = b"event: snapshot\nid: " + revision.encode() + b"\ndata: " + data + b"\n\n"
    return Snapshot(revision, frame, now, trace)


def _significant(content: dict[str, Any]) -> dict[str, Any]:
    if "summary" not in content:
        return content
    summary = content["summary"]
    queues = [{name: row[name] for name in row if name != "oldest_age_s"} for row in summary["queues"]]
    health = [
        (item["key"], item["severity"], item["value"] if item["severity"] != "ok" else None)
        for item in content["health"]
    ]
    return {**content, "summary": {**summary, "queues": queues}, "health": health}
