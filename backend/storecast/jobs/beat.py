"""The scheduler of `celery beat`: stages what is due straight into the outbox, one transaction for each schedule.

Several beats may run. The holder of a Redis lock works, the others wait for it to run out, which spares the database
the same question from each of them. Correctness does not hang on the lock: a schedule's row is locked while it is met
and each due time is entered once, so that while Redis is away every beat works, and nothing is staged twice. Neither
is the broker needed here: a job is a row, and the relay publishes it.
"""

import os
import socket
import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from celery.beat import Scheduler
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.jobs import schedules_repository as repository
from storecast.jobs import scheduling
from storecast.kit.clock import utcnow
from storecast.worker import schedule
from storecast.worker.task import registered

log = structlog.get_logger(__name__)

LOCK = "storecast:beat:leader"
LOCK_S = 30
"""A dead leader is replaced after this long; ticks that fell into the gap are met then."""

MAX_INTERVAL_S = 5.0
"""Wake at least this often, to renew the lock and to find schedules that people just made."""

MIN_INTERVAL_S = 0.1
"""Between two looks at a schedule that somebody else holds."""

MAINTAIN_EVERY_S = 600.0
BATCH = 200
"""Schedules met before the lock is renewed and the process says that it lives."""

CLOCK_JUMP_S = 2.0
"""A wall clock that fell behind the steady one by more was put back, and not merely slowed down."""

STALLED_AFTER_S = 30.0
"""A scheduler that did not finish a tick for so long is stuck: it is due every few seconds."""

_RENEW = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('expire', KEYS[1], ARGV[2]) end
if redis.call('set', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end
return 0
"""


class LockedScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Works only while it holds the lock, or while nobody can tell who does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_interval = MAX_INTERVAL_S
        # A lock that answers late is as good as none, and the next schedule may be due.
        self._redis = redis.Redis.from_url(
            get_settings().redis_url, socket_timeout=2, socket_connect_timeout=2
        )
        self._me = f"{socket.gethostname()}:{os.getpid()}:{utcnow().timestamp()}"
        self._maintained_at: float | None = None
        # What could not be met is left alone until the next maintenance.
        self._failing: set[int] = set()
        self._clock_lead_s = time.time() - time.monotonic()
        self._ticked_at = time.monotonic()
        self.met = 0

    def setup_schedule(self) -> None:
        """Nothing is kept in memory: the schedules stand in the database."""

    def is_well(self) -> bool:
        """Whether it ticked lately."""
        return time.monotonic() - self._ticked_at < STALLED_AFTER_S

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Stage what is due if this is the leader; returns the seconds to sleep."""
        wait_s = MAX_INTERVAL_S
        if self._leads():
            try:
                wait_s = self._work()
            except SQLAlchemyError as error:
                log.warning("beat_waits", error=type(error).__name__)
                return MAX_INTERVAL_S
        else:
            # The next term as leader begins with a look at everything.
            self._maintained_at = None
        self._ticked_at = time.monotonic()
        return wait_s

    def close(self) -> None:
        """Give the lock back, so that the next leader need not wait."""
        try:
            if self._redis.get(LOCK) == self._me.encode():
                self._redis.delete(LOCK)
        except redis.RedisError as error:
            log.info("beat_lock_not_released", error=type(error).__name__)
        self._redis.close()
        super().close()

    def _leads(self) -> bool:
        try:
            return bool(self._redis.eval(_RENEW, 1, LOCK, self._me, LOCK_S))
        except redis.RedisError as error:
            log.warning("beat_works_without_lock", error=type(error).__name__)
            return True

    def _work(self) -> float:
        if self._must_maintain():
            self._maintain()
        known = list(registered())
        with platform_session() as session:
            due = repository.due_ids(session, now=utcnow(), known=known, without=self._failing, limit=BATCH)
            waiting = repository.waiting_ids(session, limit=BATCH)
        for schedule_id in due:
            self._safely(scheduling.meet, schedule_id)
        for schedule_id in waiting:
            self._safely(scheduling.release, schedule_id)
        with platform_session() as session:
            next_at = repository.next_due_at(session, known=known, without=self._failing)
        left_s = (next_at - utcnow()).total_seconds() if next_at else MAX_INTERVAL_S
        return min(max(left_s, MIN_INTERVAL_S), MAX_INTERVAL_S)

    def _safely(self, act: Callable[..., bool], schedule_id: int) -> None:
        """One schedule that cannot be met must not keep the others waiting; a database that is away concerns all."""
        try:
            with platform_session() as session:
                self.met += act(session, schedule_id, now=utcnow())
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("schedule_failed", schedule_id=schedule_id)
            self._failing.add(schedule_id)

    def _must_maintain(self) -> bool:
        lead_s = time.time() - time.monotonic()
        put_back = lead_s < self._clock_lead_s - CLOCK_JUMP_S
        self._clock_lead_s = lead_s
        if put_back:
            log.warning("beat_clock_put_back")
        now_s = time.monotonic()
        return put_back or self._maintained_at is None or now_s - self._maintained_at >= MAINTAIN_EVERY_S

    def _maintain(self) -> None:
        """Take in what the program declares, bring back plans of a clock that was ahead, forget old due times."""
        with platform_session() as session:
            scheduling.declare(session, schedule.scheduled(), now=utcnow())
        after_id: int | None = 0
        while after_id is not None:
            with platform_session() as session:
                after_id = scheduling.correct_ahead(session, now=utcnow(), after_id=after_id)
        with platform_session() as session:
            scheduling.trim(session)
        self._failing.clear()
        self._maintained_at = time.monotonic()
