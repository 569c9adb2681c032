"""An SMTP server that takes everything and keeps nothing but counts: messages, distinct recipients, bytes."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, cast

import uvloop

_HELLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


@dataclass
class Counts:
    """What the sink has taken so far, shared with the parent process."""

    messages: "Synchronized[int]"
    recipients: "Synchronized[int]"


class _Session(asyncio.Protocol):
    """One client: commands by line, bodies up to the lone dot."""

    def __init__(self, counts: Counts, seen: set[bytes]) -> None:
        self._counts = counts
        self._seen = seen
        self._buffer = b""
        self._in_body = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        start = 0
        answers: list[bytes] = []
        while True:
            mark = b"\r\n.\r\n" if self._in_body else b"\r\n"
            end = buffer.find(mark, start)
            if end < 0:
                break
            if self._in_body:
                self._in_body = False
                self._counts.messages.value += 1
                answers.append(b"250 2.0.0 Ok: queued as 4F7C1A2B\r\n")
            else:
                self._command(buffer[start:end], answers)
            start = end + len(mark)
        self._buffer = buffer[start:]
        if answers and self._transport is not None:
            self._transport.write(b"".join(answers))

    def _command(self, line: bytes, answers: list[bytes]) -> None:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._seen.add(line)
            self._counts.recipients.value = len(self._seen)
            answers.append(b"250 2.1.5 Ok\r\n")
        elif verb == b"DATA":
            self._in_body = True
            answers.append(b"354 go on\r\n")
        elif verb == b"EHLO":
            answers.append(_HELLO)
        else:
            answers.append(b"250 2.1.0 Ok\r\n")


def _serve(path: str, counts: Counts, ready: Any) -> None:
    async def run() -> None:
        seen: set[bytes] = set()
        loop = asyncio.get_running_loop()
        await loop.create_unix_server(lambda: _Session(counts, seen), path)
        ready.set()
        await asyncio.Event().wait()

    uvloop.run(run())


@contextmanager
def sink(path: Path) -> Iterator[Counts]:
    """A sink in a process of its own, on a unix socket."""
    context = multiprocessing.get_context("spawn")
    counts = Counts(context.Value("q", 0, lock=False), context.Value("q", 0, lock=False))
    ready = context.Event()
    process = context.Process(target=_serve, args=(str(path), counts, ready), daemon=True)
    process.start()
    if not ready.wait(30):
        raise TimeoutError("the sink did not start")
    try:
        yield counts
    finally:
        process.terminate()
        process.join()
