"""The live stream: snapshots as server-sent events, made once however many people watch.

Invariants: nobody watches, nothing is computed; one snapshot at a time for all watchers of the same rows; a watcher
is sent what it may see and never waits for a slower one, which gets the newest snapshot only; a watcher that leaves
is gone at once; every stream ends after `LIFE_S` or with the process. Whoever comes back proves again who they are.
"""

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from fastapi.responses import StreamingResponse

from storecast.jobs import snapshots
from storecast.jobs.scope import Scope
from storecast.jobs.snapshots import Audience, Snapshot
from storecast.kit.errors import Unavailable

log = structlog.get_logger(__name__)

PERIOD_S = 3.0
"""Fast enough to be called live; a snapshot, with 50 watchers, may take 60 ms of CPU to cost two percent of a core."""

RELIEF = 20
"""A snapshot is followed by a pause of this many times its own length: what is slow is not asked harder. The parts
that grow with the data have a share of their own and rest by it."""

SHOP_RELIEF = 100
"""The same of a shop's: there may be many of them, and each keeps to one percent of a core."""

PAUSE_MAX_S = 10.0
"""When everything is slow is when people look: they get their share of it."""

PING_S = 15.0
"""A comment this often keeps proxies and the client sure of the link."""

LIFE_S = 600.0
"""A token that was revoked in between is noticed after this long, and load balancers get to move streams."""

MAX_WATCHERS = 500
"""Per process. Each costs a few kilobytes a second; more belong on another process."""

THREADS = 2
"""At work on snapshots at once: the rest of the API keeps its threads and connections."""

HELLO = b": stream\n\n"
PING = b": ping\n\n"

T = TypeVar("T")


class Feed:
    """The watchers of one audience, and the task that makes snapshots for them while there are any."""

    def __init__(self, audience: Audience, hub: "Hub") -> None:
        self._audience = audience
        self._hub = hub
        self._latest: Snapshot | None = None
        self._watchers: set[asyncio.Queue[bytes | None]] = set()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._watchers)

    def join(self) -> "asyncio.Queue[bytes | None]":
        """A place that the newest snapshot is put in; the one that others have seen last is there at once."""
        watcher: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._watchers.add(watcher)
        if self._latest is not None:
            watcher.put_nowait(self._latest.frame)
        if self._task is None:
            self._task = asyncio.create_task(self._make_snapshots(), name="job stream")
        return watcher

    def leave(self, watcher: "asyncio.Queue[bytes | None]") -> None:
        """The last one out stops the work."""
        self._watchers.discard(watcher)
        if not self._watchers and self._task is not None:
            self._task.cancel()
            self._task = None
            self._latest = None

    def end(self) -> None:
        """Tell every watcher that nothing more comes."""
        self._send(None)

    def _send(self, frame: bytes | None) -> None:
        for watcher in self._watchers:
            if watcher.full():
                watcher.get_nowait()
            watcher.put_nowait(frame)

    async def _make_snapshots(self) -> None:
        loop = asyncio.get_running_loop()
        relief = RELIEF if self._audience.shop_id is None else SHOP_RELIEF
        # Nothing is said yet: the first ones meet cold caches.
        lengths_s = deque([0.0], maxlen=snapshots.REMEMBERED)
        while True:
            began = loop.time()
            snapshot = await self._hub.make(self._audience, self._latest)
            if snapshot is not None:
                before, self._latest = self._latest, snapshot
                if before is None or snapshot.revision != before.revision:
                    self._send(snapshot.frame)
            took_s = loop.time() - began
            # The quickest of the last says how long one takes: the others had to wait for what else the machine does.
            lengths_s.append(took_s)
            relief_s = min(min(lengths_s) * relief, PAUSE_MAX_S)
            await asyncio.sleep(max(self._hub.period_s - took_s, relief_s))


class Hub:
    """Every feed of one event loop."""

    def __init__(
        self,
        make: Callable[[Audience, Snapshot | None], Snapshot],
        *,
        period_s: float = PERIOD_S,
        life_s: float = LIFE_S,
    ) -> None:
        self.period_s = period_s
        self._life_s = life_s
        self._make = make
        self._feeds: dict[Audience, Feed] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="job-stream")
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return sum(len(feed) for feed in self._feeds.values())

    async def make(self, audience: Audience, last: Snapshot | None) -> Snapshot | None:
        """A snapshot from a thread; None when the database did not give one: watchers keep what they have."""
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._make, audience, last)
        except Exception as error:  # noqa: BLE001  # whatever is wrong now, the next one may be made
            log.warning("stream_snapshot_failed", error=type(error).__name__)
            return None

    def open(self, audience: Audience) -> AsyncIterator[bytes]:
        """The events for one watcher; raises Unavailable when there is no room for another."""
        if self._closed or self.watchers >= MAX_WATCHERS:
            raise Unavailable("No more live streams here; ask for the figures instead.")
        return self._events(audience)

    async def _events(self, audience: Audience) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._life_s
        feed = self._feeds.setdefault(audience, Feed(audience, self))
        watcher = feed.join()
        try:
            yield HELLO
            while not self._closed and (left_s := ends_at - loop.time()) > 0:
                try:
                    frame = await asyncio.wait_for(watcher.get(), min(PING_S, left_s))
                except TimeoutError:
                    frame = PING
                if frame is None:
                    return
                yield frame
        finally:
            feed.leave(watcher)
            if not feed:
                self._feeds.pop(audience, None)

    def close(self) -> None:
        """End every stream; no new one is opened."""
        self._closed = True
        for feed in self._feeds.values():
            feed.end()
        self._threads.shutdown(wait=False, cancel_futures=True)


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The running loop's hub, made on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(snapshots.Maker())
    return _hubs[loop]


def close() -> None:
    """End the streams of the running loop, for instance because its process was asked to stop."""
    found = _hubs.get(asyncio.get_running_loop())
    if found is not None:
        found.close()


def answer(scope: Scope) -> StreamingResponse:
    """The stream of whoever has this scope."""
    return StreamingResponse(
        hub().open(snapshots.audience_of(scope)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
