"""Caught messages in an SQLite file.

Invariants: a message is committed before its id is returned; rows are never changed; a list reads no bodies.
"""

import re
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from pathlib import Path

from simulator.mail.smtp import Envelope

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY,
    received_at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    message_id TEXT NOT NULL,
    from_header TEXT NOT NULL,
    subject TEXT NOT NULL,
    size_bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_message_id ON messages (message_id);
CREATE TABLE IF NOT EXISTS recipients (
    address TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (address, message)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bodies (message INTEGER PRIMARY KEY REFERENCES messages (id), raw BLOB NOT NULL);
"""

_LIST = """
SELECT * FROM messages
WHERE id < :before AND (subject LIKE :like ESCAPE '\\' OR recipients LIKE :like ESCAPE '\\')
ORDER BY id DESC LIMIT :limit
"""
_LIST_TO_ONE = """
SELECT messages.* FROM recipients JOIN messages ON id = message
WHERE address = :recipient AND id < :before
  AND (subject LIKE :like ESCAPE '\\' OR recipients LIKE :like ESCAPE '\\')
ORDER BY id DESC LIMIT :limit
"""
_COUNT = """
SELECT count(*) FROM messages WHERE subject LIKE :like ESCAPE '\\' OR recipients LIKE :like ESCAPE '\\'
"""
_STATS = """
SELECT count(*), count(DISTINCT message_id), (SELECT count(DISTINCT address) FROM recipients) FROM messages
"""
_AFTER_ALL = 2**62

_BUSY_TIMEOUT_S = 15.0
_HEADER = re.compile(
    rb"^(message-id|subject|from):[ \t]*((?:.*?)(?:\r?\n[ \t].*?)*)\r?$", re.IGNORECASE | re.MULTILINE
)
_FOLD = re.compile(r"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True)
class MailSummary:
    """One row of the inbox."""

    id: int
    received_at: str
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    from_header: str
    subject: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class MailStats:
    messages: int
    distinct_recipients: int
    # Messages beyond the first of each Message-ID: what a recipient would have got twice.
    duplicates: int


class MessageNotFound(Exception):
    """No caught message has this id."""


class MailStore:
    """Reads may come from any thread; writes are serialised by SQLite."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connection().executescript(_SCHEMA)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
        return connection

    def add(self, envelopes: Sequence[Envelope]) -> list[int]:
        """Store a batch in one commit; returns the ids in the given order."""
        received_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            last: int = connection.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()[0]
            ids = [last + number for number in range(1, len(envelopes) + 1)]
            connection.executemany(
                "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(number, received_at, *_columns(mail)) for number, mail in zip(ids, envelopes, strict=True)],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO recipients VALUES (?, ?)",
                [
                    (address.lower(), i)
                    for i, m in zip(ids, envelopes, strict=True)
                    for address in m.recipients
                ],
            )
            connection.executemany(
                "INSERT INTO bodies VALUES (?, ?)",
                [(number, mail.raw) for number, mail in zip(ids, envelopes, strict=True)],
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return ids

    def list_messages(
        self, *, search: str = "", recipient: str = "", before: int | None = None, limit: int = 50
    ) -> list[MailSummary]:
        """Newest first. `search` looks into subject and recipients, `recipient` is one whole address."""
        rows = self._connection().execute(
            _LIST_TO_ONE if recipient else _LIST,
            {
                "before": before or _AFTER_ALL,
                "like": _like(search),
                "recipient": recipient.lower(),
                "limit": limit,
            },
        )
        return [_summary(row) for row in rows]

    def count(self, *, search: str = "") -> int:
        if not search:
            return int(self._connection().execute("SELECT count(*) FROM messages").fetchone()[0])
        return int(self._connection().execute(_COUNT, {"like": _like(search)}).fetchone()[0])

    def get(self, number: int) -> tuple[MailSummary, bytes]:
        row = self._connection().execute(
            "SELECT messages.*, raw FROM messages JOIN bodies ON message = id WHERE id = ?", [number]
        )
        found = row.fetchone()
        if found is None:
            raise MessageNotFound(number)
        return _summary(found[:-1]), found[-1]

    def stats(self) -> MailStats:
        connection = self._connection()
        messages, ids = connection.execute(
            "SELECT count(*), count(DISTINCT message_id) FROM messages"
        ).fetchone()
        recipients = connection.execute("SELECT count(DISTINCT address) FROM recipients").fetchone()[0]
        return MailStats(messages=messages, distinct_recipients=recipients, duplicates=messages - ids)

    def clear(self) -> None:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM recipients")
        connection.execute("DELETE FROM bodies")
        connection.execute("DELETE FROM messages")
        connection.execute("COMMIT")


def _columns(mail: Envelope) -> tuple[str, str, str, str, str, int]:
    # Only the three headers of the list are read here, by one expression: a full parse costs 50 times as much
    # and is paid when someone opens the message.
    head, _, _ = mail.raw.partition(b"\r\n\r\n")
    found = {match[1].lower(): match[2] for match in reversed(list(_HEADER.finditer(head)))}
    digest = found.get(b"message-id", b"").decode("ascii", "replace").strip()
    return (
        mail.sender,
        "\n".join(mail.recipients),
        # Without the header each message counts as its own.
        digest or f"<none.{id(mail)}.{datetime.now(UTC).timestamp()}>",
        _readable(found.get(b"from", b"")),
        _readable(found.get(b"subject", b"")),
        len(mail.raw),
    )


def _readable(value: bytes) -> str:
    text = _FOLD.sub(" ", value.decode("utf-8", "replace")).strip()
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError):
        return text


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _summary(row: tuple[int, str, str, str, str, str, str, int]) -> MailSummary:
    return MailSummary(row[0], row[1], row[2], tuple(row[3].split("\n")), *row[4:])
