"""A campaign while everything that carries it dies: who got the message, who did not, and who twice.

`make chaos-send` (N=100000 recipients, KILLS=12, RATE=1500 messages a second). Two sending workers, whole or a child of
theirs, are killed (SIGKILL) in turn; in between PostgreSQL and Redis are killed and come back with what was on disk,
the SMTP server dies and returns, a share of its answers is 421, 451 or 454, and the campaign is paused and resumed
three times.

What is promised, and counted here from what the SMTP server wrote before each answer: every recipient ends in exactly
one final state, and each that the ledger calls accepted is with the server. ``lost`` is the recipients without a final
state, the accepted ones that the server does not have, and the messages at the server that the ledger denies.
``duplicates`` is the messages beyond one of a recipient. ``unknown`` is what was being handed over when somebody died,
and no more than that: it is shown, and not sent again.
"""

import contextlib
import json
import os
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import bench_send
from benchmarks.crew import Member, celery_worker, running, wait_for
from benchmarks.smtp_sink import Sink, sink
from benchmarks.stage import BACKEND, Stage, stage

N = int(os.environ.get("N", "100000"))
KILLS = int(os.environ.get("KILLS", "12"))
RATE = int(os.environ.get("RATE", "1500"))
"""Slow enough for the kills to meet a campaign at work."""

FAULTS = 0.005
CONNECTIONS = 4
START_S = 120.0
SHARE_S = 90.0
"""For a share of the audience to be sent after a kill: a job's lease of half a minute may hold it up."""

SINK_AWAY_S = 4.0
PAUSED_S = 2.0
END_S = float(os.environ.get("END_S", "600"))
"""For the end after the last kill: beyond the leases of claims and every retry, or something is lost and counted."""

_RETURN_PATH = struct.Struct(">IQQ")


@dataclass(frozen=True, slots=True)
class Campaign:
    """The one that is sent."""

    id: int
    public_id: str


class Server:
    """What the sink's files say, by delivery."""

    def __init__(self, taken: Sink) -> None:
        self._taken = taken
        self._messages: Counter[int] = Counter()

    def messages(self) -> Counter[int]:
        for return_path in self._taken.accepted():
            raw = bytes.fromhex(return_path.partition(b"@")[0].removeprefix(b"b+").decode())
            self._messages[_RETURN_PATH.unpack_from(raw)[2]] += 1
        return self._messages

    def count(self) -> int:
        return len(self.messages())


class Chaos:
    """Who may die, and how many messages were on their way when they did."""

    def __init__(self, at: Stage, smtp: Sink, crew: list[Member], campaign: Campaign) -> None:
        self._at, self._smtp, self._campaign = at, smtp, campaign
        self._relay, self._default, *self._senders = crew
        self.in_flight = 0
        self.kills = 0

    def disturbances(self) -> list[tuple[str, Callable[[], None]]]:
        """Every one that is due, in order: the kills with the rest spread among them."""
        kills = [(f"kill {number + 1}", partial(self._kill_sender, number)) for number in range(KILLS)]
        others: list[tuple[str, Callable[[], None]]] = [
            ("pause and resume", self._pause),
            ("SMTP server stops and returns", self._stop_smtp),
            ("PostgreSQL restarts", self._restart_postgres),
            ("pause and resume", self._pause),
            ("Redis restarts", self._restart_redis),
            ("pause and resume", self._pause),
        ]
        places = [(position + 0.5) / len(kills) for position in range(len(kills))]
        places += [(position + 0.5) / len(others) + 0.01 for position in range(len(others))]
        return [
            each
            for _place, each in sorted(zip(places, kills + others, strict=True), key=lambda pair: pair[0])
        ]

    def _kill_sender(self, number: int) -> None:
        """A child that sends, whose parent starts another, or in the next round the whole worker."""
        victim = self._senders[number % len(self._senders)]
        root = psutil.Process(victim.pid)
        family = [root, *root.children(recursive=True)]
        only_child = number // len(self._senders) % 2 == 0
        dying = [max(family, key=lambda each: each.create_time())] if only_child else family
        # Held still, so that what is counted is what dies.
        for process in dying:
            process.suspend()
        self.in_flight += self._claimed(victim.name)
        for process in dying:
            process.kill()
        self.kills += 1
        if not only_child:
            victim.kill()
            victim.start()

    def _claimed(self, sender: str = "") -> int:
        """Rows that are being handed over, by one of the workers or by all."""
        query = (
            "SELECT coalesce(sum(cardinality(delivery_ids)), 0) FROM message_claims "
            f"JOIN outbox ON outbox.id = claimed_by WHERE starts_with(outbox.worker, '{sender}')"
        )
        return int(rows(self._at, query)[0][0])

    def _stop_smtp(self) -> None:
        self._smtp.stop()
        self.in_flight += CONNECTIONS * len(self._senders)
        time.sleep(SINK_AWAY_S)
        self._smtp.start()

    def _restart_postgres(self) -> None:
        self.in_flight += self._claimed()
        self._at.postgres.kill()
        self._at.postgres.start()

    def _restart_redis(self) -> None:
        self._at.redis.kill()
        self._at.redis.start()

    def _pause(self) -> None:
        if self._change("pause"):
            time.sleep(PAUSED_S)
            self._change("resume")

    def _change(self, what: str) -> bool:
        from storecast.campaigns import service
        from storecast.campaigns.errors import StateRefused
        from storecast.db.session import tenant_session
        from storecast.kit.types import ShopId

        shop_id = ShopId(self._at.shop_id)
        try:
            with tenant_session(shop_id) as session:
                getattr(service, what)(session, shop_id, self._campaign.public_id, actor="chaos")
        except StateRefused as error:
            print(f"  {what}: {error}", flush=True)
            return False
        return True

    def resume_what_paused_itself(self) -> None:
        state, reason = rows(
            self._at, f"SELECT state, pause_reason FROM campaigns WHERE id = {self._campaign.id}"
        )[0]
        if state == "paused":
            print(f"  it paused itself: {reason}", flush=True)
            self._change("resume")


def rows(at: Stage, query: str) -> list[tuple[Any, ...]]:
    """Of a connection of its own: PostgreSQL was killed in between."""
    with psycopg.connect(at.dsn) as connection:
        return connection.execute(query).fetchall()


@contextlib.contextmanager
def crew_of(at: Stage) -> Iterator[list[Member]]:
    """Relay, a worker for everything else, and two that send."""
    app = "storecast.entrypoints.worker"
    crew = [
        Member("relay", ["storecast.entrypoints.relay"], at.environment, at.folder),
        Member(
            "default",
            celery_worker(app, "default", "-Q", "critical,default", "-c", "1"),
            at.environment,
            at.folder,
        ),
        *(
            Member(
                f"bulk-{n}",
                celery_worker(app, f"bulk-{n}", "-Q", "bulk", "-c", "1"),
                at.environment,
                at.folder,
            )
            for n in range(2)
        ),
    ]
    with running(*crew):
        for each in crew[1:]:
            wait_for(partial(each.said, " ready."), "the workers' start", START_S)
        yield crew


def send_through(chaos: Chaos, server: Server) -> None:
    """Let a share of the audience go out, disturb, and so on."""
    started = time.perf_counter()
    due = chaos.disturbances()
    for position, (name, disturb) in enumerate(due):
        goal = N * (position + 1) // (len(due) + 2)
        try:
            wait_for(partial(_reached, server, goal), "progress", SHARE_S, every_s=0.1)
        except TimeoutError:
            print("  no progress for long; going on", flush=True)
            chaos.resume_what_paused_itself()
        disturb()
        seconds = time.perf_counter() - started
        print(f"  {seconds:>5,.0f} s {server.count():>9,} of {N:,} with the server   {name}", flush=True)


def _reached(server: Server, goal: int) -> bool:
    return server.count() >= goal


def await_end(at: Stage, chaos: Chaos, campaign: Campaign) -> None:
    """Until the campaign is over, or time is."""
    shown = deadline = time.perf_counter()
    deadline += END_S
    while time.perf_counter() < deadline:
        if rows(at, f"SELECT state FROM campaigns WHERE id = {campaign.id}")[0][0] == "sent":
            return
        if time.perf_counter() - shown > 15:
            shown = time.perf_counter()
            print(f"  waiting for the end: {states(at)}", flush=True)
            chaos.resume_what_paused_itself()
        time.sleep(0.5)
    print(f"  it did not end within {END_S:.0f} s", flush=True)


def states(at: Stage) -> dict[str, int]:
    """The ledger by state."""
    return dict(rows(at, "SELECT state, count(*) FROM message_deliveries GROUP BY 1 ORDER BY 1"))


def judge(at: Stage, server: Server, in_flight: int) -> dict[str, int]:
    """The ledger against the server's files."""
    ledger = {state: set[int]() for state in ("pending", "accepted", "failed", "unknown", "excluded")}
    for delivery_id, state in rows(at, "SELECT id, state FROM message_deliveries"):
        ledger[state].add(delivery_id)
    messages = server.messages()
    everybody = set().union(*ledger.values())
    missing = ledger["accepted"] - messages.keys()
    denied = messages.keys() - ledger["accepted"] - ledger["unknown"]
    open_ends = ledger["pending"]
    arrived = len(ledger["unknown"] & messages.keys())
    print(
        f"  {states(at)}; accepted but not with the server {len(missing)}, with the server but denied {len(denied)}, "
        f"without an end {len(open_ends)}; {arrived} of the unknown arrived; {in_flight} were on their way at kills",
        flush=True,
    )
    return {
        "accepted": len(ledger["accepted"]),
        "lost": len(missing) + len(denied) + len(open_ends) + N - len(everybody),
        "duplicates": messages.total() - len(messages),
        "unknown": len(ledger["unknown"]),
    }


def main() -> None:
    """Start the world, break it, count."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "sink"
        url = f"smtp+unix://{socket}?connections={CONNECTIONS}&per_second={RATE}"
        with (
            sink(socket, Path(folder) / "accepted", processes=1, faults=FAULTS) as taken,
            stage(STORECAST_SMTP_URL=url, PYTHONPATH=str(BACKEND)) as at,
        ):
            bench_send.seed(at, N)
            campaign = Campaign(*bench_send.draft(at, N))
            server = Server(taken)
            with crew_of(at) as crew:
                chaos = Chaos(at, taken, crew, campaign)
                bench_send.release(at, campaign.public_id, N)
                send_through(chaos, server)
                await_end(at, chaos, campaign)
                found = judge(at, server, chaos.in_flight)
    print(json.dumps({"chaos": "send", "recipients": N, **found, "kills": chaos.kills}), flush=True)


if __name__ == "__main__":
    main()
