"""The processes that a measurement of jobs starts, kills and stops, and the broker between them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from benchmarks.stage import BACKEND
from demo.rabbitmq import EmbeddedRabbit, find_rabbitmq
from demo.servers import EmbeddedRedis, tethered

STOP_S = 40.0

Broker = EmbeddedRedis | EmbeddedRabbit


def known_brokers() -> list[str]:
    """Those that BROKERS names; else Redis, and RabbitMQ where the machine has it."""
    return os.environ.get("BROKERS", "redis rabbitmq" if find_rabbitmq() else "redis").split()


def make_broker(name: str, folder: Path) -> Broker:
    """A broker of its own, with its real durability."""
    folder.mkdir(parents=True, exist_ok=True)
    return EmbeddedRabbit(folder) if name == "rabbitmq" else EmbeddedRedis(folder)


class Member:
    """One process of the crew, by its command; it may be killed and started again."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = command
        self._environment = {**os.environ, **environment, "REMAP_SIGTERM": "SIGQUIT"}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                # A measurement that is killed takes its crew along.
                tethered([sys.executable, "-m", *self._command], signal.SIGTERM),
                cwd=BACKEND,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """SIGKILL it and all its children at once, as a machine that dies does."""
        root = psutil.Process(self.pid)
        family = [root, *root.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=STOP_S)
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end; make it, when it does not."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def said(self, what: str) -> bool:
        """Whether its log has it."""
        return self.log.exists() and what in self.log.read_text(errors="replace")


@contextlib.contextmanager
def running(*crew: Member) -> Iterator[None]:
    """The crew at work for a block."""
    with contextlib.ExitStack() as stack:
        for member in crew:
            member.start()
            stack.callback(member.stop)
        yield


def celery_worker(app: str, name: str, *options: str) -> list[str]:
    """The command of a prefork worker."""
    return ["celery", "-A", app, "worker", "-n", f"{name}@bench", "-l", "INFO", *options]


def wait_for(condition: Callable[[], object], what: str, give_up_s: float, every_s: float = 0.05) -> None:
    """Return when it holds; raises TimeoutError when it never does."""
    deadline = time.perf_counter() + give_up_s
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{what}: not within {give_up_s:.0f} s")
        time.sleep(every_s)
