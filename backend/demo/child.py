"""One supervised process of the demo: how it starts, how one knows that it is ready, how it stops.

Invariants: a child leads its own process group and dies with the supervisor; stopping it leaves none of its
descendants behind.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg

from demo.servers import ServerFailed, libpq_url, tethered

PROBE_TIMEOUT_S = 2.0
STOP_DEADLINE_S = 12.0
"""A worker that is told to stop finishes its batch; what takes longer is done again by design."""
RESTART_BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
HEALTHY_AFTER_S = 60.0
"""A child that ran this long before it crashed starts its back-off afresh."""

Probe = Callable[["Child"], bool]


def answers(url: str) -> Probe:
    """Ready when a GET of `url` succeeds."""

    def probe(child: Child) -> bool:
        try:
            with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_S) as response:  # noqa: S310 - our own address
                return bool(response.status < 400)
        except (urllib.error.URLError, OSError):
            return False

    return probe


def logs(pattern: str) -> Probe:
    """Ready when a line of its log since this start matches `pattern`."""
    expression = re.compile(pattern.encode())

    def probe(child: Child) -> bool:
        with child.log.open("rb") as file:
            file.seek(child.log_start)
            return expression.search(file.read()) is not None

    return probe


def beats(database_url: str) -> Probe:
    """Ready when it has told the fleet about itself since this start."""

    def probe(child: Child) -> bool:
        query = "SELECT 1 FROM fleet_processes WHERE pid = %s AND beat_at >= %s"
        try:
            with psycopg.connect(libpq_url(database_url), connect_timeout=int(PROBE_TIMEOUT_S)) as connection:
                return connection.execute(query, [child.pid, child.launched_at]).fetchone() is not None
        except psycopg.OperationalError:
            return False

    return probe


@dataclass(slots=True)
class Child:
    """A process by its name, command, environment and probe."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    ready: Probe
    advice: str = "read the log"
    start_deadline_s: float = 60.0
    log_start: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    launched_at: datetime | None = None
    crashes: int = 0
    restart_at: float | None = None
    exits: list[int] = field(default_factory=list)

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self.launched_at = datetime.now(UTC)
            self.process = subprocess.Popen(
                tethered(self.command, signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=dict(self.environment),
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        self.restart_at = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None else None

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def refuse_stopped(self) -> None:
        """For the time of the start, when a process that stops is no crash to recover from."""
        if self.process is not None and (status := self.process.poll()) is not None:
            problem = f"stopped while starting ({describe(status)})"
            raise ServerFailed(self.name, problem, log=self.log, advice=self.advice)

    def check_start(self) -> bool:
        """Whether it is ready; raises when it stopped or is past its deadline."""
        self.refuse_stopped()
        if self.ready(self):
            return True
        if time.monotonic() - self.started_at > self.start_deadline_s:
            problem = f"was not ready within {self.start_deadline_s:.0f} s"
            raise ServerFailed(self.name, problem, log=self.log, advice=self.advice)
        return False

    def plan_restart(self) -> tuple[str, float]:
        """Called once after a crash: how it ended and in how many seconds it is started again."""
        assert self.process is not None  # noqa: S101 - it crashed, so it ran
        status = self.process.wait()
        self.end_group()
        self.exits.append(status)
        if time.monotonic() - self.started_at > HEALTHY_AFTER_S:
            self.crashes = 0
        delay_s = RESTART_BACKOFF_S[min(self.crashes, len(RESTART_BACKOFF_S) - 1)]
        self.crashes += 1
        self.restart_at = time.monotonic() + delay_s
        self.process = None
        return describe(status), delay_s

    def terminate(self) -> list[psutil.Process]:
        """Ask it to stop; returns it with all its descendants, for `await_end`."""
        if self.process is None or self.process.poll() is not None:
            return []
        tree: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            tree = [root, *root.children(recursive=True)]
        with suppress(ProcessLookupError):
            self.process.terminate()
        return tree

    def end_group(self) -> None:
        """Kill whatever is left of its process group."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def stop_all(children: list[Child]) -> list[str]:
    """Stop children side by side, by force after the deadline; returns the names of the forced ones."""
    trees = {child.name: child.terminate() for child in children}
    _, late = psutil.wait_procs([tree[0] for tree in trees.values() if tree], timeout=STOP_DEADLINE_S)
    # Whoever outlives the process that made it has nobody left who would stop it.
    everyone = [process for tree in trees.values() for process in tree]
    for process in everyone:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for child in children:
        child.end_group()
    psutil.wait_procs(everyone, timeout=PROBE_TIMEOUT_S)
    return [name for name, tree in trees.items() if tree and tree[0] in late]


def describe(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
