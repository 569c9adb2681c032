"""What a person or a test wants from a caught message: headers, HTML, text, links.

Invariant: whatever bytes were sent, something readable comes back; nothing is fetched.
"""

from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32, default
from html.parser import HTMLParser


@dataclass(frozen=True, slots=True)
class MailContent:
    headers: tuple[tuple[str, str], ...]
    html: str
    text: str
    links: tuple[str, ...]
    attachments: tuple[str, ...]


class _LinkReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag in ("a", "area") and href and href not in self.links:
            self.links.append(href)


def read_mail(raw: bytes) -> MailContent:
    message = BytesParser(policy=default).parsebytes(raw)
    html = _part(message, "html")
    reader = _LinkReader()
    reader.feed(html)
    return MailContent(
        headers=_headers(raw),
        html=html,
        text=_part(message, "plain"),
        links=tuple(reader.links),
        attachments=_attachments(message),
    )


def _headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    # The modern policy raises on some malformed addresses; compat32 hands values out as they are.
    parsed = BytesHeaderParser(policy=compat32).parsebytes(raw)
    return tuple((name, _decoded(str(value))) for name, value in parsed.items())


def _decoded(value: str) -> str:
    unfolded = " ".join(line.strip() for line in value.splitlines())
    try:
        return str(make_header(decode_header(unfolded)))
    except (ValueError, LookupError):
        return unfolded


def _part(message: EmailMessage, subtype: str) -> str:
    try:
        body = message.get_body(preferencelist=(subtype,))
        return "" if body is None else str(body.get_content(errors="replace"))
    except (LookupError, ValueError, TypeError, AttributeError):
        # Malformed MIME: the raw view still shows every byte.
        return ""


def _attachments(message: EmailMessage) -> tuple[str, ...]:
    try:
        return tuple(part.get_filename() or "unnamed" for part in message.iter_attachments())
    except (LookupError, ValueError, TypeError, AttributeError):
        return ()
