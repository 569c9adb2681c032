"""SMTP servers that take everything, or nearly, and keep of each message its return path, in a file.

The line is written before the answer, so that what a client was told is in the files whatever happens to the sink.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import socket
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

import uvloop

_HELLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_END = b"\r\n.\r\n"
_ENVELOPE_BYTES = 500
"""What comes behind the end of a body at most: a client waits for the go-ahead before it writes the next."""

_FAULTS = {
    b"MAIL": (b"421 4.3.2 going down\r\n", b"451 4.3.0 try later\r\n", b"454 4.7.0 too many, too fast\r\n"),
    b"RCPT": (b"451 4.7.1 greylisted\r\n", b"454 4.7.0 too many, too fast\r\n"),
    b"BODY": (b"451 4.3.0 try later\r\n", b"421 4.3.2 going down\r\n"),
}


class Sink:
    """Processes that share one socket; their files stay when they are gone."""

    def __init__(self, socket_path: Path, folder: Path, *, processes: int = 2, faults: float = 0.0) -> None:
        """``faults`` is the share of commands that are answered by 421, 451 or 454."""
        self._path, self._folder, self._count, self._faults = socket_path, folder, processes, faults
        self._processes: list[BaseProcess] = []
        self._read: dict[Path, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """From now on connections are taken."""
        context = multiprocessing.get_context("spawn")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._path))
            listener.listen(128)
            for number in range(self._count):
                arguments = (listener, str(self._folder / f"accepted-{number}"), self._faults)
                process = context.Process(target=_serve, args=arguments, daemon=True)
                process.start()
                self._processes.append(process)

    def stop(self) -> None:
        """End at once, as a machine that dies does; connections are refused from now on."""
        self._path.unlink(missing_ok=True)
        for process in self._processes:
            process.kill()
            process.join()
        self._processes.clear()

    def accepted(self) -> list[bytes]:
        """The return paths of what was accepted since the last call."""
        found: list[bytes] = []
        for path in sorted(self._folder.glob("accepted-*")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                found += file.read().splitlines()
                self._read[path] = file.tell()
        return found


class _Session(asyncio.Protocol):
    """One client: commands by line, bodies up to the lone dot."""

    def __init__(self, file: int, faults: float) -> None:
        self._file = file
        self._faults = faults
        self._buffer = b""
        self._in_body = False
        self._mail_from = self._rcpt_to = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        start = 0
        answers: list[bytes] = []
        while True:
            end = _end_of_body(buffer, start) if self._in_body else buffer.find(b"\r\n", start)
            if end < 0:
                break
            if self._in_body:
                answers.append(self._body())
                start = end + len(_END)
            else:
                answers.append(self._command(buffer[start:end]))
                start = end + 2
            if answers[-1].startswith(b"421"):
                break
        self._buffer = buffer[start:]
        assert self._transport is not None
        self._transport.write(b"".join(answers))
        if answers and answers[-1].startswith(b"421"):
            self._transport.close()

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        fault = self._fault(verb)
        if fault is not None:
            return fault
        match verb:
            case b"MAIL":
                self._mail_from, self._rcpt_to = line[11:].partition(b">")[0], b""
                return b"250 2.1.0 Ok\r\n"
            case b"RCPT":
                self._rcpt_to = line[9:].partition(b">")[0] if self._mail_from else b""
                return b"250 2.1.5 Ok\r\n" if self._rcpt_to else b"503 5.5.1 MAIL first\r\n"
            case b"DATA":
                self._in_body = bool(self._rcpt_to)
                return b"354 go on\r\n" if self._in_body else b"503 5.5.1 RCPT first\r\n"
            case b"EHLO":
                return _HELLO
            case _:
                self._mail_from = self._rcpt_to = b""
                return b"250 2.0.0 Ok\r\n"

    def _body(self) -> bytes:
        self._in_body = False
        fault = self._fault(b"BODY")
        if fault is None:
            os.write(self._file, self._mail_from + b"\n")
        self._mail_from = self._rcpt_to = b""
        return fault or b"250 2.0.0 Ok: queued as 4F7C1A2B\r\n"

    def _fault(self, verb: bytes) -> bytes | None:
        if not self._faults or verb not in _FAULTS or random.random() >= self._faults:
            return None
        if verb != b"BODY":
            self._mail_from = self._rcpt_to = b""
        return random.choice(_FAULTS[verb])


def _end_of_body(buffer: bytes, start: int) -> int:
    near = buffer.find(_END, max(start, len(buffer) - _ENVELOPE_BYTES))
    return near if near >= 0 else buffer.find(_END, start)


def _serve(listener: socket.socket, path: str, faults: float) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        await loop.create_unix_server(lambda: _Session(file, faults), sock=listener)
        await asyncio.Event().wait()

    uvloop.run(run())


@contextlib.contextmanager
def sink(path: Path, folder: Path, *, processes: int = 2, faults: float = 0.0) -> Iterator[Sink]:
    """A sink for a block."""
    made = Sink(path, folder, processes=processes, faults=faults)
    made.start()
    try:
        yield made
    finally:
        made.stop()
