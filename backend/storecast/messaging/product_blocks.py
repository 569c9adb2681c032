"""Loops over lists of products that are the same for all recipients, written out item by item.

A link inside of such a loop then stands in the source once for each product, with an address that is known for the
whole campaign, so that it is tracked and has a number of its own. The written-out source renders to what the loop
renders to: a property test holds it to that.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from storecast.messaging import markup

_FOR = re.compile(r"\{%[-+]?\s*for\s+(?P<item>[a-z_]\w*)\s+in\s+(?P<list>products\.(?P<name>\w+))\s*[-+]?%\}")
_WORD = re.compile(r"\{%[-+]?\s*(\w+)")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


class _Loop(NamedTuple):
    item: str
    path: str
    name: str
    start: int
    body: tuple[int, int]
    end: int
    tags: list[tuple[int, int]]
    """The template tags of the body."""


def written_out(source: str, products: Mapping[str, Any]) -> str:
    """The template without its loops over ``products``; loops that hold loops or assignments stay."""
    replacements = [
        (loop.start, loop.end, _items(source, loop, products.get(loop.name) or [])) for loop in _loops(source)
    ]
    return markup.splice(source, replacements)


def _loops(source: str) -> list[_Loop]:
    """The loops that can be written out, in order; none is inside of another."""
    tags = list(markup.template_tags(source))
    found = []
    position = 0
    while position < len(tags):
        start, end = tags[position]
        head = _FOR.fullmatch(source[start:end])
        length = _body_length(source, tags[position + 1 :]) if head else None
        if head is None or length is None or "-" in source[end - 3 : end]:
            position += 1
            continue
        inner = tags[position + 1 : position + 1 + length]
        closing = tags[position + 1 + length]
        found.append(
            _Loop(head["item"], head["list"], head["name"], start, (end, closing[0]), closing[1], inner)
        )
        position += length + 2
    return found


def _body_length(source: str, tags: Sequence[tuple[int, int]]) -> int | None:
    """How many tags stand before the loop's own end, None when the body is not plain enough."""
    conditions = 0
    for count, (start, end) in enumerate(tags):
        text = source[start:end]
        word = _WORD.match(text)
        if word is None:
            continue
        match word[1]:
            case "if":
                conditions += 1
            case "endif":
                conditions -= 1
            case "else" | "elif" if conditions > 0:
                pass
            case "endfor" if conditions == 0 and "-" not in text and "+" not in text:
                return count
            case _:
                return None
    return None


def _items(source: str, loop: _Loop, items: Sequence[Any]) -> str:
    return "".join(_item(source, loop, number, len(items)) for number in range(len(items)))


def _item(source: str, loop: _Loop, number: int, count: int) -> str:
    names = {
        loop.item: f"{loop.path}[{number}]",
        "loop.index": f"{number + 1}",
        "loop.index0": f"{number}",
        "loop.revindex": f"{count - number}",
        "loop.revindex0": f"{count - number - 1}",
        "loop.first": "true" if number == 0 else "false",
        "loop.last": "true" if number == count - 1 else "false",
        "loop.length": f"{count}",
    }
    offset = loop.body[0]
    edits = [(start - offset, end - offset, _renamed(source[start:end], names)) for start, end in loop.tags]
    return markup.splice(source[slice(*loop.body)], edits)


def _renamed(tag: str, names: Mapping[str, str]) -> str:
    """The tag with names replaced outside of its strings."""
    pattern = re.compile(
        _STRING.pattern
        + r"|(?<![\w.])(?P<name>"
        + "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        + r")(?!\w)"
    )
    return pattern.sub(lambda found: names[found["name"]] if found["name"] else found[0], tag)
