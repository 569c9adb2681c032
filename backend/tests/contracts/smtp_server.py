"""A small SMTP server in a thread, scripted per test: which extensions, which answers, when to hang up."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HANG_UP = "hang up"

Script = Callable[[str, str], str | None]
"""Given a verb (``MAIL``, ``RCPT``, ``DATA``, ``BODY``…) and its line or body, an answer of its own or `HANG_UP`."""


@dataclass
class Received:
    """A message that the server took."""

    mail_from: str
    rcpt_to: str
    data: bytes


@dataclass
class SmtpServer:
    """What a test sees of the server."""

    pipelining: bool = True
    script: Script = lambda _verb, _line: None
    port: int = 0
    messages: list[Received] = field(default_factory=list)
    connections: int = 0
    verbs: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


async def _session(  # noqa: C901  # one verb after another reads best in one place
    server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    server.connections += 1
    mail_from = rcpt_to = ""

    def say(answer: str) -> None:
        writer.write(f"{answer}\r\n".encode())

    say(server.script("GREETING", "") or "220 test")
    while line := await reader.readline():
        text = line.decode().rstrip("\r\n")
        verb = text.split(" ")[0].split(":")[0].upper()
        server.verbs.append(verb)
        answer = server.script(verb, text)
        if answer == HANG_UP:
            break
        if verb == "EHLO":
            lines = ["test", *(["PIPELINING"] if server.pipelining else []), "SIZE 1000000"]
            say(
                answer
                or "\r\n".join(f"250{'-' if i < len(lines) - 1 else ' '}{x}" for i, x in enumerate(lines))
            )
        elif verb == "MAIL":
            mail_from, rcpt_to = ("", "") if answer else (text.partition("<")[2].partition(">")[0], "")
            say(answer or "250 2.1.0 ok")
        elif verb == "RCPT":
            rcpt_to = "" if answer else text.partition("<")[2].partition(">")[0]
            say(answer or ("250 2.1.5 ok" if mail_from else "503 MAIL first"))
        elif verb == "DATA":
            if not (mail_from and rcpt_to):
                say(answer or "503 5.5.1 RCPT first")
                continue
            say(answer or "354 go on")
            if answer is not None:
                continue
            body = await reader.readuntil(b"\r\n.\r\n")
            data = body[:-3].replace(b"\r\n..", b"\r\n.").removeprefix(b".")
            answer = server.script("BODY", rcpt_to)
            if answer == HANG_UP:
                break
            if answer is None or answer.startswith("2"):
                server.messages.append(Received(mail_from, rcpt_to, data))
            say(answer or "250 2.0.0 queued")
            mail_from = rcpt_to = ""
            if answer is not None and answer.startswith("421"):
                break
        elif verb == "QUIT":
            say("221 bye")
            break
        else:
            mail_from = rcpt_to = ""
            say(answer or "250 ok")
    await writer.drain()
    writer.close()


@contextmanager
def serving(server: SmtpServer) -> Iterator[SmtpServer]:
    """The server at work on a port of its own."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()
    sessions: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        sessions.add(task)
        try:
            await _session(server, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    async def run() -> None:
        listener = await asyncio.start_server(handle, "127.0.0.1", server.port)
        server.port = listener.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listener.close()
        for task in sessions:
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
