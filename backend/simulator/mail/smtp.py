"""The SMTP conversation of RFC 5321 as a pure state machine: bytes in, replies and messages out.

Invariants: how the bytes were cut into packets never changes the outcome; answers keep the order of the
commands; only CRLF.CRLF ends a message, so a bare-LF dot line cannot smuggle a second one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

MAX_COMMAND_BYTES = 4096
"""RFC 5321 asks for 512 and extensions add more; longer lines are answered with 500 and skipped."""

MAX_RECIPIENTS = 1000
"""RFC 5321 4.5.3.1.8 asks for at least 100; Postfix stops at 1000."""

_PATH = re.compile(rb"\s*<([^<>\s]*)>((?:\s+\S+)*)\s*$")
_END = b"\r\n.\r\n"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as it was handed over: who sent it to whom, and its bytes with dots unstuffed."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


Step: TypeAlias = bytes | Envelope
"""A reply to write, or a message to store before the connection may answer and go on."""

JudgeRecipient: TypeAlias = Callable[[str], bytes | None]
"""Returns the refusal to answer RCPT with, or None to accept."""


def _accept_everyone(address: str) -> bytes | None:
    return None


@dataclass(slots=True)
class Conversation:
    """One connection's state. `feed` it what arrives; write and store what it returns, in that order."""

    host_name: str = "mail.simulator.invalid"
    max_message_bytes: int = 25 * 1024 * 1024
    judge_recipient: JudgeRecipient = _accept_everyone
    closing: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _scanned: int = 0
    _greeted: bool = False
    _sender: str | None = None
    _utf8: bool = False
    _recipients: list[str] = field(default_factory=list)
    _reading_data: bool = False
    _at_data_start: bool = False
    _too_big: bool = False
    _skipping_line: bool = False

    def greeting(self) -> bytes:
        return f"220 {self.host_name} ESMTP Storecast simulator\r\n".encode()

    def feed(self, data: bytes) -> list[Step]:
        self._buffer += data
        return list(self._steps())

    def _steps(self) -> Iterator[Step]:
        while self._buffer and not self.closing:
            if self._reading_data:
                step = self._read_message()
            else:
                line = self._take_line()
                if line is None:
                    return
                step = self._answer(line)
            if step is None:
                return
            if step:
                yield step

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > MAX_COMMAND_BYTES:
                self._skipping_line = True
                self._drop(self._scanned)
            return None
        line = bytes(self._buffer[:end])
        self._drop(end + 1)
        if self._skipping_line or len(line) > MAX_COMMAND_BYTES:
            self._skipping_line = False
            return b"\x00"
        return line.removesuffix(b"\r")

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._scanned = 0

    def _answer(self, line: bytes) -> bytes:
        verb, _, argument = line.partition(b" ")
        match verb.upper():
            case b"EHLO":
                return self._ehlo()
            case b"HELO":
                self._greeted = True
                self._reset()
                return f"250 {self.host_name}\r\n".encode()
            case b"MAIL":
                return self._mail(argument)
            case b"RCPT":
                return self._rcpt(argument)
            case b"DATA":
                return self._data()
            case b"RSET":
                self._reset()
                return b"250 2.0.0 Reset\r\n"
            case b"NOOP":
                return b"250 2.0.0 OK\r\n"
            case b"VRFY":
                return b"252 2.1.5 Send it and see\r\n"
            case b"QUIT":
                self.closing = True
                return b"221 2.0.0 Bye\r\n"
            case b"\x00":
                return b"500 5.5.2 Line too long\r\n"
            case _:
                return b"502 5.5.1 Command not implemented\r\n"

    def _ehlo(self) -> bytes:
        self._greeted = True
        self._reset()
        words = (
            "PIPELINING",
            f"SIZE {self.max_message_bytes}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
        )
        lines = [f"250-{self.host_name}", *(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}", ""]
        return "\r\n".join(lines).encode()

    def _mail(self, argument: bytes) -> bytes:
        if not self._greeted:
            return b"503 5.5.1 Say EHLO first\r\n"
        if self._sender is not None:
            return b"503 5.5.1 A message is already open\r\n"
        path = _PATH.match(argument[5:]) if argument[:5].upper() == b"FROM:" else None
        if path is None:
            return b"501 5.5.4 Syntax: MAIL FROM:<address>\r\n"
        utf8 = False
        for word in path.group(2).split():
            name, _, value = word.upper().partition(b"=")
            if name == b"SIZE" and value.isdigit():
                if int(value) > self.max_message_bytes:
                    return b"552 5.3.4 Message too big\r\n"
            elif name == b"SMTPUTF8" and not value:
                utf8 = True
            elif name != b"BODY" or value not in (b"7BIT", b"8BITMIME"):
                return b"555 5.5.4 Parameter not known\r\n"
        refusal = _unreadable(path.group(1), utf8=utf8)
        if refusal:
            return refusal
        self._sender, self._utf8 = path.group(1).decode(), utf8
        return b"250 2.1.0 OK\r\n"

    def _rcpt(self, argument: bytes) -> bytes:
        if self._sender is None:
            return b"503 5.5.1 MAIL first\r\n"
        path = _PATH.match(argument[3:]) if argument[:3].upper() == b"TO:" else None
        if path is None or not path.group(1):
            return b"501 5.5.4 Syntax: RCPT TO:<address>\r\n"
        if len(self._recipients) >= MAX_RECIPIENTS:
            return b"452 4.5.3 Too many recipients\r\n"
        refusal = _unreadable(path.group(1), utf8=self._utf8)
        if refusal:
            return refusal
        address = path.group(1).decode()
        refusal = self.judge_recipient(address)
        if refusal is not None:
            return refusal
        self._recipients.append(address)
        return b"250 2.1.5 OK\r\n"

    def _data(self) -> bytes:
        if self._sender is None:
            return b"503 5.5.1 MAIL first\r\n"
        if not self._recipients:
            return b"554 5.5.1 No valid recipients\r\n"
        self._reading_data, self._at_data_start = True, True
        return b"354 End with <CRLF>.<CRLF>\r\n"

    def _reset(self) -> None:
        self._sender, self._utf8 = None, False
        self._recipients = []
        self._too_big = False

    def _read_message(self) -> Step | None:
        """The finished message, or None when its end has not arrived yet."""
        if self._at_data_start and self._buffer.startswith(b".\r\n"):
            return self._finish_message(body_end=0, next_command=3)
        end = self._buffer.find(_END, self._scanned)
        if end >= 0:
            return self._finish_message(body_end=end + 2, next_command=end + len(_END))
        # The end mark may be cut between packets: look again at its possible beginning only.
        self._scanned = max(0, len(self._buffer) - len(_END) + 1)
        if len(self._buffer) > self.max_message_bytes + len(_END):
            self._too_big, self._at_data_start = True, False
            self._drop(self._scanned)
        return None

    def _finish_message(self, *, body_end: int, next_command: int) -> Step:
        body = bytes(self._buffer[:body_end])
        self._drop(next_command)
        sender, recipients, too_big = self._sender or "", tuple(self._recipients), self._too_big
        self._reading_data = False
        self._reset()
        if too_big or len(body) > self.max_message_bytes:
            return b"552 5.3.4 Message too big\r\n"
        return Envelope(sender, recipients, _unstuff(body))


def _unstuff(body: bytes) -> bytes:
    return body.removeprefix(b".").replace(b"\r\n.", b"\r\n")


def _unreadable(address: bytes, *, utf8: bool) -> bytes | None:
    if not address.isascii() and not utf8:
        return b"553 5.6.7 Address needs SMTPUTF8\r\n"
    try:
        address.decode()
    except UnicodeDecodeError:
        return b"553 5.1.3 Address is not UTF-8\r\n"
    return None
