"""The heartbeat of a process: a thread that tells the fleet every few seconds that, and how, it runs.

With a worker's beat it also reads what operators have asked of it.
"""

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import structlog
from sqlalchemy.orm import Session

from storecast import __version__
from storecast.config.settings import get_settings
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
    # None where others count what it does.
    done: int | None = 0
    pool: str = ""
    prefetched: int = 0
    connected: bool = False
    draining: bool = False


class Heart:
    """Beats until stopped; a database that is away costs beats, never the work."""

    def __init__(
        self,
        kind: ProcessKind,
        load: Callable[[], Load] = Load,
        *,
        name: str | None = None,
        well: Callable[[], bool] = lambda: True,
        obey: Callable[[fleet.Command], None] | None = None,
    ) -> None:
        self._kind: ProcessKind = kind
        self._load = load
        self._well = well
        self._obey = obey
        self._name = name or f"{kind}@{socket.gethostname()}:{os.getpid()}"
        self._started_at = utcnow()
        self._pid = os.getpid()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat_forever, name="heart", daemon=True)

    def start(self) -> None:
        """Begin; the thread dies with the process."""
        self._thread.start()

    def stop(self) -> None:
        """End in good order: the process leaves the fleet. A forked child that ends takes nobody with it."""
        if os.getpid() != self._pid:
            return
        self._stopped.set()
        # A beat under way finishes first: it would enter the process again, on a connection that nobody closes.
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        self._safely(lambda session: fleet.leave(session, self._name, now=utcnow()))

    def _beat_forever(self) -> None:
        while True:
            # A process whose work stands still falls silent, although this thread could go on.
            if self._well():
                self._safely(lambda session: fleet.beat(session, self._beat(), now=utcnow()))
                self._safely(self._obey_commands)
            if self._stopped.wait(fleet.BEAT_EVERY.total_seconds()):
                return

    def _obey_commands(self, session: Session) -> None:
        if self._obey is None:
            return
        for command in fleet.take_commands(session, self._name, started_at=self._started_at, now=utcnow()):
            error = None
            try:
                self._obey(command)
            except Exception as failure:  # noqa: BLE001  # whatever goes wrong is the answer to who asked
                error = f"{type(failure).__name__}: {failure}"
            # A stop is done when the process has left.
            if command.action != "stop" or error is not None:
                fleet.end_command(session, command.id, now=utcnow(), error=error)
            log.info("command_obeyed", action=command.action, slots=command.slots, error=error)

    def _beat(self) -> fleet.Beat:
        load = self._load()
        children = children_rss_bytes()
        return fleet.Beat(
            name=self._name,
            kind=self._kind,
            host=socket.gethostname(),
            pid=self._pid,
            started_at=self._started_at,
            queues=load.queues,
            slots=load.slots,
            busy=load.busy,
            rss_bytes=psutil.Process().memory_info().rss + sum(size for _pid, size in children),
            version=version(),
            done=load.done,
            pool=load.pool,
            children=children if self._kind == "worker" else (),
            prefetched=load.prefetched,
            broker_at=utcnow() if load.connected else None,
            draining=load.draining,
        )

    def _safely(self, act: Callable[[Any], None]) -> None:
        try:
            with platform_session() as session:
                act(session)
        except Exception as error:  # noqa: BLE001  # watching must never stop the work that is watched
            log.warning("heartbeat_failed", error=type(error).__name__)


def version() -> str:
    """The program's version, with the deployment's own mark when it has one."""
    release = get_settings().release
    return f"{__version__}+{release}" if release else __version__


def children_rss_bytes() -> list[tuple[int, int]]:
    """Process id and resident memory of each child of this process."""
    sizes = []
    for process in psutil.Process().children(recursive=True):
        try:
            sizes.append((process.pid, process.memory_info().rss))
        except psutil.NoSuchProcess:
            continue
    return sizes
