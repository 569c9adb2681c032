"""The relay: moves staged jobs from the outbox to the broker, and gives back what was lost on the way.

Many relays may run at once: one at a time plans (an advisory lock), all publish. Rows are committed as ``queued``
before they are published, so that a worker never meets a message whose row it cannot claim. A relay that dies in
between leaves rows whose lease runs out. NOTIFY only shortens the sleep; the poll is the guarantee.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, TypeAlias

import psycopg
import structlog
from celery import Celery
from psycopg.rows import dict_row

from storecast.observability import tracing
from storecast.worker import metrics, release
from storecast.worker.broker import BrokerUnavailable, Publisher
from storecast.worker.job import Job
from storecast.worker.ledger import QUEUED, STAGED, connect
from storecast.worker.outbox import CHANNEL
from storecast.worker.presence import Watch
from storecast.worker.reconcile import find_forgotten, reconcile, workers_died
from storecast.worker.release import Flight, Limit, Waiting
from storecast.worker.window import Window
from storecast.worker.wire import Message

log = structlog.get_logger(__name__)

POLL_S = 1.0
BUSY_POLL_S = 0.05
"""Between looks while a queue is full and more of it waits."""

RECONCILE_EVERY_S = 5.0

WATCH_EVERY_S = 1.0

QUEUED_LEASE_S = 300
"""How long a published job may wait in the broker before it is published again: a lost message costs this long,
a queue slower than this costs a duplicate delivery, which the claim refuses."""

PLAN_LOCK = 5_280_521_901
"""The advisory lock of planning: two plans at once would both fill the same room."""

LINES = 500
"""Lines (a queue's jobs of one shop) looked at in one plan; with more, the next plan goes on where this one ended."""

HEADS = 5000
"""Jobs of a queue looked at in one plan, shared among its lines, `HEADS_OF_A_LINE` of each at least."""

HEADS_OF_A_LINE = 20

HEADS_OF_A_MESSAGE = 8
"""And no more than this for each message there is room for, or than lately shared one: a plan in vain costs."""

DUE = """
UPDATE outbox SET state = 'staged' WHERE id IN (
  SELECT id FROM outbox WHERE state = 'scheduled' AND run_at <= now() ORDER BY run_at LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""

LIMITS = """
SELECT kind, key, paused_at IS NOT NULL AS paused, in_flight, shop_in_flight, rate, rate_period_s, weight,
       coalesce(tokens, greatest(rate::float8 / rate_period_s, 1))
         + coalesce(extract(epoch FROM now() - tokens_at), 0)::float8 * rate / rate_period_s AS tokens
  FROM work_limits
"""

# The start of each line, one index probe a line however long they are.
FIND_LINES = """
WITH RECURSIVE lines AS (
  (SELECT queue, coalesce(shop_id, 0) AS shop FROM outbox
    WHERE state = 'staged' AND (queue, coalesce(shop_id, 0)) > (%(queue)s, %(shop)s)
    ORDER BY queue, coalesce(shop_id, 0) LIMIT 1)
  UNION ALL
  SELECT next.queue, next.shop FROM lines, LATERAL (
    SELECT queue, coalesce(shop_id, 0) AS shop FROM outbox
     WHERE state = 'staged' AND (queue, coalesce(shop_id, 0)) > (lines.queue, lines.shop)
     ORDER BY queue, coalesce(shop_id, 0) LIMIT 1) AS next
)
SELECT queue, shop FROM lines LIMIT %(lines)s
"""

IN_FLIGHT = """
SELECT queue, coalesce(shop_id, 0), name, count(*) FROM outbox WHERE state IN ('queued', 'running') GROUP BY 1, 2, 3
"""

# Kinds that may not go are left out here: a cap on one must not hide what waits behind it.
HEADS_OF_LINES = """
SELECT line.queue, line.shop, head.*
  FROM unnest(%(queues)s::text[], %(shops)s::bigint[], %(heads)s::int[]) AS line (queue, shop, heads),
  LATERAL (
    SELECT id, name, priority, attempt, run_at, traceparent FROM outbox
     WHERE state = 'staged' AND queue = line.queue AND coalesce(shop_id, 0) = line.shop
       AND cancel_requested_at IS NULL AND name <> ALL(%(full)s)
       AND NOT EXISTS (SELECT FROM unnest(%(full_shops)s::bigint[], %(full_names)s::text[]) AS capped (shop, name)
                        WHERE capped.shop = line.shop AND capped.name = outbox.name)
     ORDER BY priority, run_at, id LIMIT line.heads) AS head
"""

PUBLISHED = f"""
UPDATE outbox SET state = 'queued', published_at = clock_timestamp(),
       lease_until = now() + make_interval(secs => %(lease_s)s)
 WHERE id IN (SELECT id FROM outbox WHERE id = ANY(%(ids)s) AND state = {STAGED} AND cancel_requested_at IS NULL
               FOR UPDATE SKIP LOCKED)
RETURNING id
"""

UNPUBLISH = f"UPDATE outbox SET state = 'staged', lease_until = NULL WHERE id = ANY(%s) AND state = {QUEUED}"

SPEND = "UPDATE work_limits SET tokens = %s, tokens_at = now() WHERE kind = %s AND key = %s"

SLOTS = """
SELECT queue, sum(slots)::int FROM fleet_processes, unnest(queues) AS queue
 WHERE kind = 'worker' AND NOT draining AND beat_at > now() - interval '1 minute' GROUP BY queue
"""

Connection: TypeAlias = psycopg.Connection[Any]


@dataclass(slots=True)
class _Limits:
    """What operators set, and what the jobs' own declarations say where they did not."""

    queues: dict[str, Limit] = field(default_factory=dict)
    jobs: dict[str, Limit] = field(default_factory=dict)
    paused: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    weights: dict[int, int] = field(default_factory=dict)
    rates: dict[tuple[str, str], float] = field(default_factory=dict)


class Relay:
    """One relay over one connection."""

    def __init__(self, database_url: str, app: Celery, jobs: Mapping[str, type[Job]]) -> None:
        self._url = database_url
        self._publisher = Publisher(app)
        self._jobs = jobs
        self._connection: Connection | None = None
        self._windows: defaultdict[str, Window] = defaultdict(Window)
        self._slots: dict[str, int] = {}
        self._jobs_of_a_message: dict[str, float] = {}
        self._cursor = ("", -1)
        self._reconcile_due = 0.0
        self._watch = Watch()
        self._watch_due = 0.0
        self._more = False
        self.published = 0

    def run(self, stopped: Callable[[], bool]) -> None:
        """Relay until ``stopped()``; a database or broker that is away is waited for."""
        while not stopped():
            try:
                moved = self.step()
                if moved == 0 and self._more:
                    time.sleep(BUSY_POLL_S)
                elif moved == 0:
                    self._sleep()
            except (psycopg.OperationalError, BrokerUnavailable) as error:
                log.warning("relay_waits", error=type(error).__name__)
                self._drop_connection()
                time.sleep(POLL_S)
        self.close()

    def close(self) -> None:
        """Leave the database and the broker."""
        self._drop_connection()
        self._publisher.close()

    def step(self) -> int:
        """Publish what is due, reconcile when it is time; returns how many jobs were published."""
        connection = self._open()
        if time.monotonic() >= self._reconcile_due:
            self._reconcile_due = time.monotonic() + RECONCILE_EVERY_S
            self._reconcile(connection)
        if time.monotonic() >= self._watch_due:
            self._watch_due = time.monotonic() + WATCH_EVERY_S
            self._take_back(connection)
        connection.execute(DUE, prepare=True)
        chosen = self._plan(connection)
        for queue, jobs in chosen.items():
            self._publish(connection, queue, jobs)
        return sum(map(len, chosen.values()))

    def _reconcile(self, connection: Connection) -> None:
        self._slots = dict(connection.execute(SLOTS).fetchall())
        _note(reconcile(connection) + find_forgotten(connection, self._publisher.depth))

    def _take_back(self, connection: Connection) -> None:
        if gone := self._watch.gone(connection):
            _note(workers_died(connection, gone))

    def _plan(self, connection: Connection) -> dict[str, list[Waiting]]:
        """Choose what goes now and commit it as queued; by queue, in order. Nothing while another relay plans."""
        with connection.transaction():
            if not connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [PLAN_LOCK]).fetchall()[0][0]:
                self._more = True
                return {}
            lines = self._next_lines(connection)
            self._more = False
            if not lines:
                return {}
            limits = self._limits(connection)
            flights = _flights(connection)
            rooms = self._rooms({queue for queue, _shop in lines}, flights)
            chosen = {}
            for queue, waiting in self._heads(connection, lines, rooms, limits, flights).items():
                chosen[queue] = self._choose(queue, waiting, rooms[queue], flights[queue], limits)
            released = self._mark(connection, chosen)
            self._spend(connection, limits, released)
        return released

    def _next_lines(self, connection: Connection) -> list[tuple[str, int]]:
        queue, shop = self._cursor
        parameters = {"queue": queue, "shop": shop, "lines": LINES}
        lines: list[tuple[str, int]] = connection.execute(FIND_LINES, parameters, prepare=True).fetchall()
        wrapped = len(lines) < LINES
        if wrapped and self._cursor != ("", -1):
            self._cursor = ("", -1)
            return lines or self._next_lines(connection)
        self._cursor = ("", -1) if wrapped else lines[-1]
        return lines

    def _limits(self, connection: Connection) -> _Limits:
        limits = _Limits(
            jobs={name: Limit(job.in_flight, job.shop_in_flight) for name, job in self._jobs.items()}
        )
        with connection.cursor(row_factory=dict_row) as cursor:
            for row in cursor.execute(LIMITS, prepare=True):
                kind, key = row["kind"], row["key"]
                if row["paused"]:
                    limits.paused[kind].add(key)
                tokens = None
                if row["rate"] is not None:
                    # A second's worth may go at once, and one always.
                    tokens = min(row["tokens"], max(row["rate"] / row["rate_period_s"], 1.0))
                    limits.rates[kind, key] = tokens
                limit = Limit(row["in_flight"], row["shop_in_flight"], tokens)
                if kind == "queue":
                    limits.queues[key] = limit
                elif kind == "job":
                    own = limits.jobs.get(key, release.NO_LIMIT)
                    limits.jobs[key] = Limit(
                        own.in_flight if limit.in_flight is None else limit.in_flight,
                        own.shop_in_flight if limit.shop_in_flight is None else limit.shop_in_flight,
                        tokens,
                    )
                else:
                    limits.weights[int(key)] = row["weight"]
        return limits

    def _rooms(self, queues: Iterable[str], flights: Mapping[str, Flight]) -> dict[str, float]:
        """How many messages each of the queues has room for; those that are full are left out."""
        rooms = {}
        for queue in queues:
            flight = flights[queue]
            out = sum(
                count * release.share(name, self._jobs)
                for (_shop, name), count in flight.by_shop_and_name.items()
            )
            room = self._windows[queue].room(out, self._slots.get(queue, 0), time.monotonic())
            if room > 0:
                rooms[queue] = room
            else:
                self._more = True
        return rooms

    def _heads(
        self,
        connection: Connection,
        lines: Sequence[tuple[str, int]],
        rooms: Mapping[str, float],
        limits: _Limits,
        flights: Mapping[str, Flight],
    ) -> dict[str, list[Waiting]]:
        """The first jobs of each line that may go at all."""
        whole = _merged(flights.values())
        full = [name for name, limit in limits.jobs.items() if limit.full(whole, name)]
        capped = [
            pair
            for pair, count in whole.by_shop_and_name.items()
            if (most := limits.jobs.get(pair[1], release.NO_LIMIT).shop_in_flight) is not None
            and count >= most
        ]
        open_lines = [
            (queue, shop)
            for queue, shop in lines
            if queue in rooms
            and queue not in limits.paused["queue"]
            and str(shop) not in limits.paused["shop"]
        ]
        if not open_lines:
            return {}
        lines_of = Counter(queue for queue, _shop in open_lines)
        parameters = {
            "queues": [queue for queue, _shop in open_lines],
            "shops": [shop for _queue, shop in open_lines],
            "full": [*full, *limits.paused["job"]],
            "full_shops": [shop for shop, _name in capped],
            "full_names": [name for _shop, name in capped],
            "heads": [
                min(max(HEADS // lines_of[queue], HEADS_OF_A_LINE), self._heads_for(queue, rooms[queue]))
                for queue, _shop in open_lines
            ],
        }
        waiting: defaultdict[str, list[Waiting]] = defaultdict(list)
        for queue, shop, *head in connection.execute(HEADS_OF_LINES, parameters, prepare=True):
            job_id, name, priority, attempt, run_at, traceparent = head
            waiting[queue].append(Waiting(job_id, shop, name, priority, attempt, run_at, traceparent))
        return waiting

    def _heads_for(self, queue: str, room: float) -> int:
        return ceil(room * max(HEADS_OF_A_MESSAGE, self._jobs_of_a_message.get(queue, 0.0)))

    def _choose(
        self, queue: str, waiting: Sequence[Waiting], room: float, flight: Flight, limits: _Limits
    ) -> list[Waiting]:
        chosen = release.plan(
            waiting,
            flight,
            room=room,
            known=self._jobs,
            queue=limits.queues.get(queue, release.NO_LIMIT),
            jobs=limits.jobs,
            weights=limits.weights,
        )
        messages = sum(release.share(job.name, self._jobs) for job in chosen)
        self._windows[queue].release(messages)
        if chosen:
            self._jobs_of_a_message[queue] = len(chosen) / messages
        self._more = self._more or len(chosen) < len(waiting)
        return chosen

    def _mark(
        self, connection: Connection, chosen: Mapping[str, Sequence[Waiting]]
    ) -> dict[str, list[Waiting]]:
        ids = [job.id for jobs in chosen.values() for job in jobs]
        if not ids:
            return {}
        rows = connection.execute(PUBLISHED, {"ids": ids, "lease_s": QUEUED_LEASE_S}, prepare=True).fetchall()
        marked = {row[0] for row in rows}
        return {queue: [job for job in jobs if job.id in marked] for queue, jobs in chosen.items()}

    def _spend(
        self, connection: Connection, limits: _Limits, released: Mapping[str, Sequence[Waiting]]
    ) -> None:
        for (kind, key), tokens in limits.rates.items():
            spent = sum(
                1
                for queue, jobs in released.items()
                for job in jobs
                if (queue if kind == "queue" else job.name) == key
            )
            if spent:
                connection.execute(SPEND, [tokens - spent, kind, key])

    def _publish(self, connection: Connection, queue: str, jobs: Sequence[Waiting]) -> None:
        messages = release.messages(jobs, queue, self._jobs)
        lost: Sequence[Message] = messages
        try:
            with tracing.publish_span(
                (job.traceparent for job in jobs), {"storecast.queue": queue, "storecast.jobs": len(jobs)}
            ):
                self._publisher.publish_all(messages)
            lost = []
        except BrokerUnavailable as error:
            lost = error.messages
            raise
        finally:
            unpublished = [job_id for message in lost for job_id in message.job_ids]
            if unpublished:
                connection.execute(UNPUBLISH, [unpublished])
            metrics.PUBLISHED.labels(queue).inc(len(jobs) - len(unpublished))
            self.published += len(jobs) - len(unpublished)

    def _sleep(self) -> None:
        for _notification in self._open().notifies(timeout=POLL_S, stop_after=1):
            return

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url)
            self._connection.execute(f"LISTEN {CHANNEL}")
            self._watch.begin_anew()
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _note(found: int) -> None:
    if found:
        metrics.RECONCILED.inc(found)
        log.warning("jobs_reconciled", count=found)


def _flights(connection: Connection) -> defaultdict[str, Flight]:
    flights: defaultdict[str, Flight] = defaultdict(Flight)
    for queue, shop, name, count in connection.execute(IN_FLIGHT, prepare=True):
        flights[queue].by_shop_and_name[shop, name] = count
    return flights


def _merged(flights: Sequence[Flight] | Any) -> Flight:
    whole = Flight()
    for flight in flights:
        whole.by_shop_and_name.update(flight.by_shop_and_name)
    return whole
