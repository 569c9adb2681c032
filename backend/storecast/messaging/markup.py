"""A strict scan of HTML that is also a Jinja template: tags and attributes by position, template tags opaque.

An HTML parser would move or escape template tags (a loop between table rows ends up outside of the table), so the
source is never rebuilt: callers get positions and replace spans.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_JINJA = re.compile(
    r"\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL
)

OPAQUE = "\ue000"
"""A private-use character that stands for each character of a template tag."""

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*)(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^'\"<>])*)>"
    r"|<![^>]*>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    # A name starts behind a space, a quote or a slash, and gives nothing back: a long one costs its length, once.
    r"(?<![^\s\"'/])(?P<name>[^\s\"'>/=\ue000]++)\s*+=\s*+(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'=<>`]+))"
)
RAW_TEXT = frozenset({"style", "script", "title", "textarea"})
"""Elements whose content is not markup."""


class Attribute(NamedTuple):
    """An attribute's value and where it stands in the source, quotes not included."""

    value: str
    start: int
    end: int


class Tag(NamedTuple):
    """A start or end tag and where it stands."""

    name: str
    closing: bool
    start: int
    end: int
    attributes: dict[str, Attribute]


def mask(source: str) -> str:
    """The source with every character of its template tags made opaque; positions stay what they are."""
    source = source.replace(OPAQUE, "\ufffd")
    return _JINJA.sub(lambda match: OPAQUE * len(match.group()), source)


def tags(masked: str) -> Iterator[Tag]:
    """Every tag outside of comments and raw text, in order."""
    position = 0
    while match := _TAG.search(masked, position):
        position = match.end()
        name = match["name"]
        if name is None:
            continue
        name = name.lower()
        closing = bool(match["close"])
        yield Tag(name, closing, match.start(), match.end(), {} if closing else _attributes(match))
        if name in RAW_TEXT and not closing:
            end = re.compile(rf"</{name}\b", re.IGNORECASE).search(masked, position)
            position = end.start() if end else len(masked)


def _attributes(match: re.Match[str]) -> dict[str, Attribute]:
    offset = match.start("attributes")
    found: dict[str, Attribute] = {}
    for attribute in _ATTRIBUTE.finditer(match["attributes"]):
        group = next(name for name in ("double", "single", "bare") if attribute[name] is not None)
        start, end = attribute.span(group)
        # Of an attribute given twice, browsers keep the first.
        found.setdefault(attribute["name"].lower(), Attribute(attribute[group], offset + start, offset + end))
    return found


def splice(source: str, replacements: list[tuple[int, int, str]]) -> str:
    """The source with spans replaced; spans do not overlap and come in order."""
    parts = []
    position = 0
    for start, end, text in replacements:
        parts += [source[position:start], text]
        position = end
    return "".join([*parts, source[position:]])
