"""Reports that come as mail: delivery status notifications (RFC 3464, RFC 6533), complaints (RFC 5965), and the older
forms of Exim, qmail and Microsoft's feedback loop.

Total over bytes: whatever they are, `read` returns reports or raises Unreadable, in time and memory bounded by their
size. Answers that people and their absence notes send to a return path are no reports.
"""

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any

from storecast.messaging.returns.reports import (
    MAX_RAW_BYTES,
    Happened,
    Report,
    Unreadable,
    codes_in,
    short,
)
from storecast.messaging.returns.verdicts import find_code, find_status

MAX_NESTED = 30
"""Parts that hold parts. A report has three levels; the parser goes one call deeper with each."""

MAX_PARTS = 200
MAX_WORDS_BYTES = 64 * 1024

_NESTING = re.compile(rb"multipart/|message/", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n")

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_SPAM_KINDS = frozenset({"abuse", "fraud", "virus", "opt-out", "complaint"})
_HOTMAIL_HEADER = "x-hmxmroriginalrecipient"

_DAEMONS = re.compile(r"mailer-daemon|postmaster|mail delivery (?:sub)?system", re.IGNORECASE)
_SAYS_FAILED = re.compile(
    r"could not be delivered|failed permanently|permanent(?:ly)? (?:fatal )?(?:error|failed)"
    r"|delivery (?:has )?failed|undeliver(?:able|ed)|this is the qmail-send program|returned to sender",
    re.IGNORECASE,
)
_SAYS_DELAYED = re.compile(
    r"has not yet been delivered|will (?:continue to )?(?:be retried|try)|delivery (?:is )?delayed"
    r"|warning: could not send",
    re.IGNORECASE,
)


def read(raw: bytes, *, envelope_to: str = "") -> Report:
    """The report that a mail is; ``envelope_to`` is whom it was addressed to, where that is known.

    Raises Unreadable.
    """
    if len(raw) > MAX_RAW_BYTES:
        raise Unreadable("the mail is too large")
    if len(_NESTING.findall(raw)) > MAX_PARTS:
        raise Unreadable("the mail has too many parts")
    try:
        return _read(raw, envelope_to)
    except Unreadable:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError) as error:
        # Python's parser promises to raise nothing, and has raised each of these.
        raise Unreadable(f"the mail cannot be parsed: {type(error).__name__}") from error


def _read(raw: bytes, envelope_to: str) -> Report:
    parsed = email.message_from_bytes(raw, policy=email.policy.compat32)
    parts = list(_walk(parsed, 0))
    event_id = hashlib.sha256(raw).hexdigest()
    codes = codes_in(envelope_to, raw)
    for part in parts:
        kind = part.get_content_type()
        if kind in _STATUS_TYPES:
            return _status_report(part, event_id, codes)
        if kind == "message/feedback-report":
            return _complaint(part, event_id, codes)
    if any(_HOTMAIL_HEADER in (name.lower() for name in part) for part in parts):
        return Report(Happened.COMPLAINED, event_id, codes, text="Microsoft JMRP")
    return _in_words(parsed, parts, event_id, codes)


def _walk(part: Message, depth: int) -> Iterator[Message]:
    if depth > MAX_NESTED:
        raise Unreadable("the mail's parts are nested too deep")
    yield part
    inner: Any = part.get_payload()
    if isinstance(inner, list) and part.get_content_type() not in _STATUS_TYPES:
        for each in inner:
            yield from _walk(each, depth + 1)


def _status_report(part: Message, event_id: str, codes: tuple[bytes, ...]) -> Report:
    """Of all recipients the one that fared worst: a message of ours has one."""
    found = [
        _recipient(block, event_id, codes)
        for block in _blocks(part)
        if _field(block, "final-recipient") or _field(block, "action")
    ]
    if not found:
        raise Unreadable("the notification names no recipient")
    failed = [each for each in found if each is not None and each.happened is Happened.FAILED]
    delayed = [each for each in found if each is not None]
    if not delayed:
        raise Unreadable("the notification speaks of no failure")
    return (failed or delayed)[0]


def _blocks(part: Message) -> list[Message]:
    """The groups of fields, that of the message and those of its recipients."""
    inner: Any = part.get_payload()
    if not isinstance(inner, list):
        return []
    blocks = [each for each in inner if isinstance(each, Message)]
    # The parser knows the ASCII form only: of the other one it reads the first group, and the rest is its body.
    rest = [str(each.get_payload()) for each in blocks if isinstance(each.get_payload(), str)]
    for text in rest:
        blocks += [
            email.message_from_string(piece.lstrip() + "\n\n", policy=email.policy.compat32)
            for piece in _BLANK_LINE.split(text[:MAX_WORDS_BYTES])[:MAX_PARTS]
        ]
    return blocks


def _recipient(block: Message, event_id: str, codes: tuple[bytes, ...]) -> Report | None:
    action = _field(block, "action").lower().partition(" ")[0].strip(";,")
    if action in {"delivered", "relayed", "expanded"}:
        return None
    diagnostic = _field(block, "diagnostic-code")
    text = short(diagnostic.partition(";")[2] or diagnostic)
    status = find_status(_field(block, "status")) or find_status(text)
    if not action and (status is None or status.startswith("2")):
        return None
    happened = Happened.DELAYED if action == "delayed" else Happened.FAILED
    return Report(happened, event_id, codes, status=status, code=find_code(text), text=text)


def _complaint(part: Message, event_id: str, codes: tuple[bytes, ...]) -> Report:
    inner: Any = part.get_payload()
    fields = [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []
    kind = next((value for each in fields if (value := _field(each, "feedback-type"))), "").lower()
    if kind not in _SPAM_KINDS:
        raise Unreadable("the feedback is no complaint")
    return Report(Happened.COMPLAINED, event_id, codes, text=short(kind))


def _in_words(parsed: Message, parts: list[Message], event_id: str, codes: tuple[bytes, ...]) -> Report:
    """Notifications without a part for machines: only from who can have sent one, and with words that say so."""
    failed_recipients = _field(parsed, "x-failed-recipients")
    if not failed_recipients and not _DAEMONS.search(_field(parsed, "from")):
        raise Unreadable("the mail is no report")
    # Automatic answers say so; Exim's notifications say it too, and name who failed.
    if not failed_recipients and _field(parsed, "auto-submitted").lower().startswith("auto-replied"):
        raise Unreadable("the mail is an automatic answer")
    words = _words(parts)
    if _SAYS_DELAYED.search(words):
        return Report(Happened.DELAYED, event_id, codes, text="delayed")
    if not failed_recipients and not _SAYS_FAILED.search(words):
        raise Unreadable("the mail speaks of no failure")
    at = re.search(r"(?<!\d)5\d\d[ \-#]|(?<![\d.])5\.\d{1,3}\.\d{1,3}", words)
    text = short(words[at.start() if at else 0 :][:600])
    return Report(Happened.FAILED, event_id, codes, status=find_status(text), code=find_code(text), text=text)


def _words(parts: list[Message]) -> str:
    for part in parts:
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            payload: Any = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return payload[:MAX_WORDS_BYTES].decode("utf-8", "replace")
    return ""


def _field(message: Message, name: str) -> str:
    """A header as text, whatever bytes it has; empty without it."""
    value: Any = message.get(name)
    return " ".join(str(value)[:4_000].split()) if value is not None else ""
