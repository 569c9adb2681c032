"""HTTP servers under load: one process each, and a client that is leaner than any of them.

The client is one epoll loop over blocking sockets with one request in flight on each: about 15 µs of processor time
a request, a third of what the leanest server here takes, so that it never sets the pace; `Figures.client_busy` tells.
"""

import contextlib
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

from benchmarks.stage import BACKEND

CONNECTIONS = int(os.environ.get("CONNECTIONS", "64"))
START_S = 120.0
ANSWER_S = 30.0
"""No answer for so long ends the run."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Make = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of the client; ``times_s`` are sorted."""

    seconds: float
    times_s: list[float]
    refused: int
    client_busy: float
    """The share of one core that the client took."""

    @property
    def rate(self) -> float:
        return len(self.times_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        return self.times_s[min(int(len(self.times_s) * share), len(self.times_s) - 1)] * 1000

    def line(self, what: str, unit: str = "requests/s") -> str:
        """A line of the table."""
        return (
            f"{what:<34}{self.rate:>9,.0f} {unit}   p50 {self.percentile_ms(0.5):6.1f} ms"
            f"   p99 {self.percentile_ms(0.99):6.1f} ms   client {self.client_busy:4.0%}"
        )


def merged(runs: list[Figures]) -> Figures:
    """Several runs as one."""
    seconds = sum(run.seconds for run in runs)
    return Figures(
        seconds,
        sorted(each for run in runs for each in run.times_s),
        sum(run.refused for run in runs),
        sum(run.client_busy * run.seconds for run in runs) / seconds,
    )


class _Connection:
    """One socket with at most one request in flight."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._answer = b""

    def read(self) -> bytes | None:
        """The whole answer once it is there."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server hung up on a request")
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = _LENGTH.search(head)
        if length is not None and len(body) < int(length[1]):
            return None
        answer, self._answer = self._answer, b""
        return answer


def load(
    port: int, make: Make, requests: int, *, connections: int = CONNECTIONS, per_second: float | None = None
) -> Figures:
    """Send the requests and time each answer.

    Without ``per_second`` every connection sends its next request when it has its answer. With it the requests have
    their instants, whatever became of those before, and the time counts from the instant: a server that stalls does
    not slow its own measurement down.
    """
    pairs = [_Connection(port) for _ in range(connections)]
    poll = select.epoll()
    by_fd = {pair.socket.fileno(): pair for pair in pairs}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    free, refused, sent = deque(pairs), 0, 0
    times: list[float] = []
    cpu, started = time.process_time(), time.perf_counter()
    while len(times) < requests:
        now = time.perf_counter()
        while free and sent < requests:
            due_at = now if per_second is None else started + sent / per_second
            if due_at > now:
                break
            pair = free.popleft()
            pair.sent_at = due_at
            pair.socket.sendall(make())
            sent += 1
        wait_s = ANSWER_S
        if per_second is not None and free and sent < requests:
            wait_s = max(0.0, started + sent / per_second - now)
        ready = poll.poll(wait_s)
        if not ready and wait_s == ANSWER_S:
            raise TimeoutError(f"no answer for {ANSWER_S:.0f} s")
        for fd, _events in ready:
            pair = by_fd[fd]
            answer = pair.read()
            if answer is not None:
                times.append(time.perf_counter() - pair.sent_at)
                refused += not answer.startswith(b"HTTP/1.1 20")
                free.append(pair)
    seconds = time.perf_counter() - started
    busy = (time.process_time() - cpu) / seconds
    poll.close()
    for pair in pairs:
        pair.socket.close()
    return Figures(seconds, sorted(times), refused, busy)


def post(path: str, headers: str, body: bytes) -> bytes:
    """The bytes of a request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body
    )


def uvicorn(app: str, port: int) -> list[str]:
    """The command of an ASGI app as the product runs its edge."""
    return [
        *(sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log"),
        *("--loop", "uvloop", "--http", "httptools", "--log-level", "warning"),
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(command: list[str], port: int, environment: dict[str, str]) -> Iterator[psutil.Process]:
    """One server process, from its first answer on."""
    running = subprocess.Popen(
        command,
        cwd=BACKEND,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or running.poll() is not None:
                    raise
                time.sleep(0.05)
        yield psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait(20)
