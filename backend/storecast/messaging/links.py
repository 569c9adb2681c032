"""Link tracking: fixed http(s) links of a template become numbered ones, UTM parameters are added before that.

A link is rewritten when its address is known for the whole campaign. Left alone are addresses that depend on the
recipient, mailto, tel, anchors and whatever else is no web page; the redirect knows numbers only, so it is no open
redirect.
"""

import html
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from storecast.messaging import markup
from storecast.messaging.render_plan import TOKEN
from storecast.messaging.sandbox import Fault

OPEN_PIXEL = "_open_pixel"
"""The variable that holds the open pixel's tag, or nothing for a customer who opted out of it."""

CODE_SLOT = "{code}"
"""Stands for a message's own code in the address of a link; the redirect fills it in and nothing else of it."""

_CODED = re.compile(r"\{\{-?\s*discount_url\s*-?\}\}")

_ALLOWED_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms"})
_LINKING = frozenset({"a", "area"})


class Tracked(NamedTuple):
    """A template with its links numbered; ``urls[0]`` is the first."""

    source: str
    urls: tuple[str, ...]


Resolve = Callable[[str], str | None]
"""The text of an attribute that holds template tags, None when it depends on the recipient."""


def track(
    source: str,
    *,
    edge_url: str,
    utm: dict[str, str],
    resolve: Resolve,
    first: int = 1,
    coded: str | None = None,
) -> Tracked:
    """Number the links from ``first`` on. Equal addresses at different places get different numbers.

    ``coded`` is where a link to ``discount_url`` leads, with `CODE_SLOT` for the code, which such a link carries.
    """
    masked = markup.mask(source)
    replacements: list[tuple[int, int, str]] = []
    urls: list[str] = []
    for tag in markup.tags(masked):
        href = tag.attributes.get("href") if tag.name in _LINKING else None
        if href is None:
            continue
        written = source[href.start : href.end]
        carries = coded is not None and _CODED.fullmatch(written.strip()) is not None
        if url := coded if carries else _trackable(written, href.value, resolve):
            number = first + len(urls)
            urls.append(with_utm(url, utm))
            code = "?code={{ discount_code }}" if carries else ""
            replacements.append((href.start, href.end, f"{edge_url}/c/{{{{ {TOKEN} }}}}/{number}{code}"))
    return Tracked(markup.splice(source, replacements), tuple(urls))


def with_open_pixel(source: str) -> str:
    """The template with the open pixel at the end of its body."""
    ends = [tag.start for tag in markup.tags(markup.mask(source)) if tag.name == "body" and tag.closing]
    end = ends[-1] if ends else len(source)
    return f"{source[:end]}{{{{ {OPEN_PIXEL} }}}}{source[end:]}"


def with_preheader(source: str, preview_text: str) -> str:
    """The template with the line that inboxes show behind the subject, hidden in the message itself."""
    if not preview_text:
        return source
    masked = markup.mask(preview_text)
    parts = []
    position = 0
    for opaque in re.finditer(f"{markup.OPAQUE}+", masked):
        parts += [
            html.escape(preview_text[position : opaque.start()]),
            preview_text[opaque.start() : opaque.end()],
        ]
        position = opaque.end()
    parts.append(html.escape(preview_text[position:]))
    # Inboxes fill the line with whatever text follows; these invisible characters keep the menu out of it.
    filler = "&#847;&zwnj;&nbsp;" * 40
    hidden = (
        f'<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{"".join(parts)}{filler}</div>'
    )
    starts = [tag.end for tag in markup.tags(markup.mask(source)) if tag.name == "body" and not tag.closing]
    start = starts[0] if starts else 0
    return f"{source[:start]}{hidden}{source[start:]}"


def _trackable(href: str, masked: str, resolve: Resolve) -> str | None:
    """The address to redirect to, None for a link that stays as it is."""
    known = resolve(href) if markup.OPAQUE in masked else href
    if known is None:
        return None
    url = html.unescape(known).strip()
    parts = _split(url)
    return url if parts is not None and parts.scheme in {"http", "https"} and parts.hostname else None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def with_utm(url: str, utm: dict[str, str]) -> str:
    """The address with UTM parameters; those that it has already are the merchant's and stay."""
    parts = urlsplit(url)
    present = {name for name, _value in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in utm.items() if name not in present})
    query = "&".join(part for part in (parts.query, added) if part)
    return urlunsplit(parts._replace(query=query, path=parts.path or "/"))


def faults(source: str) -> list[Fault]:
    """Links that no mail should have: a scheme that runs code, a web address without a host."""
    masked = markup.mask(source)
    found = []
    for tag in markup.tags(masked):
        for name in ("href", "src", "action", "background"):
            attribute = tag.attributes.get(name)
            if attribute is not None and (message := _problem(attribute.value, name)):
                line = source.count("\n", 0, attribute.start) + 1
                column = attribute.start - (source.rfind("\n", 0, attribute.start) + 1) + 1
                found.append(Fault(line, column, message))
        if tag.name in {"script", "iframe", "object", "embed", "form"} and not tag.closing:
            line = source.count("\n", 0, tag.start) + 1
            column = tag.start - (source.rfind("\n", 0, tag.start) + 1) + 1
            found.append(
                Fault(line, column, f"<{tag.name}> does not work in mail and makes it look like spam.")
            )
    return found


_SCHEME = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):")


def _problem(value: str, attribute: str) -> str | None:
    address = html.unescape(value).strip()
    if not address or address.startswith(("#", markup.OPAQUE)):
        return None
    scheme = _SCHEME.match(re.sub(r"[\x00-\x20]", "", address))
    name = scheme[1].lower() if scheme else ""
    if attribute != "href" and (name in {"http", "https", "cid"} or markup.OPAQUE in address):
        return None
    if attribute == "href" and name in {"http", "https"}:
        parts = _split(address)
        whole = markup.OPAQUE in address or (parts is not None and parts.hostname)
        return None if whole else "This link has no host name."
    if attribute == "href" and name in _ALLOWED_SCHEMES:
        return None
    return "A link in a mail starts with https://, http://, mailto: or tel:."
