"""Storecast's processes as a deployment runs them, for the length of a block."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

BACKEND = Path(__file__).parents[1]
DEADLINE_S = 60


@contextmanager
def process(folder: Path, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Storecast under the test's settings; its log is shown when the test fails."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=BACKEND,
            # As docker-compose.yml and the demo do: SIGTERM means to hand back what runs.
            env={**os.environ, "REMAP_SIGTERM": "SIGQUIT"},
            stdout=output,
            stderr=output,
        )
    try:
        yield running
    finally:
        running.terminate()
        running.wait(timeout=30)
        print(f"--- {name}\n{log.read_text()[-4000:]}")


def worker(folder: Path, *queues: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A Celery worker with one slot."""
    return process(
        folder, "worker", "celery", "-A", "storecast.entrypoints.worker", "worker", "-Q", ",".join(queues),
        "-c", "1", "-n", "test@host", "--without-mingle", "--without-gossip",
    )  # fmt: skip


def relay(folder: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The relay."""
    return process(folder, "relay", "storecast.entrypoints.relay")


def wait_until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Return when the condition holds; fail after `DEADLINE_S`."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} never came true"
        time.sleep(0.05)
