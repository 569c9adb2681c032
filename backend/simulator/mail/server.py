"""The SMTP server: many connections, one writer that commits whatever has gathered meanwhile.

Invariants: 250 is answered only after the message's commit; answers leave in the order of the commands; a
disk that refuses is answered with 451, never with silence.
"""

import asyncio
import sqlite3
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from simulator.mail.faults import MailFaults
from simulator.mail.smtp import Conversation, Envelope
from simulator.mail.store import MailStore

MAX_BATCH = 2000
"""Messages in one commit: at 20 KB each 40 MB, the most that waits in memory besides the sockets."""

LISTEN_BACKLOG = 512


class MailWriter:
    """Gathers messages while the previous commit runs, then commits them together (group commit)."""

    def __init__(self, store: MailStore) -> None:
        self._store = store
        self._waiting: list[tuple[Envelope, asyncio.Future[int]]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail-writer")
        self._running: asyncio.Task[None] | None = None

    def submit(self, envelope: Envelope) -> asyncio.Future[int]:
        """A future of the stored message's id."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((envelope, future))
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._drain())
        return future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            try:
                ids = await loop.run_in_executor(self._thread, self._store.add, [mail for mail, _ in batch])
            except sqlite3.Error as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for number, (_, future) in zip(ids, batch, strict=True):
                if not future.done():
                    future.set_result(number)

    async def close(self) -> None:
        if self._running is not None:
            await self._running
        self._thread.shutdown()


class MailCatcher:
    """Listens on a TCP port and/or a unix socket and keeps what arrives."""

    def __init__(self, state_dir: Path) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self.store = MailStore(state_dir / "mail.sqlite3")
        self.faults = MailFaults()
        self.port: int | None = None
        self._writer: MailWriter | None = None
        self._servers: list[asyncio.Server] = []
        self._connections: set[_Connection] = set()
        self._lost_answers = 0

    async def start(
        self, *, host: str = "127.0.0.1", port: int | None = None, unix_path: Path | None = None
    ) -> None:
        """`port` 0 takes a free one, to be read from `.port`."""
        loop = asyncio.get_running_loop()
        writer = self._writer = MailWriter(self.store)

        def connection() -> _Connection:
            return _Connection(self, writer, self._connections)

        if port is not None:
            server = await loop.create_server(connection, host, port, backlog=LISTEN_BACKLOG)
            self.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)
        if unix_path is not None:
            await asyncio.to_thread(unix_path.unlink, missing_ok=True)
            self._servers.append(await loop.create_unix_server(connection, unix_path, backlog=LISTEN_BACKLOG))

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.drop()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        if self._writer is not None:
            await self._writer.close()

    def set_faults(self, faults: MailFaults) -> None:
        self.faults = faults
        self._lost_answers = 0

    def judge_recipient(self, address: str) -> bytes | None:
        rule = self.faults.refusal_for("rcpt", (address,))
        return rule.reply() if rule else None

    def loses_this_answer(self) -> bool:
        if self._lost_answers >= self.faults.lose_answers:
            return False
        self._lost_answers += 1
        return True


class _Connection(asyncio.Protocol):
    def __init__(
        self, catcher: MailCatcher, writer: MailWriter, open_connections: "set[_Connection]"
    ) -> None:
        self._catcher = catcher
        self._writer = writer
        self._open = open_connections
        self._talk = Conversation(judge_recipient=catcher.judge_recipient)
        self._transport: asyncio.Transport | None = None
        # Replies in order; a task stands for one whose message is still being stored.
        self._answers: deque[bytes | asyncio.Task[bytes]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)
        self._open.add(self)
        if self._catcher.faults.refuse_connections:
            transport.write(b"421 4.3.2 Not accepting mail now\r\n")
            transport.close()
            return
        transport.write(self._talk.greeting())

    def data_received(self, data: bytes) -> None:
        for step in self._talk.feed(data):
            if isinstance(step, Envelope):
                task = asyncio.get_running_loop().create_task(self._store(step))
                task.add_done_callback(lambda _: self._flush())
                self._answers.append(task)
            else:
                self._answers.append(step)
        self._flush()

    async def _store(self, mail: Envelope) -> bytes:
        faults = self._catcher.faults
        refusal = faults.refusal_for("data", mail.recipients)
        if refusal is not None:
            return refusal.reply()
        try:
            number = await self._writer.submit(mail)
        except sqlite3.Error:
            return b"451 4.3.0 The simulator could not store the message\r\n"
        if faults.delay_ms:
            await asyncio.sleep(faults.delay_ms / 1000)
        if self._catcher.loses_this_answer():
            self.drop()
        return b"250 2.0.0 Caught as %d\r\n" % number

    def _flush(self) -> None:
        ready = bytearray()
        while self._answers:
            answer = self._answers[0]
            if isinstance(answer, asyncio.Task):
                if not answer.done() or answer.cancelled():
                    break
                answer = answer.result()
            ready += answer
            self._answers.popleft()
        if self._transport is None or self._transport.is_closing():
            return
        if ready:
            self._transport.write(bytes(ready))
        if self._talk.closing and not self._answers:
            self._transport.close()

    def drop(self) -> None:
        """Break the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
