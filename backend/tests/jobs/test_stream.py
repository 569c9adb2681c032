"""The live stream over a real server: one snapshot for many, each watcher's own, and nothing left behind."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import pytest
from sqlalchemy import text

from storecast.db.session import platform_session
from storecast.jobs import snapshots, stream
from storecast.jobs.scope import Scope
from storecast.jobs.snapshots import Audience, Maker, Snapshot
from storecast.jobs.stream import Hub
from storecast.kit.clock import utcnow
from storecast.kit.errors import Unavailable
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from tests.conftest import id_token
from tests.factories.job_rows import add_live
from tests.processes import process, wait_until

EVERYONE = Audience(None, True)


def frame(revision: int) -> Snapshot:
    return Snapshot(str(revision), f"event: snapshot\ndata: {revision}\n\n".encode(), utcnow())


class Source:
    """Snapshots that change when a test says so, and how many were asked for."""

    def __init__(self) -> None:
        self.revision = 1
        self.made = 0
        self.fails = False

    def __call__(self, audience: Audience, _last: Snapshot | None) -> Snapshot:
        self.made += 1
        if self.fails:
            raise ConnectionError
        return frame(self.revision if audience == EVERYONE else -self.revision)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        # What is waited for happens in a thread, which sets no event of the loop.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def take(events: AsyncIterator[bytes]) -> bytes:
    """The next event that is not a comment."""
    async with asyncio.timeout(10):
        async for event in events:
            if not event.startswith(b":"):
                return event
    raise AssertionError("the stream ended")


async def test_one_snapshot_serves_all_who_watch_the_same() -> None:
    source = Source()
    hub = Hub(source, period_s=0.01)
    streams = [hub.open(EVERYONE) for _ in range(30)]
    assert {await take(events) for events in streams} == {frame(1).frame}
    assert source.made < 30
    source.revision = 2
    assert {await take(events) for events in streams} == {frame(2).frame}
    for events in streams:
        await events.aclose()  # type: ignore[attr-defined]  # a generator
    hub.close()


async def test_each_audience_gets_its_own() -> None:
    hub = Hub(Source(), period_s=0.01)
    everyone, shop = hub.open(EVERYONE), hub.open(Audience(ShopId(1), True))
    assert (await take(everyone), await take(shop)) == (frame(1).frame, frame(-1).frame)
    hub.close()


async def test_nothing_is_made_while_nobody_watches_and_nothing_sent_while_nothing_changes() -> None:
    source = Source()
    hub = Hub(source, period_s=0.01)
    events = hub.open(EVERYONE)
    assert source.made == 0
    await take(events)
    following = asyncio.create_task(take(events))
    await until(lambda: source.made > 5)
    assert not following.done()
    source.revision = 2
    assert await following == frame(2).frame
    await events.aclose()  # type: ignore[attr-defined]  # a generator
    assert hub.watchers == 0
    # The task that makes snapshots is gone with the last watcher.
    await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name() == "job stream"])
    hub.close()


async def test_a_slow_watcher_gets_the_newest_only_and_holds_nobody_up() -> None:
    source = Source()
    hub = Hub(source, period_s=0.005)
    slow, quick = hub.open(EVERYONE), hub.open(EVERYONE)
    await take(slow)
    assert await take(quick) == frame(1).frame
    for revision in range(2, 8):
        source.revision = revision
        assert await take(quick) == frame(revision).frame
    assert await take(slow) == frame(7).frame
    hub.close()


async def test_a_failed_snapshot_is_made_again() -> None:
    source = Source()
    hub = Hub(source, period_s=0.01)
    events = hub.open(EVERYONE)
    source.fails = True
    first = asyncio.create_task(take(events))
    await until(lambda: source.made > 2)
    source.fails = False
    assert await first == frame(1).frame
    hub.close()


async def test_quiet_links_are_pinged_and_streams_end_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PING_S", 0.02)
    hub = Hub(Source(), period_s=0.01, life_s=0.2)
    async with asyncio.timeout(10):
        events = [event async for event in hub.open(EVERYONE)]
    assert events[0] == stream.HELLO
    assert events.count(stream.PING) >= 2
    assert hub.watchers == 0
    hub.close()


async def test_closing_ends_every_stream_and_refuses_new_ones() -> None:
    hub = Hub(Source(), period_s=0.01)
    events = hub.open(EVERYONE)
    await take(events)
    hub.close()
    async with asyncio.timeout(10):
        assert [event async for event in events] == []
    with pytest.raises(Unavailable):
        hub.open(EVERYONE)


async def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_WATCHERS", 1)
    hub = Hub(Source(), period_s=0.01)
    events = hub.open(EVERYONE)
    await take(events)
    with pytest.raises(Unavailable):
        hub.open(EVERYONE)
    hub.close()


def test_a_revision_is_of_what_changed_and_not_of_the_time(shop: Shop) -> None:
    with platform_session() as session:
        session.execute(
            text(
                "INSERT INTO fleet_processes (name, kind, host, pid, queues, started_at, beat_at) "
                "SELECT kind, kind, 'h', 1, '{ai}', now(), now() FROM unnest(ARRAY['worker', 'relay', 'beat']) AS kind"
            )
        )
    add_live(shop, queue="ai")
    clock = count()
    make = Maker(lambda: next(clock) * 3600.0)
    before = make(EVERYONE)
    assert make(EVERYONE).revision == before.revision
    add_live(shop, queue="ai")
    after = make(EVERYONE)
    assert after.revision != before.revision
    data = orjson.loads(after.frame.split(b"\ndata: ")[1])
    assert data.keys() == {"revision", "at", "summary", "health", "running"}
    assert data["summary"]["states"]["staged"] == 2


def test_a_shops_tasks_are_looked_at_again_when_a_job_of_the_shop_moved(shop: Shop, other_shop: Shop) -> None:
    make, audience = Maker(), Audience(ShopId(shop.id), True)
    first = make(audience)
    add_live(other_shop)
    assert make(audience, first) is first
    job_id = add_live(shop)
    second = make(audience, first)
    assert second is not first
    with platform_session() as session:
        session.execute(
            text('UPDATE outbox SET progress = \'{"done": 1, "total": 2, "note": ""}\' WHERE id = :id'),
            {"id": job_id},
        )
    third = make(audience, second)
    assert third is not second
    assert make(audience, third) is third


def test_who_sees_the_same_shares_a_feed(shop: Shop) -> None:
    def scope(shop_id: ShopId | None, home: int) -> Scope:
        return Scope(shop_id, True, f"user:{home}", ShopId(home))

    assert snapshots.audience_of(scope(None, 1)) == snapshots.audience_of(scope(None, 2))
    assert snapshots.audience_of(scope(ShopId(1), 1)) != snapshots.audience_of(scope(ShopId(2), 2))


class Watcher:
    """A client of the real server; collects the snapshots that it was sent."""

    def __init__(self, url: str, domain: str, user_id: str) -> None:
        self.snapshots: list[dict[str, Any]] = []
        self.ended = threading.Event()
        self.content_type = ""
        self._stop = threading.Event()
        self._url, self._headers = url, {"Authorization": f"Bearer {id_token(domain, user_id=user_id)}"}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        rest = b""
        try:
            with (
                httpx.Client(timeout=60) as client,
                client.stream("GET", f"{self._url}/api/v1/jobs/stream", headers=self._headers) as answer,
            ):
                self.content_type = answer.headers["content-type"]
                for chunk in answer.iter_bytes():
                    *events, rest = (rest + chunk).split(b"\n\n")
                    for event in events:
                        if b"\ndata: " in event:
                            self.snapshots.append(orjson.loads(event.split(b"\ndata: ")[1]))
                    if self._stop.is_set():
                        return
        finally:
            self.ended.set()

    def leave(self) -> None:
        self._stop.set()

    def seen(self, found: Callable[[dict[str, Any]], object]) -> bool:
        return any(found(snapshot) for snapshot in list(self.snapshots))


@contextmanager
def api(folder: Path) -> Iterator[tuple[str, Any]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = ("uvicorn", "storecast.entrypoints.api:app", "--port", str(port))
    with process(folder, "api", *command) as running:
        wait_until(lambda: answers(url), "the API")
        yield url, running


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def make_operator(shop: Shop) -> None:
    with platform_session() as session:
        session.execute(
            text(
                "INSERT INTO shop_members (shop_id, shopify_user_id, email, name, role, last_seen_at) "
                "VALUES (:shop_id, '8', 'o@p.example', 'Opal', 'operator', now())"
            ),
            {"shop_id": shop.id},
        )


def connections(pid: int) -> int:
    """Open streams of the process, as its own established sockets say."""
    return sum(each.status == "ESTABLISHED" for each in psutil.Process(pid).net_connections("tcp"))


def test_many_watch_a_real_server(tmp_path: Path, shop: Shop, other_shop: Shop) -> None:
    make_operator(shop)
    with api(tmp_path) as (url, running):
        operators = [Watcher(url, shop.domain, "8") for _ in range(12)]
        mine = [Watcher(url, shop.domain, "7") for _ in range(4)]
        theirs = [Watcher(url, other_shop.domain, "7") for _ in range(4)]
        wait_until(
            lambda: all(each.snapshots for each in (*operators, *mine, *theirs)), "the first snapshots"
        )
        assert {each.content_type for each in operators} == {"text/event-stream; charset=utf-8"}
        assert len({each.snapshots[0]["revision"] for each in operators}) == 1
        add_live(shop, queue="bulk")
        wait_until(
            lambda: all(
                each.seen(lambda snapshot: snapshot["summary"]["states"]["staged"] == 1) for each in operators
            ),
            "the change",
        )
        assert {key for each in (*mine, *theirs) for snapshot in each.snapshots for key in snapshot} == {
            "revision", "at", "tasks",
        }  # fmt: skip
        wait_until(lambda: connections(running.pid) >= 20, "the connections")
        for each in operators[1:]:
            each.leave()
        wait_until(lambda: all(each.ended.is_set() for each in operators[1:]), "the leaving")
        wait_until(lambda: connections(running.pid) == 9, "the freed places")
        started = time.monotonic()
        running.send_signal(signal.SIGTERM)
        wait_until(lambda: running.poll() is not None, "the end")
        assert time.monotonic() - started < 15
        wait_until(
            lambda: all(each.ended.is_set() for each in (*operators, *mine, *theirs)), "the end of streams"
        )
