"""What commands write: a table for people or, with `--json`, the API's own shapes for programs."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel

MAX_CELL = 60
"""Longer texts are cut: a table that wraps is none. `--json` has them whole."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let the command write JSON."""
    parser.add_argument("--json", action="store_true", help="write JSON, as the API answers it")


def write_json(value: BaseModel | Sequence[BaseModel] | None) -> None:
    """One document."""
    if isinstance(value, BaseModel):
        shaped: Any = value.model_dump(mode="json")
    else:
        shaped = None if value is None else [item.model_dump(mode="json") for item in value]
    sys.stdout.write(orjson.dumps(shaped, option=orjson.OPT_INDENT_2).decode() + "\n")


def write_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns, and a word when there is nothing to align."""
    if not rows:
        sys.stdout.write("nothing to show\n")
        return
    cells = [list(headings), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def write_facts(facts: dict[str, object]) -> None:
    """One thing, a line for each of its facts."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        sys.stdout.write(f"{name.ljust(width)}  {_text(value)}".rstrip() + "\n")


def write_line(text: str) -> None:
    """A line of its own, such as a traceback's."""
    sys.stdout.write(_printable(text) + "\n")


def _cell(value: object) -> str:
    text = _text(value).replace("\n", " ")
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case dict() | list():
            return orjson.dumps(value, default=str).decode()
        case _:
            return _printable(str(value))


def _printable(text: str) -> str:
    """Texts of jobs come from anywhere: what would steer the terminal is shown, not sent."""
    return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)
