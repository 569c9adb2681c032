"""A strict scan of HTML that is also a Jinja template: tags and attributes by position, template tags opaque.

An HTML parser would move or escape template tags (a loop between table rows ends up outside of the table), so the
source is never rebuilt: callers get positions and replace spans.
"""

import re
from collections import Counter
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

VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
"""Elements without an end."""


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


class Span(NamedTuple):
    """A stretch that is no text: ``tag``, ``comment`` (declarations too), ``style`` or other ``raw`` content."""

    kind: str
    start: int
    end: int


def spans(masked: str) -> Iterator[Span]:
    """Every stretch that is no text, in order."""
    position = 0
    while match := _TAG.search(masked, position):
        position = match.end()
        name = (match["name"] or "").lower()
        yield Span("tag" if name else "comment", match.start(), match.end())
        if name in RAW_TEXT and not match["close"]:
            end = re.compile(rf"</{name}\b", re.IGNORECASE).search(masked, position)
            stop = end.start() if end else len(masked)
            yield Span("style" if name == "style" else "raw", position, stop)
            position = stop


def template_tags(source: str) -> Iterator[tuple[int, int]]:
    """Where each template tag starts and ends."""
    for match in _JINJA.finditer(source):
        yield match.span()


def depth(masked: str) -> int:
    """At least how deep a parser would nest the elements: what is opened and not closed counts, wherever it ends."""
    open_now: Counter[str] = Counter()
    deepest = total = 0
    for tag in tags(masked):
        if tag.name in VOID:
            continue
        if not tag.closing:
            open_now[tag.name] += 1
            total += 1
            deepest = max(deepest, total)
        elif open_now[tag.name]:
            open_now[tag.name] -= 1
            total -= 1
    return deepest


def splice(source: str, replacements: list[tuple[int, int, str]]) -> str:
    """The source with spans replaced; spans do not overlap and come in order."""
    parts = []
    position = 0
    for start, end, text in replacements:
        parts += [source[position:start], text]
        position = end
    return "".join([*parts, source[position:]])
