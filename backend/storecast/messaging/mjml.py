"""MJML to HTML: once when it is saved, with template tags passed through.

MJML is the source that the visual editor writes (https://documentation.mjml.io). The compiler drops what it does not
know without a word, so the tags are checked here first. Tags of the template language may stand in text, in
attributes, and between sections inside of `<mj-raw>`.
"""

import re

import mrml

from storecast.messaging import markup
from storecast.messaging.sandbox import MAX_SOURCE_BYTES, Fault

MAX_DEPTH = 60
"""The compiler calls itself for each level and would end the process at some ten thousand."""

_BODY = (
    "mj-accordion mj-accordion-element mj-accordion-text mj-accordion-title mj-button mj-carousel mj-carousel-image "
    "mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link mj-raw mj-section mj-social "
    "mj-social-element mj-spacer mj-table mj-text mj-wrapper"
)
_HEAD = (
    "mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-font mj-preview mj-style mj-title"
)
_KNOWN = frozenset(_BODY.split() + _HEAD.split())
_POSITION = re.compile(
    r"^(?P<text>.*?)(?: in root template)?(?: at position (?P<start>\d+):\d+)?$", re.DOTALL
)


class Broken(Exception):
    """The source is no MJML; ``fault`` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def to_html(source: str) -> str:
    """The HTML of a source whose template tags have been through `sandbox.check`; raises Broken."""
    masked = markup.mask(source)
    _refuse_unknown(source, masked)
    texts: list[str] = []
    marked = _marked(source, texts)
    try:
        html = mrml.to_html(marked).content
    except OSError as error:
        raise Broken(_fault(source, marked, str(error))) from error
    return re.sub(r"jj(\d+)jj", lambda mark: texts[int(mark[1])], html)


def _marked(source: str, texts: list[str]) -> str:
    """The source with words in place of template tags, which hold quotes and angle brackets."""
    edits = []
    for number, (start, end) in enumerate(markup.template_tags(source)):
        texts.append(source[start:end])
        edits.append((start, end, f"jj{number}jj"))
    return markup.splice(source, edits)


def _refuse_unknown(source: str, masked: str) -> None:
    if len(source.encode()) > MAX_SOURCE_BYTES:
        raise Broken(Fault(1, 1, f"The source is larger than {MAX_SOURCE_BYTES:,} bytes."))
    if re.search(r"jj\d+jj", source):
        raise Broken(
            Fault(1, 1, "The source holds a word that stands for a template tag here, such as jj1jj.")
        )
    if markup.depth(masked) > MAX_DEPTH:
        raise Broken(Fault(1, 1, f"The elements are nested more than {MAX_DEPTH} levels deep."))
    if not re.match(r"\s*<mjml[\s>]", source):
        raise Broken(Fault(1, 1, "MJML begins with <mjml>."))
    open_tags: list[markup.Tag] = []
    for tag in markup.tags(masked):
        if tag.name.startswith(("mj-", "mjml")):
            _follow(source, tag, open_tags, alone=masked[tag.end - 2] == "/")
    if open_tags:
        raise Broken(_at(source, open_tags[-1].start, f"<{open_tags[-1].name}> is not closed."))


def _follow(source: str, tag: markup.Tag, open_tags: list[markup.Tag], *, alone: bool) -> None:
    """Keep the stack of open elements; an element that is not known or closes another one is a fault."""
    if tag.name == "mj-include":
        raise Broken(_at(source, tag.start, "Other files cannot be included."))
    if tag.name not in _KNOWN:
        raise Broken(_at(source, tag.start, f"There is no element <{tag.name}> in MJML."))
    if tag.closing:
        if not open_tags or open_tags.pop().name != tag.name:
            raise Broken(_at(source, tag.start, f"</{tag.name}> closes nothing."))
    elif not alone:
        open_tags.append(tag)


def _fault(source: str, marked: str, message: str) -> Fault:
    found = _POSITION.match(message)
    text = found["text"] if found else message
    position = int(found["start"]) if found and found["start"] else 0
    # Positions are bytes of what the compiler read; lines are those of the source, since tags keep their line breaks
    # out of it only when they span several.
    line = marked.encode()[:position].decode(errors="ignore").count("\n")
    start = sum(len(each) + 1 for each in source.split("\n")[:line])
    return _at(source, start, f"This is no MJML: {text}.")


def _at(source: str, position: int, message: str) -> Fault:
    line = source.count("\n", 0, position) + 1
    column = position - (source.rfind("\n", 0, position) + 1) + 1
    return Fault(line, column, message)
