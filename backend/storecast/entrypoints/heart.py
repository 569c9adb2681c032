"""The heartbeat of a process: a thread that tells the fleet every few seconds that, and how, it runs."""

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import structlog

from storecast import __version__
from storecast.db.session import platform_session
from storecast.fleet import service as fleet
from storecast.fleet.schemas import ProcessKind
from storecast.kit.clock import utcnow

log = structlog.get_logger(__name__)


JOIN_S = 5.0
"""Longer than a beat takes while the database answers."""


@dataclass(frozen=True, slots=True)
class Load:
    """What changes from beat to beat."""

    queues: tuple[str, ...] = ()
    slots: int = 0
    busy: int = 0
    done: int = 0


class Heart:
    """Beats until stopped; a database that is away costs beats, never the work."""

    def __init__(
        self, kind: ProcessKind, load: Callable[[], Load] = Load, *, name: str | None = None
    ) -> None:
        self._kind: ProcessKind = kind
        self._load = load
        self._name = name or f"{kind}@{socket.gethostname()}:{os.getpid()}"
        self._started_at = utcnow()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat_forever, name="heart", daemon=True)

    def start(self) -> None:
        """Begin; the thread dies with the process."""
        self._thread.start()

    def stop(self) -> None:
        """End in good order: the process leaves the fleet."""
        self._stopped.set()
        # A beat under way finishes first: it would enter the process again, on a connection that nobody closes.
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        self._safely(lambda session: fleet.leave(session, self._name))

    def _beat_forever(self) -> None:
        while True:
            self._safely(lambda session: fleet.beat(session, self._beat(), now=utcnow()))
            if self._stopped.wait(fleet.BEAT_EVERY.total_seconds()):
                return

    def _beat(self) -> fleet.Beat:
        load = self._load()
        return fleet.Beat(
            name=self._name,
            kind=self._kind,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=self._started_at,
            queues=load.queues,
            slots=load.slots,
            busy=load.busy,
            rss_bytes=rss_bytes(),
            version=__version__,
            done=load.done,
        )

    def _safely(self, act: Callable[[Any], None]) -> None:
        try:
            with platform_session() as session:
                act(session)
        except Exception as error:  # noqa: BLE001  # watching must never stop the work that is watched
            log.warning("heartbeat_failed", error=type(error).__name__)


def rss_bytes() -> int:
    """Resident memory of this process and its children."""
    total = 0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
