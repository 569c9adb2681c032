"""How a person is spelled wherever text may speak of them, as regular expressions of PostgreSQL (case does not count).

A mention is an identifier of one person (global id, address, phone number, browser id, token, full name), never a
word that others share. It counts as a whole only: ``ada@example.com`` is not mentioned by ``nada@example.com``, nor
customer 12 by customer 123.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

MASK = "[erased]"

LENGTH_MIN = 6
"""Shorter texts stand in other words; nothing that identifies one person is shorter."""

_DIGITS_MIN = 9
"""Fewer digits alone are anything; with its separators a number is looked for as it was written."""

# Where an identifier may begin and end. JSON and tracebacks write a line break as a backslash and a letter.
_BEFORE = r"(?<=^|[^[:alnum:]._%+-]|\\[nrt])"
_AFTER = r"(?![[:alnum:]_-]|\.[[:alnum:]])"


@dataclass(frozen=True, slots=True)
class Needles:
    """What to look for: whole texts, and numbers that count as a JSON value of their own."""

    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.texts or self.numbers)

    def in_text(self) -> str:
        """Every spelling of the texts, in text and in jsonb."""
        return _alternatives({spelling for text in self.texts for spelling in _spellings(text)})

    def in_numbers(self) -> str:
        """The numbers as values of JSON. Never empty: what matches nothing is a valid expression too."""
        return rf"(?<=[:,\[] ?)(?:{'|'.join(self.numbers) or '(?!)x'})(?= ?[],}}])"

    def anywhere(self) -> str:
        """Texts and numbers."""
        return f"{self.in_text()}|{self.in_numbers()}"

    def in_escaped_bytes(self) -> str:
        """What ``encode(body, 'escape')`` of a webhook contains that speaks of the person."""
        spelled = {_escaped(spelling) for text in self.texts for spelling in _spellings(text)}
        return f"{_alternatives(spelled)}|{self.in_numbers()}"


def collect(texts: Iterable[str | None], numbers: Iterable[str]) -> Needles:
    """The needles of these texts; what is empty or too short to identify one person is left out."""
    kept = {text.strip().lower() for text in texts if text and len(text.strip()) >= LENGTH_MIN}
    return Needles(tuple(sorted(kept)), tuple(sorted(set(numbers))))


def phone_spellings(phones: Iterable[str]) -> set[str]:
    """Each number as it was written, and its digits alone where they are enough to be one person's."""
    spelled = set(phones)
    return spelled | {digits for digits in map(phone_digits, phones) if len(digits) >= _DIGITS_MIN}


def phone_digits(phone: str) -> str:
    """The digits of a phone number, however it is written."""
    return re.sub(r"\D", "", phone)


def _spellings(text: str) -> set[str]:
    """A text itself, in a URL, and as JSON writes it: plain, in ASCII, slashes escaped, as Rails escapes HTML."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    rails = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return {
        text,
        plain,
        json.dumps(text)[1:-1],
        rails,
        plain.replace("/", "\\/"),
        quote(text, safe="").lower(),
    }


def _alternatives(spelled: set[str]) -> str:
    # The longest first: what contains another goes as a whole.
    ordered = sorted(spelled, key=lambda each: (-len(each), each))
    return f"{_BEFORE}(?:{'|'.join(map(_literal, ordered)) or '(?!)x'}){_AFTER}"


def _literal(text: str) -> str:
    return re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text)


def _escaped(text: str) -> str:
    """A text as PostgreSQL's ``encode(…, 'escape')`` writes its UTF-8 bytes."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0 < byte < 0x80 else f"\\{byte:03o}"
        for byte in text.encode()
    )
