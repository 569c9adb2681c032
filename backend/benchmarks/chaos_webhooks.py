"""Webhooks while everything that takes them is killed: what is lost, and what happens twice.

`make chaos-webhooks` (N=20000 deliveries, KILLS=24). The simulator's sender delivers versions of orders, every fifth
twice, newest first within a moment, and again after everything that is no 2xx, with its waits shortened. Meanwhile the
edge, a relay, two workers, PostgreSQL and Redis are killed (SIGKILL) in turn and come back with what was on disk.

What is promised, and counted here: a delivery that got its 2xx is in the inbox once, was handled, and left its effect
once, unless something newer about its order had been handled before it. ``lost`` is the acknowledged deliveries without
that, plus the orders that do not show the newest version that came. ``duplicate_effects`` is the effects beyond one of
a delivery, in a table that forbids none, plus the lines beyond one of an order. A delivery that nobody acknowledged may
be in or out, with its effect or without a trace.
"""

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.crew import Member, celery_worker, running, wait_for
from benchmarks.deliveries import order
from benchmarks.http_load import free_port
from benchmarks.stage import BACKEND, SECRET, SHOP, Stage, stage
from simulator.app_manifest import AppManifest
from simulator.config import SimulatorConfig
from simulator.store import Store
from simulator.webhooks import Webhooks
from storecast.webhooks.jobs import DRAIN

N = int(os.environ.get("N", "20000"))
KILLS = int(os.environ.get("KILLS", "24"))
EFFECT_TABLE = """
CREATE TABLE webhook_effects (webhook_id text NOT NULL);
GRANT INSERT ON webhook_effects TO storecast_app;
"""

VERSIONS = 5
"""Deliveries of one order, so that orders of arrival matter."""

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Eight tries again, as Shopify's four hours, within a minute."""

START_S = 300.0
SHARE_S = 60.0
STILL_S = float(os.environ.get("STILL_S", "120"))
"""So long nothing moves, beyond the lease of a worker that was killed: what waits then is lost and counted."""

LIMIT_S = float(os.environ.get("LIMIT_S", "1800"))
"""And no longer than this in all, however it moves."""

TELL_S = 10.0


@dataclass(frozen=True, slots=True)
class Version:
    """One state of one order."""

    number: int
    version: int

    @property
    def price_minor(self) -> int:
        return self.number * 100 + self.version

    def payload(self) -> dict[str, Any]:
        price = f"{self.price_minor // 100}.{self.price_minor % 100:02}"
        at = f"2026-11-01T10:00:{self.version:02}-05:00"
        return order(self.number, customer=self.number % 500 + 1, price=price, updated_at=at)


class Shopify:
    """The simulator's sender over a store of its own, in a thread."""

    def __init__(self, folder: Path, address: str) -> None:
        folder.mkdir(parents=True)
        config = SimulatorConfig(
            port=0,
            state_dir=folder,
            client_id="bench",
            client_secret=SECRET,
            app_url=address,
            webhook_url=f"{address}/webhooks",
            webhook_backoff_s=BACKOFF_S,
        )
        manifest = AppManifest("Bench", "bench", (), (), "2026-10", frozenset())
        self._store = Store(config.database_path)
        self._store.faults.reorder = True
        self._webhooks = Webhooks(config, self._store, manifest)
        self._stop = threading.Event()
        self.sent: dict[str, Version] = {}

    @contextmanager
    def sending(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="sender")
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._store.close()

    async def _run(self) -> None:
        async with self._webhooks.running():
            await asyncio.to_thread(self._stop.wait)

    def send(self, versions: list[Version]) -> None:
        """Queue one delivery of each; every fifth goes out twice."""
        for each in versions:
            self._store.faults.duplicate = int(len(self.sent) % 5 == 0)
            topic = "orders/updated" if each.version else "orders/create"
            webhook_id = self._webhooks.force(topic, SHOP, each.payload())
            assert webhook_id is not None
            self.sent[webhook_id] = each

    def counts(self) -> dict[str, int]:
        return self._store.deliveries.counts()

    def acknowledged(self) -> set[str]:
        rows = self._store.database.all("select webhook_id from deliveries where state = 'delivered'")
        return {row[0] for row in rows}


@dataclass(frozen=True, slots=True)
class Victim:
    """Something that dies and comes back."""

    name: str
    kill: Callable[[], object]
    start: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who takes part."""

    edge: Member
    relay: Member
    workers: list[Member]

    @classmethod
    def of(cls, at: Stage, port: int) -> "Crew":
        environment = {**at.environment, "PYTHONPATH": str(BACKEND)}

        def member(name: str, command: list[str]) -> Member:
            return Member(name, command, environment, at.folder)

        edge = ["uvicorn", "storecast.entrypoints.edge:app", "--port", str(port), "--loop", "uvloop"]
        workers = [
            celery_worker("benchmarks.webhook_work", f"worker-{n}", "-c", "1", "-Q", "critical,default")
            for n in range(2)
        ]
        return cls(
            member("edge", [*edge, "--http", "httptools", "--no-access-log"]),
            member("relay", ["storecast.entrypoints.relay"]),
            [member(f"worker-{n}", command) for n, command in enumerate(workers)],
        )

    def victims(self, at: Stage) -> list[Victim]:
        members = [self.edge, self.workers[0], self.relay, self.workers[1]]
        first, second, third, fourth = (Victim(each.name, each.kill, each.start) for each in members)
        postgres = Victim("PostgreSQL", at.postgres.kill, at.postgres.start)
        redis = Victim("Redis", at.redis.kill, at.redis.start)
        return [first, postgres, second, redis, third, fourth]


def versions() -> list[Version]:
    """N of them, those of an order near each other and in disorder."""
    found = [Version(index // VERSIONS + 1, index % VERSIONS) for index in range(N)]
    for start in range(0, N, 50):
        window = found[start : start + 50]
        random.shuffle(window)
        found[start : start + 50] = window
    return found


def kill_through(shopify: Shopify, victims: list[Victim], started: float) -> int:
    """Send share by share; each time kill somebody in the middle of it; how many kills there was time for."""
    waiting, share = versions(), N // (KILLS + 1)
    for kill in range(KILLS):
        if time.perf_counter() - started > LIMIT_S:
            return kill
        part, waiting = waiting[:share], waiting[share:]
        goal = shopify.counts().get("delivered", 0) + int(share * random.uniform(0.1, 0.7))
        shopify.send(part)
        try:
            wait_for(partial(_delivered, shopify, goal), "progress", SHARE_S)
        except TimeoutError:
            print("  no progress for long; killing on", flush=True)
        victim = victims[kill % len(victims)]
        victim.kill()
        victim.start()
        print(
            f"  {time.perf_counter() - started:>5,.0f} s {len(shopify.sent):>8,} of {N:,} deliveries"
            f"   kill {kill + 1:>3}: {victim.name}",
            flush=True,
        )
    shopify.send(waiting)
    return KILLS


def _delivered(shopify: Shopify, goal: int) -> bool:
    return shopify.counts().get("delivered", 0) >= goal


def await_end(at: Stage, shopify: Shopify, started: float) -> None:
    """Until nothing waits, with Shopify or in the inbox; until nothing has moved for long, or the time is up."""
    last, since = (-1, -1), time.perf_counter()
    tell_at = 0.0
    while (now := time.perf_counter()) - since < STILL_S and now - started < LIMIT_S:
        done, pending = rows(
            at,
            "SELECT count(*) FILTER (WHERE state <> 'pending'), count(*) FILTER (WHERE state = 'pending') "
            "FROM webhook_inbox",
        )[0]
        with_shopify = shopify.counts().get("waiting", 0)
        if not with_shopify and not pending:
            return
        if (done, with_shopify) != last:
            last, since = (done, with_shopify), now
        if now > tell_at:
            tell_at = now + TELL_S
            tell(at, f"{now - started:>5,.0f} s {with_shopify:,} wait with Shopify, {pending:,} in the inbox")
        time.sleep(0.5)
    tell(at, "given up: what waits is lost")


def tell(at: Stage, what: str) -> None:
    """A line of progress, with the drain's jobs."""
    jobs = rows(at, f"SELECT state, attempt, losses, error FROM outbox WHERE name = '{DRAIN}'")
    print(f"  {what}; drains: {jobs}", flush=True)


def rows(at: Stage, query: str) -> list[tuple[Any, ...]]:
    """Of a connection of its own: PostgreSQL was killed in between."""
    with psycopg.connect(at.dsn) as connection:
        return connection.execute(query).fetchall()


def judge(at: Stage, shopify: Shopify) -> tuple[int, int]:
    """What is lost, and what happened twice."""
    acknowledged = shopify.acknowledged()
    states = dict(rows(at, "SELECT webhook_id, state FROM webhook_inbox"))
    # What came later than something newer about its order is done without its handlers, and rightly so.
    late = {each for (each,) in rows(at, "SELECT webhook_id FROM webhook_inbox WHERE outcome = 'stale'")}
    effects = dict(rows(at, "SELECT webhook_id, count(*) FROM webhook_effects GROUP BY 1"))
    lost = {
        each
        for each in acknowledged
        if states.get(each) != "done" or (each not in late and not effects.get(each))
    }
    newest: dict[str, Version] = {}
    for webhook_id in states:
        version = shopify.sent[webhook_id]
        gid = f"gid://shopify/Order/{version.number}"
        if gid not in newest or newest[gid].version < version.version:
            newest[gid] = version
    stored = dict(rows(at, "SELECT gid, total_minor FROM orders"))
    wrong = {
        gid
        for gid in newest.keys() | stored.keys()
        if gid not in newest or stored.get(gid) != newest[gid].price_minor
    }
    lines = rows(at, "SELECT count(*) - count(DISTINCT order_id) FROM order_lines")[0][0]
    # In the inbox twice is impossible, its key forbids it; handled without having been stored is another matter.
    strays = effects.keys() - states.keys()
    print(
        f"  {len(acknowledged):,} acknowledged, {len(states):,} stored, {len(effects):,} with an effect, "
        f"{len(late):,} too late, "
        f"{len(lost):,} missing, {len(wrong):,} orders wrong",
        flush=True,
    )
    return len(lost) + len(wrong), sum(effects.values()) - len(effects) + int(lines) + len(strays)


def main() -> None:
    """Start the world, break it, count."""
    with stage() as at:
        port = free_port()
        crew = Crew.of(at, port)
        with psycopg.connect(at.dsn) as connection:
            connection.execute(EFFECT_TABLE)
        shopify = Shopify(at.folder / "shopify", f"http://127.0.0.1:{port}")
        started = time.perf_counter()
        with running(crew.edge, crew.relay, *crew.workers):
            for worker in crew.workers:
                wait_for(partial(worker.said, " ready."), "the workers' start", START_S)
            with shopify.sending():
                kills = kill_through(shopify, crew.victims(at), started)
                await_end(at, shopify, started)
                lost, duplicates = judge(at, shopify)
        print(f"  {time.perf_counter() - started:,.0f} s", flush=True)
    line = {
        "chaos": "webhooks",
        "deliveries": N,
        "lost": lost,
        "duplicate_effects": duplicates,
        "kills": kills,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
