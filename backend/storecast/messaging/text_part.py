"""The plain-text part, generated from the HTML source: a template of text with the same template tags in it."""

import html
import re

from jinja2 import TemplateSyntaxError

from storecast.messaging import markup, sandbox

_PARAGRAPHS = frozenset(
    {
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote"),
        *("section", "article", "header", "footer", "pre"),
    }
)
_LINES = frozenset(["div", "tr", "br", "hr", "body", "center"])
_SKIPPED = frozenset({"style", "script", "title"})
_SPACE = re.compile(r"[ \t\r\n\f]+")


def from_html(source: str) -> str:
    """A text template; line breaks and paragraphs as in the HTML, links behind their words."""
    writer = _Writer()
    masked = markup.mask(source)
    position = 0
    skipping: str | None = None
    hidden_depth = 0
    for tag in markup.tags(masked):
        if skipping is None and not hidden_depth:
            writer.text(source[position : tag.start], masked[position : tag.start])
        position = tag.end
        if tag.name in _SKIPPED:
            skipping = None if tag.closing else tag.name
        hidden_depth = _hidden(tag, hidden_depth)
        if skipping is None and not hidden_depth:
            writer.tag(tag, source)
    if skipping is None:
        writer.text(source[position:], masked[position:])
    text = writer.finish()
    try:
        sandbox.TEXT.parse(text)
    except TemplateSyntaxError:
        # A condition around attributes, opened in one tag and closed in another: its text cannot be told apart.
        return ""
    return text


def _hidden(tag: markup.Tag, depth: int) -> int:
    """How deep inside an element that is never shown (a preheader); counts elements of the same name only."""
    if depth:
        return depth if tag.name not in {"div", "span"} else depth + (-1 if tag.closing else 1)
    style = tag.attributes.get("style")
    hides = style is not None and re.search(r"display\s*:\s*none", style.value, re.IGNORECASE)
    return 1 if hides and tag.name in {"div", "span"} and not tag.closing else 0


class _Writer:
    """Collects words, breaks and template tags."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._href: str | None = None
        self._link_text = 0

    def text(self, source: str, masked: str) -> None:
        """Text between two tags; template tags pass, comments of HTML do not."""
        position = 0
        for comment in re.finditer(r"<!--.*?(?:-->|\Z)|<![^>]*>", masked, re.DOTALL):
            self._plain(source[position : comment.start()], masked[position : comment.start()])
            position = comment.end()
        self._plain(source[position:], masked[position:])

    def _plain(self, source: str, masked: str) -> None:
        position = 0
        for opaque in re.finditer(f"{markup.OPAQUE}+", masked):
            self._words(source[position : opaque.start()])
            self._out.append(source[opaque.start() : opaque.end()])
            position = opaque.end()
        self._words(source[position:])

    def _words(self, text: str) -> None:
        text = html.unescape(_SPACE.sub(" ", text)).replace("\u200c", "").replace("\u034f", "")
        # What an entity hid must not become a template tag.
        text = re.sub(r"\{(?=[{%#])", "{ ", text)
        if text == " " and (not self._out or self._out[-1].endswith(("\n", " "))):
            return
        self._out.append(text)

    def tag(self, tag: markup.Tag, source: str) -> None:
        """A tag as the break, bullet or address that stands for it."""
        if tag.name == "a":
            self._link(tag, source)
        elif tag.name == "img" and (alt := tag.attributes.get("alt")):
            self._plain(source[alt.start : alt.end], alt.value)
        elif tag.name == "li" and not tag.closing:
            self._out.append("\n- ")
        elif tag.name == "td" and tag.closing:
            self._out.append(" ")
        elif tag.name in _PARAGRAPHS:
            self._out.append("\n\n")
        elif tag.name in _LINES:
            self._out.append("\n")

    def _link(self, tag: markup.Tag, source: str) -> None:
        if not tag.closing:
            href = tag.attributes.get("href")
            self._href = html.unescape(source[href.start : href.end]) if href else None
            self._link_text = len(self._out)
            return
        words = "".join(self._out[self._link_text :]).strip()
        href_text, self._href = self._href, None
        if href_text and not href_text.startswith("#") and words != href_text:
            self._out.append(f" ({href_text})" if words else href_text)

    def finish(self) -> str:
        """The collected text with at most one empty line in a row."""
        text = "".join(self._out)
        text = re.sub(r"(?<![ \t])[ \t]*+\n[ \t]*", "\n", text)
        return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
