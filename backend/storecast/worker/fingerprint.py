"""What failures of one cause have in common: a pure function from an error to its class and fingerprint.

Two failures of one cause differ in ids, numbers, addresses and instants only, so these are taken out of the message.
A fingerprint says nothing of the shop: the same fault in two shops is one group.
"""

import hashlib
import re
from pathlib import PurePath
from types import TracebackType

MESSAGE_LENGTH_MAX = 2000
"""What a fault is stands in front; a dump behind it would only cost time to normalise."""

_TEXT_CLASS = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)")
_NORMALISED = (
    (re.compile(r"0x[0-9a-fA-F]+"), "<hex>"),
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"gid://\S+"), "<id>"),
    (re.compile(r"[\w.+-]+@[\w.-]+"), "<address>"),
    (re.compile(r"\b\w+://[^\s'\"]+"), "<url>"),
    # A quote inside a word is an apostrophe ("doesn't").
    (re.compile(r"(?<!\w)'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`"), "<value>"),
    # Opaque words: ULIDs, digests, tokens. Letters and digits mixed, or hex of a digest's length.
    (re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b|\b[0-9a-fA-F]{16,}\b"), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def fingerprint(name: str, error: BaseException | None, text: str) -> tuple[str, str]:
    """The error's class and 16 hex digits that failures of the job ``name`` from one cause share.

    Without an exception (the worker was lost) ``text``, in the form "Class: message", stands for it.
    """
    if error is None:
        error_class, message = _read(text)
        place = ""
    else:
        error_class, message = type(error).__name__, str(error)
        place = _innermost_own_frame(error.__traceback__)
    content = "\x1f".join((name, error_class, place, normalised(message)))
    return error_class, hashlib.sha256(content.encode(errors="replace")).hexdigest()[:16]


def normalised(message: str) -> str:
    """The message without what differs between two failures of one cause."""
    message = message[:MESSAGE_LENGTH_MAX]
    for pattern, placeholder in _NORMALISED:
        message = pattern.sub(placeholder, message)
    return message.strip()


def _read(text: str) -> tuple[str, str]:
    found = _TEXT_CLASS.match(text)
    if found is None:
        return "Error", text
    return found[1].rpartition(".")[2] or "Error", text[found.end() :]


def _innermost_own_frame(trace: TracebackType | None) -> str:
    """Module and function, not the line: a fault is the same one after an edit above it."""
    place = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == "storecast" and PurePath(trace.tb_frame.f_code.co_filename).suffix:
            place = f"{module}.{trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return place
