"""SMTP on raw asyncio: persistent connections, PIPELINING, one write for a body and the next envelope.

A connection is a small state machine fed by the server's replies. The order of work is kept in `_expected`: which
reply belongs to which step of which message. When a connection is lost, a message whose body was written is
unknown; one whose body was not is temporary, since no server delivers an envelope.

A server that keeps failing is left alone (`resilience`), which is decided before a batch takes its first message: an
open circuit makes no message unknown.
"""

import asyncio
import base64
import re
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Coroutine, Iterable, Iterator, Sized
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import PurePath
from typing import Any, cast

import structlog
import uvloop

from storecast.kit.addresses import is_public
from storecast.messaging.channels.protocol import ChannelUnavailable, Outcome, Verdict
from storecast.messaging.channels.smtp_url import SmtpServer
from storecast.messaging.channels.source import Source, told
from storecast.messaging.compose import Prepared
from storecast.observability import tracing
from storecast.resilience.circuit import CircuitOpen
from storecast.resilience.guard import Call, Guard

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 15.0
REPLY_TIMEOUT_S = 120.0
"""RFC 5321 §4.5.3.2 allows minutes for the reply after the final dot; a server that slow would hold a batch's lease."""

GOODBYE_S = 1.0

MAX_REPLY_BYTES = 8_192
MAX_REPLY_CHARS = 500
GREETING_NAME = "[127.0.0.1]"
"""An address literal: always well-formed (RFC 5321 §4.1.3), where a machine's own name often is not."""

_ADDRESS_CODES = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")
"""Enhanced codes (RFC 3463) that say the mailbox or its domain does not exist."""


_TURN_REPLIES = 4
_TURN = re.compile(rb"(2\d\d) (.*)\r\n2\d\d .*\r\n2\d\d .*\r\n354 .*\r\n")
"""What a server that pipelines says at once nearly always: it took a body, and gives the next envelope its go-ahead."""


class _Step(Enum):
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    BODY = auto()
    EMPTY_BODY = auto()
    RESET = auto()


class _Lost(ConnectionError):
    """The connection ended while a reply was due."""


class _Connection(asyncio.Protocol):
    """One SMTP session."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._lines: list[str] = []
        self._waiter: asyncio.Future[tuple[int, str]] | None = None
        self._early: deque[tuple[int, str]] = deque()
        self._lost: Exception | None = None
        self.gone = asyncio.Event()
        self.extensions: dict[str, str] = {}
        self._pipelines = False
        # The stream of one `run`:
        self._source: Iterator[Prepared] | None = None
        self._outcomes: list[Outcome] = []
        self._expected: deque[tuple[_Step, Prepared]] = deque()
        self._refusal: tuple[int, str, bool] | None = None
        self._done: asyncio.Future[None] | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._replied_at = 0.0
        self._accepted = 0

    @property
    def usable(self) -> bool:
        """Whether another message may be sent over this connection."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._lost is None
            # A server that speaks while nobody asked is saying goodbye.
            and not self._early
        )

    @property
    def lost_reason(self) -> str:
        """Why the connection ended."""
        return _short(str(self._lost))

    # Transport callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._took_turn(data):
            return
        buffer = self._buffer + data if self._buffer else data
        start = 0
        while (end := buffer.find(b"\n", start)) >= 0:
            self._line(buffer[start:end].rstrip(b"\r").decode("utf-8", "replace"))
            start = end + 1
        self._buffer = buffer[start:]
        if len(self._buffer) > MAX_REPLY_BYTES or len(self._lines) > MAX_REPLY_BYTES // 4:
            self.abort(_Lost("the server's reply does not end"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        self._lost = self._lost or exc or _Lost("the server closed the connection")
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(_Lost(str(self._lost)))
        self._settle_lost()

    def _took_turn(self, data: bytes) -> bool:
        """Whether it was the usual turn, which has a short way: four replies one by one cost three times as much."""
        # A body and an envelope are under way, and nothing else.
        if len(self._expected) != _TURN_REPLIES or self._expected[0][0] is not _Step.BODY:
            return False
        if self._buffer or self._lines or self._refusal is not None:
            return False
        turn = _TURN.fullmatch(data)
        if turn is None:
            return False
        (_body, sent), *_envelope, (_data, message) = self._expected
        self._expected.clear()
        self._replied_at = time.monotonic()
        self._accept(sent, int(turn[1]), turn[2].decode("utf-8", "replace"))
        self._write_body(message)
        return True

    def _line(self, line: str) -> None:
        if len(line) < 3 or not line[:3].isdigit():
            self.abort(_Lost("the server does not speak SMTP"))
            return
        self._lines.append(line[4:])
        if line[3:4] == "-":
            return
        code, text = int(line[:3]), "\n".join(self._lines)
        self._lines = []
        if self._source is not None:
            self._on_reply(code, text)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((code, text))
        else:
            self._early.append((code, text))

    # The conversation before and between messages.

    async def open(self, server: SmtpServer) -> None:
        """Greeting, EHLO and, when the URL says so, TLS and AUTH."""
        await self._expect(None, {220})
        await self._hello()
        if server.security == "starttls":
            await self._start_tls(server)
            await self._hello()
        if server.username is not None:
            await self._authenticate(server.username, server.password or "")

    async def _hello(self) -> None:
        _code, text = await self._expect(f"EHLO {GREETING_NAME}", {250})
        lines = [line.partition(" ") for line in text.split("\n")[1:]]
        self.extensions = {name.upper(): values for name, _space, values in lines}
        self._pipelines = "PIPELINING" in self.extensions

    async def _start_tls(self, server: SmtpServer) -> None:
        if "STARTTLS" not in self.extensions:
            raise ChannelUnavailable("The SMTP server does not offer STARTTLS.")
        await self._expect("STARTTLS", {220})
        # What came with the go-ahead was written by whoever can write before the encryption.
        if self._buffer or self._early or self._lines:
            raise ChannelUnavailable("The SMTP server sent data before the encryption began.")
        loop = asyncio.get_running_loop()
        context = ssl.create_default_context()
        transport = await loop.start_tls(
            cast(asyncio.Transport, self._transport), self, context, server_hostname=server.host
        )
        self._transport = cast(asyncio.Transport, transport)

    async def _authenticate(self, username: str, password: str) -> None:
        offered = self.extensions.get("AUTH", "").upper().split()
        if "PLAIN" in offered:
            secret = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
            await self._expect(f"AUTH PLAIN {secret}", {235})
        elif "LOGIN" in offered:
            await self._expect("AUTH LOGIN", {334})
            await self._expect(base64.b64encode(username.encode()).decode(), {334})
            await self._expect(base64.b64encode(password.encode()).decode(), {235})
        else:
            raise ChannelUnavailable("The SMTP server offers neither AUTH PLAIN nor AUTH LOGIN.")

    async def _expect(self, command: str | None, codes: set[int]) -> tuple[int, str]:
        if self._lost is not None:
            raise _Lost(str(self._lost))
        self._waiter = asyncio.get_running_loop().create_future()
        if self._early:
            # The greeting may be here before anybody waits for it.
            self._waiter.set_result(self._early.popleft())
        if command is not None:
            self._write(f"{command}\r\n".encode())
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            code, text = await self._waiter
        self._waiter = None
        if code not in codes:
            # Instead of a greeting, or 421 at any time: the server serves nobody now (RFC 5321 §3.1, §3.8), unless
            # it says by x.7.x (RFC 3463) that it only will not have us, or so many of us.
            raise ChannelUnavailable(
                f"The SMTP server answered {code} {text}"[:MAX_REPLY_CHARS],
                host_failed=(command is None or code == 421) and text[1:4] != ".7.",
            )
        return code, text

    def close(self) -> None:
        """Leave politely, without waiting for the answer."""
        if self.usable:
            self._write(b"QUIT\r\n")
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: Exception) -> None:
        """Drop the connection at once."""
        self._lost = self._lost or reason
        if self._transport is not None:
            self._transport.abort()

    def _write(self, *data: bytes) -> None:
        assert self._transport is not None  # noqa: S101  # nobody writes before the connection is made
        self._transport.writelines(data)

    # The stream of messages.

    async def run(self, source: Iterator[Prepared], outcomes: list[Outcome]) -> int:
        """Send from the source until it is empty or the connection is lost; returns how many were accepted."""
        loop = asyncio.get_running_loop()
        self._source = source
        self._outcomes = outcomes
        self._done = loop.create_future()
        self._accepted = 0
        self._replied_at = time.monotonic()
        self._watch(loop)
        try:
            self._begin_next()
            await self._done
            return self._accepted
        finally:
            if self._watchdog is not None:
                self._watchdog.cancel()
            self._source = None

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look now and then whether replies still come: a timer for each reply would cost more than the reply."""
        if time.monotonic() - self._replied_at > REPLY_TIMEOUT_S:
            self.abort(_Lost("the server did not answer in time"))
        else:
            self._watchdog = loop.call_later(REPLY_TIMEOUT_S / 10, self._watch, loop)

    def _begin_next(self, *before: bytes) -> None:
        """Write ``before`` and the next envelope behind it, in one go when the server pipelines."""
        message = self._next()
        if message is None:
            if before:
                self._write(*before)
            if not self._expected:
                self._finish()
            return
        mail = f"MAIL FROM:<{message.mail_from}>{self._size(message)}\r\n"
        if self._pipelines:
            self._expected += ((_Step.MAIL, message), (_Step.RCPT, message), (_Step.DATA, message))
            self._write(*before, f"{mail}RCPT TO:<{message.rcpt_to}>\r\nDATA\r\n".encode())
        else:
            self._expected.append((_Step.MAIL, message))
            self._write(*before, mail.encode())

    def _next(self) -> Prepared | None:
        return next(self._source, None) if self._source is not None and self.usable else None

    def _size(self, message: Prepared) -> str:
        return f" SIZE={len(message.data)}" if "SIZE" in self.extensions else ""

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _on_reply(self, code: int, text: str) -> None:
        if not self._expected:
            # A server that speaks unasked says goodbye (421) or is broken.
            self.abort(_Lost(f"{code} {text}"))
            return
        self._replied_at = time.monotonic()
        step, message = self._expected.popleft()
        _HANDLERS[step](self, message, code, text)

    def _on_mail(self, message: Prepared, code: int, text: str) -> None:
        self._note(code, text, about_address=False)
        if not self._pipelines:
            self._step_on(message, _Step.RCPT, b"RCPT TO:<%b>\r\n" % message.rcpt_to.encode())

    def _on_rcpt(self, message: Prepared, code: int, text: str) -> None:
        self._note(code, text, about_address=True)
        if not self._pipelines:
            self._step_on(message, _Step.DATA, b"DATA\r\n")

    def _step_on(self, message: Prepared, step: _Step, command: bytes) -> None:
        if self._refusal is not None:
            self._refuse(message)
            return
        self._expected.append((step, message))
        self._write(command)

    def _on_data(self, message: Prepared, code: int, text: str) -> None:
        if code == 354 and self._refusal is None:
            self._write_body(message)
        elif code == 354:
            # The server wants a body for a recipient that it refused: RFC 2920 §3.1 has us send none.
            self._expected.append((_Step.EMPTY_BODY, message))
            self._write(b".\r\n")
        else:
            self._note(code, text, about_address=False)
            self._refuse(message)

    def _write_body(self, message: Prepared) -> None:
        body = message.data if message.dotless else _stuffed(message.data)
        end = b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"
        self._expected.append((_Step.BODY, message))
        self._begin_next(body, end) if self._pipelines else self._write(body, end)

    def _note(self, code: int, text: str, *, about_address: bool) -> None:
        """Keep the first refusal of a transaction; what follows it is only its echo."""
        if not 200 <= code < 300 and self._refusal is None:
            self._refusal = (code, text, about_address)

    def _refuse(self, message: Prepared) -> None:
        code, text, about_address = self._refusal or (0, "", False)
        self._refusal = None
        self._outcomes.append(_refused(message, code, text, about_address=about_address))
        if code == 421:
            self.abort(_Lost(f"{code} {text}"))
            return
        # The transaction is still open on the server: MAIL accepted, RCPT not.
        self._expected.append((_Step.RESET, message))
        if self._pipelines:
            self._begin_next(b"RSET\r\n")
        else:
            self._write(b"RSET\r\n")

    def _on_body(self, message: Prepared, code: int, text: str) -> None:
        if 200 <= code < 300:
            self._accept(message, code, text)
        else:
            self._outcomes.append(_refused(message, code, text, about_address=False))
            if code == 421:
                self.abort(_Lost(f"{code} {text}"))
                return
        self._go_on()

    def _accept(self, message: Prepared, code: int, text: str) -> None:
        self._accepted += 1
        self._outcomes.append(Outcome(message.delivery_id, Verdict.ACCEPTED, code, _short(text)))

    def _on_empty_body(self, message: Prepared, _code: int, _text: str) -> None:
        self._refuse(message)

    def _on_reset(self, _message: Prepared, _code: int, _text: str) -> None:
        self._go_on()

    def _go_on(self) -> None:
        """After the last reply of a message: with pipelining the next envelope is already out."""
        if not self._expected:
            self._begin_next()

    def _settle_lost(self) -> None:
        """Say what became of the messages that were under way when the connection ended."""
        if self._source is None:
            return
        reason = _short(f"connection lost: {self._lost}")
        doubtful = {message.delivery_id for step, message in self._expected if step is _Step.BODY}
        settled: set[int] = set()
        for step, message in self._expected:
            if message.delivery_id in settled or step is _Step.RESET:
                continue
            settled.add(message.delivery_id)
            if self._refusal is not None and message.delivery_id not in doubtful and len(settled) == 1:
                code, text, about_address = self._refusal
                self._outcomes.append(_refused(message, code, text, about_address=about_address))
                continue
            verdict = Verdict.UNKNOWN if message.delivery_id in doubtful else Verdict.TEMPORARY
            self._outcomes.append(Outcome(message.delivery_id, verdict, 0, reason))
        self._expected.clear()
        self._refusal = None
        self._finish()


_HANDLERS = {
    _Step.MAIL: _Connection._on_mail,
    _Step.RCPT: _Connection._on_rcpt,
    _Step.DATA: _Connection._on_data,
    _Step.BODY: _Connection._on_body,
    _Step.EMPTY_BODY: _Connection._on_empty_body,
    _Step.RESET: _Connection._on_reset,
}


def _stuffed(body: bytes) -> bytes:
    """With every leading dot doubled (RFC 5321 §4.5.2)."""
    return (b"." if body.startswith(b".") else b"") + body.replace(b"\r\n.", b"\r\n..")


def _short(text: str) -> str:
    return text.replace("\n", " ").replace("\x00", "")[:MAX_REPLY_CHARS]


def _refused(message: Prepared, code: int, text: str, *, about_address: bool) -> Outcome:
    verdict = Verdict.PERMANENT if 500 <= code < 600 else Verdict.TEMPORARY
    gone = verdict is Verdict.PERMANENT and about_address and text.startswith(_ADDRESS_CODES)
    return Outcome(message.delivery_id, verdict, code, _short(text), refused_address=gone)


class SmtpChannel:
    """Sends through one server over several connections that stay open between batches. Not for several threads."""

    def __init__(self, server: SmtpServer, guard: Guard | None = None) -> None:
        self._server = server
        self._guard = guard or Guard(None, None)
        self._host = f"unix:{PurePath(server.path).name}" if server.path else f"{server.host}:{server.port}"
        self._losses: list[str] = []
        self._connections: list[_Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def connect(self) -> None:
        """Make sure that at least one connection is open."""
        self._run(self._forget_lost())
        if not self._connections:
            with self._guarded():
                self._run(self._ready())

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """Send until the messages are used up or no connection can be had any more.

        An error of the iterable itself ends the batch; it is raised behind the last outcome, so that none is lost.
        """
        outcomes: list[Outcome] = []
        shared = Source(messages)
        wanted = min(self._server.connections, len(messages)) if isinstance(messages, Sized) else None
        self._losses.clear()
        with tracing.span("smtp.send", kind="client", attributes={"server.address": self._host}) as span:
            with self._guarded() as call:
                self._run(self._send(shared, outcomes, wanted or self._server.connections))
                if self._losses and not any(outcome.code for outcome in outcomes):
                    call.failed(self._losses[-1])
            verdicts = Counter(outcome.verdict for outcome in outcomes)
            span.set({f"storecast.messages.{verdict}": count for verdict, count in verdicts.items()})
        return told(outcomes, shared)

    @contextmanager
    def _guarded(self) -> Iterator[Call]:
        try:
            with self._guard.call(self._host, "smtp") as call:
                try:
                    yield call
                except ChannelUnavailable as error:
                    if error.host_failed:
                        call.failed(str(error))
                    else:
                        call.answered()
                    raise
        except CircuitOpen as error:
            raise ChannelUnavailable(
                "The SMTP server has been failing and is left alone for "
                f"{max(1, round(error.retry_after or 0))} seconds."
            ) from error

    def close(self) -> None:
        """Close every connection and the loop."""
        if self._loop is None:
            return
        self._run(self._close_all())
        self._loop.close()
        self._loop = None

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            self._loop = uvloop.new_event_loop()
        self._loop.run_until_complete(work)

    async def _close_all(self) -> None:
        closing, self._connections = self._connections, []
        for connection in closing:
            connection.close()
        # TLS says goodbye and waits for the answer; a socket without it is closed in the loop's next turn.
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for connection in closing:
                    await connection.gone.wait()
        for connection in closing:
            connection.abort(_Lost("closed"))
        await asyncio.sleep(0)

    async def _forget_lost(self) -> None:
        # A few turns of the loop deliver what happened while nobody ran it, such as the server hanging up.
        for _turn in range(3):
            await asyncio.sleep(0)
        self._connections = [connection for connection in self._connections if connection.usable]

    async def _ready(self) -> None:
        await self._forget_lost()
        if not self._connections:
            self._connections.append(await self._open())

    async def _send(self, shared: Source, outcomes: list[Outcome], wanted: int) -> None:
        await self._ready()
        lanes = [self._lane(connection, shared, outcomes) for connection in self._connections[:wanted]]
        lanes += [self._lane(None, shared, outcomes) for _ in range(wanted - len(lanes))]
        results = await asyncio.gather(*lanes, return_exceptions=True)
        self._connections = [connection for connection in self._connections if connection.usable]
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, ChannelUnavailable):
                raise result

    async def _lane(self, connection: _Connection | None, shared: Source, outcomes: list[Outcome]) -> None:
        """Send over one connection, and over another in its place as long as each one carries something."""
        while not shared.exhausted:
            if connection is None:
                connection = await self._open()
                self._connections.append(connection)
            carried = await connection.run(shared, outcomes)
            if not connection.usable:
                log.warning("smtp_connection_lost", reason=connection.lost_reason, carried=carried)
                self._losses.append(f"connection lost: {connection.lost_reason}")
            # The budget is asked in the loop: rarely, and for less time than the new connection takes.
            if connection.usable or not carried or not self._guard.may_retry(self._host):
                return
            connection = None

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        server = self._server
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                if server.path is not None:
                    _transport, connection = await loop.create_unix_connection(_Connection, server.path)
                else:
                    connection = await self._connect(loop)
                await connection.open(server)
        except (OSError, TimeoutError, ssl.SSLError) as error:
            if connection is not None:
                connection.abort(error)
            raise ChannelUnavailable(
                f"The SMTP server cannot be reached: {str(error) or 'no answer'}", host_failed=True
            ) from error
        except ChannelUnavailable as error:
            if connection is not None:
                connection.abort(error)
            raise
        return connection

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> _Connection:
        server = self._server
        host = server.host
        if server.public_only:
            # Merchants choose these servers: the connection goes to an address that was looked at.
            found = await loop.getaddrinfo(host, server.port, type=socket.SOCK_STREAM)
            addresses = [str(entry[4][0]) for entry in found]
            if not addresses or not all(map(is_public, addresses)):
                raise ChannelUnavailable("The SMTP server's address belongs to a private network.")
            host = addresses[0]
        encrypted = server.security == "tls"
        _transport, connection = await loop.create_connection(
            _Connection,
            host,
            server.port,
            ssl=ssl.create_default_context() if encrypted else None,
            server_hostname=server.host if encrypted else None,
        )
        return connection
