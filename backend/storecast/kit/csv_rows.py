"""CSV (RFC 4180) as spreadsheets write it and may read it: the encoding found out, rows one by one, no cell a formula.

Reading is bounded by a line, whatever the file holds. Text that a spreadsheet would take for a formula gets an
apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection). Numbers are no text: minus five is minus
five.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, BinaryIO

import orjson

MAX_LINE = 16 * 1024
"""Characters. No row of addresses is longer; a longer line is read in pieces, each refused by itself."""

LOST = "\ufffd"
"""What stands for bytes that are no text (Unicode 16, section 23.8): a cell with it is not what somebody wrote."""

_CHUNK = 256 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WORKBOOK = b"PK\x03\x04"
"""How a zip archive begins, which a workbook is."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class NoText(ValueError):
    """The file is in none of the encodings that spreadsheets write."""


def detect(file: BinaryIO) -> str:
    """The encoding of a whole file: utf-8, utf-16-le, utf-16-be or windows-1252. Raises NoText; rewinds the file.

    UTF-8 says of itself whether it is UTF-8. A file that is for the most part, with some rows from elsewhere, is read
    as that, so that those rows are refused and not the others garbled.
    """
    file.seek(0)
    start = file.read(4096)
    file.seek(0)
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    if start.startswith(_WORKBOOK):
        raise NoText("The file is a workbook.")
    if b"\x00" in start:
        return _without_mark(start)
    whole, broken = _count_utf8(file)
    file.seek(0)
    if broken <= whole:
        return "utf-8"
    if _is_windows(file):
        return "windows-1252"
    raise NoText("The file is neither UTF-8, UTF-16 nor Windows-1252.")


def _without_mark(start: bytes) -> str:
    """Latin letters in UTF-16 have a zero in every other byte."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 4 and min(even, odd) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    raise NoText("The file holds zero bytes: it is no text.")


def _count_utf8(file: BinaryIO) -> tuple[int, int]:
    """How many characters beyond ASCII are well written in UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    whole = broken = 0
    while True:
        chunk = file.read(_CHUNK)
        text = decoder.decode(chunk, final=not chunk)
        if not text.isascii():
            strange = sum("\udc80" <= sign <= "\udcff" for sign in text)
            broken += strange
            whole += sum(sign > "\x7f" for sign in text) - strange
        if not chunk:
            return whole, broken


def _is_windows(file: BinaryIO) -> bool:
    """Whether no byte is one that Windows-1252 leaves open, or a control character."""
    forbidden = bytes({0x81, 0x8D, 0x8F, 0x90, 0x9D, *range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F})
    try:
        return all(
            chunk == chunk.translate(None, forbidden) for chunk in iter(lambda: file.read(_CHUNK), b"")
        )
    finally:
        file.seek(0)


def lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of a file with their ends, none longer than `MAX_LINE`; what is no text reads as `LOST`."""
    wrapper = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        first = True
        for line in iter(lambda: wrapper.readline(MAX_LINE), ""):
            yield line.removeprefix("\ufeff") if first else line
            first = False
    finally:
        # The file is its owner's to close, who may have done so before the last line was asked for.
        with suppress(ValueError):
            wrapper.detach()


def delimiter(first_line: str) -> str:
    """The sign that the first line has most of: spreadsheets of half of Europe write semicolons."""
    return max((",", ";", "\t"), key=first_line.count)


def read(texts: Iterable[str], sign: str) -> Iterator[tuple[int, list[str] | None]]:
    """Line number and cells of each row (RFC 4180); None for one that cannot be read, after which reading goes on."""
    reader = csv.reader(texts, delimiter=sign, strict=True)
    while True:
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        yield reader.line_num, cells


def row(cells: Iterable[str | int | None]) -> str:
    """A line of CSV whose cells no spreadsheet runs."""
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()


def harmless(cell: str) -> str:
    """The cell behind an apostrophe when it begins like a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def plain(cell: str) -> str:
    """The cell as it was before `harmless`, without the white space around it."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def encode(rows: Iterable[Iterable[str]]) -> bytes:
    """Lines of CSV in UTF-8, each ended by CRLF; the cells are texts as `cell` makes them."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value as text: nothing for null, ISO 8601 for instants, JSON for lists."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return harmless(value)
    return orjson.dumps(value).decode()
