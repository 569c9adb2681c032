"""Brings a demo up step by step, keeps it up, and takes it down without a trace in the process table.

Invariants: a step that fails stops everything that was started; a stop, however asked for, is in reverse
order of start; what a killed supervisor left behind is cleared before the first step.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Self

import psutil
import psycopg

from demo import stack
from demo.child import Child, describe, stop_all
from demo.console import DemoConsole
from demo.servers import Addresses, FolderLock, ServerFailed, Stores, libpq_url, tethered
from demo.state import LOCK_NAME, DemoState

POLL_S = 0.05
WATCH_S = 0.5
KILL_DEADLINE_S = 5.0
MIGRATE_DEADLINE_S = 300.0
ADDRESSES_FILE = "addresses.json"
MIGRATED_FILE = "migrated"


Layout = Callable[[DemoState, Addresses, Mapping[str, str]], stack.Stack]


class Stopped(BaseException):
    """Somebody asked to stop; not an error, and nothing on the way may swallow it."""


class Supervisor:
    """One demo in one folder."""

    def __init__(
        self,
        folder: Path,
        console: DemoConsole,
        environ: Mapping[str, str] = os.environ,
        layout: Layout = stack.build,
    ) -> None:
        self.layout = layout
        self.folder = folder.resolve()
        self.console = console
        self.environ = environ
        self._lock = FolderLock(self.folder, LOCK_NAME)
        self._stores: Stores | None = None
        self._stack: stack.Stack | None = None
        self._state: DemoState | None = None

    @property
    def state(self) -> DemoState:
        if self._state is None:
            raise ServerFailed("demo", "is not started")
        return self._state

    @property
    def environment(self) -> dict[str, str]:
        """The settings under which the demo's app runs."""
        return dict(self._stack.environment) if self._stack is not None else {}

    def up(self) -> None:
        """Start everything, each step waited for; raises `ServerFailed` for the one that fails."""
        self._lock.acquire()
        for name in end_leftovers(self.folder):
            self.console.warn(f"ended {name}, left over from a killed run")
        self._state = DemoState.open(self.folder)
        for name in self._state.moved:
            self.console.warn(f"the port of {name} was taken; it moved to {self._state.ports[name]}")
        self._stack = self.layout(self._state, self._start_stores(), self.environ)
        for child in self._stack.world:
            child.start()
        self._migrate(self._stack)
        for child in self._stack.app:
            child.start()
        for child in self._stack.children:
            self._await(child, self._stack.children)
        published = stack.public_addresses(self._state) | {"pid": str(os.getpid())}
        (self.folder / ADDRESSES_FILE).write_text(json.dumps(published, indent=2))

    def watch(self) -> None:
        """Start again what crashes, until `Stopped`."""
        while True:
            self.tend()
            time.sleep(WATCH_S)

    def tend(self) -> None:
        """One look at every process."""
        for server in self._stores.servers if self._stores is not None else []:
            if not server.running():
                self.console.warn(f"{server.name} stopped; starting it again (log: {server.log})")
                server.start()
        for child in self._stack.children if self._stack is not None else []:
            if child.restart_at is not None:
                if time.monotonic() >= child.restart_at:
                    child.start()
            elif not child.running():
                how, delay_s = child.plan_restart()
                self.console.warn(
                    f"{child.name} stopped ({how}); starting it again in {delay_s:.0f} s (log: {child.log})"
                )

    def crashes(self) -> dict[str, int]:
        """How often each process had to be started again."""
        children = self._stack.children if self._stack is not None else []
        return {child.name: len(child.exits) for child in children if child.exits}

    def down(self) -> None:
        """Stop everything in reverse order; safe at any point of `up`."""
        (self.folder / ADDRESSES_FILE).unlink(missing_ok=True)
        if self._stack is not None:
            for group in (self._stack.app[::-1], self._stack.world):
                for name in stop_all(group):
                    self.console.warn(f"{name} did not stop in time and was killed")
        if self._stores is not None:
            self._stores.stop()
        self._lock.release()

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self.console.step("Stopping"):
            self.down()

    def _start_stores(self) -> Addresses:
        self._stores = Stores(self.folder, environ=self.environ)
        for server in self._stores.servers:
            with self.console.step(server.title):
                server.start()
        self._stores.refuse_unreachable()
        return self._stores.addresses

    def _migrate(self, layout: stack.Stack) -> None:
        """Bring the database to the newest schema; a start that finds it there saves the seconds of looking."""
        log, stamp = self.state.log("migrate"), self.folder / MIGRATED_FILE
        digest = migrations_digest(layout.environment["DATABASE_URL"])
        with self.console.step("Database migrations") as step:
            if digest is not None and stamp.exists() and stamp.read_text() == digest:
                step.note = "up to date"
                return
            status = run_to_end(layout.migrate, layout.environment, log)
            if status != 0:
                advice = "`make demo-reset` deletes the demo's database and starts afresh"
                raise ServerFailed("migrations", f"failed ({describe(status)})", log=log, advice=advice)
            stamp.write_text(migrations_digest(layout.environment["DATABASE_URL"]) or "")

    def _await(self, child: Child, others: list[Child]) -> None:
        """Until it is ready; one of the others that has stopped meanwhile ends the wait for all."""
        with self.console.step(child.name):
            while not child.check_start():
                for other in others:
                    other.refuse_stopped()
                time.sleep(POLL_S)


def run_to_end(command: list[str], environment: Mapping[str, str], log: Path) -> int:
    """Run a step of the start that ends by itself; returns its exit status."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            tethered(command, signal.SIGTERM),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=stack.BACKEND,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            return process.wait(MIGRATE_DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise ServerFailed(command[-1], f"took over {MIGRATE_DEADLINE_S:.0f} s", log=log) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def migrations_digest(database_url: str) -> str | None:
    """Of the migrations and the address of the database; None for a database that has seen none."""
    digest = hashlib.sha256(database_url.encode())
    for path in sorted((stack.BACKEND / "migrations").rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    with psycopg.connect(libpq_url(database_url)) as connection:
        migrated = connection.execute("SELECT to_regclass('alembic_version')::text").fetchone()
    return digest.hexdigest() if migrated != (None,) else None


def end_leftovers(folder: Path) -> Iterator[str]:
    """Kill processes that a killed supervisor of this folder left; the caller holds the folder's lock."""
    lineage = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid not in lineage and process.environ().get(stack.STATE_MARK) == str(folder):
                name = process.name()
                process.kill()
                process.wait(KILL_DEADLINE_S)
                yield f"{name} ({process.pid})"


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Ctrl-C, a closed terminal and SIGTERM end the block by `Stopped`; stopping is not interrupted."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    kept = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
