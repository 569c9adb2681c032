"""One thing that came back, in one shape whatever brought it, and how a report says which delivery it is about.

A report names its delivery by the code that we put into the message: in the return path, in the one-click address or in
the fields that a provider hands back. The code is signed, so what it does not open changes nothing; the address that a
report names is never believed.
"""

import base64
import re
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

MAX_RAW_BYTES = 2 * 1024 * 1024
"""Servers return the whole message at times; ours have half a megabyte at most."""

MAX_TEXT_CHARS = 500
MAX_CODES = 20

_RETURN_PATH = re.compile(rb"(?<![0-9A-Za-z])b\+([0-9a-f]{60})@", re.IGNORECASE)
_ONE_CLICK = re.compile(rb"/u/([A-Za-z0-9_-]{40})(?![A-Za-z0-9_-])")
_HEX = re.compile(r"[0-9a-f]{60}", re.IGNORECASE)


class Unreadable(ValueError):
    """It is no report of a form that is known; nothing can be learned from it."""


class Forged(ValueError):
    """It was not signed by who should have sent it, or too long ago."""


class Happened(StrEnum):
    """What a report says in its own words."""

    FAILED = "failed"
    """The message will not arrive."""

    DELAYED = "delayed"
    """It is still being tried."""

    COMPLAINED = "complained"
    """The recipient called it spam."""


class Verdict(StrEnum):
    """What a report means for the address."""

    HARD = "hard"
    """The mailbox is not there and will not be."""

    SOFT = "soft"
    """The mailbox could not take it now: full, or its server was away for too long."""

    BLOCK = "block"
    """The receiver did not want this message or this sender; the mailbox itself is well."""

    COMPLAINT = "complaint"
    NOTHING = "nothing"


class Report(NamedTuple):
    """``codes`` are the bytes of tokens that it may be about, the likeliest first.

    ``says`` is the verdict that a provider itself came to; the status code, when there is one, is trusted more.
    """

    happened: Happened
    event_id: str
    codes: tuple[bytes, ...]
    status: str | None = None
    code: int | None = None
    text: str = ""
    says: Verdict | None = None
    at: datetime | None = None


def codes_in(*sources: bytes | str) -> tuple[bytes, ...]:
    """Everything in the sources that has the shape of a code, in their order, each once."""
    found: dict[bytes, None] = {}
    for source in sources:
        raw = source.encode("utf-8", "replace") if isinstance(source, str) else source
        for match in _RETURN_PATH.finditer(raw):
            found[bytes.fromhex(match[1].decode())] = None
            if len(found) >= MAX_CODES:
                return tuple(found)
        for match in _ONE_CLICK.finditer(raw):
            found[base64.urlsafe_b64decode(match[1])] = None
            if len(found) >= MAX_CODES:
                return tuple(found)
    return tuple(found)


def code_of(value: object) -> tuple[bytes, ...]:
    """The code of a field that we gave a provider along, as hexadecimal digits."""
    if isinstance(value, str) and _HEX.fullmatch(value):
        return (bytes.fromhex(value),)
    return ()


def given_along(return_path: str) -> str:
    """What to give a provider along, so that its reports name the delivery: the code of a return path, or nothing."""
    found = codes_in(return_path)
    return found[0].hex() if found else ""


def short(*texts: object) -> str:
    """The texts that are some, on one line, bounded."""
    words = " ".join(text for text in texts if isinstance(text, str))[: 4 * MAX_TEXT_CHARS]
    return " ".join(words.replace("\x00", "").split())[:MAX_TEXT_CHARS]
