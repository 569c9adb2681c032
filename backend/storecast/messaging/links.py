"""Link tracking: http(s) links of a template become numbered ones, UTM parameters are added before that.

An address that is known for the whole campaign is kept with it, and the redirect is told its number only. One that
depends on the recipient gets a number too and is sealed into the link when it is rendered, see `personal_links`. Left
alone are mailto, tel, anchors, addresses of our own and whatever else is no web page.
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


MAX_LINKS = 2_000
"""More than any message has; the next version's links begin after so many."""

LINKS = "_links"
"""The variable that holds what writes the links whose address depends on the recipient."""


class Tracked(NamedTuple):
    """A template with its links numbered; ``urls[0]`` is link ``first``, a ``personal`` one as it is written."""

    source: str
    urls: tuple[str, ...]
    personal: frozenset[int] = frozenset()
    first: int = 1

    @property
    def fixed_urls(self) -> list[str]:
        """The addresses that are the same for all recipients."""
        return [url for number, url in enumerate(self.urls, self.first) if number not in self.personal]


Resolve = Callable[[str], str | None]
"""The text of an attribute that holds template tags, None when it depends on the recipient."""

IsPersonal = Callable[[str], bool]
"""Whether such an attribute is a template by itself, and more than one of our own addresses."""


class Link(NamedTuple):
    """A place where a link stands; ``personal`` is its address as written when that depends on the recipient."""

    number: int
    personal: str | None
    carries_code: bool


Write = Callable[[Link], str]
"""What stands in place of an address."""


def track(
    source: str,
    *,
    edge_url: str,
    utm: dict[str, str],
    resolve: Resolve,
    is_personal: IsPersonal = lambda _attribute: False,
    first: int = 1,
    coded: str | None = None,
) -> Tracked:
    """Send the links over the edge; see `number_links`."""

    def write(link: Link) -> str:
        if link.personal is not None:
            return f"{{% filter _link({LINKS}, {TOKEN}, {link.number}) %}}{link.personal}{{% endfilter %}}"
        code = "?code={{ discount_code }}" if link.carries_code else ""
        return f"{edge_url}/c/{{{{ {TOKEN} }}}}/{link.number}{code}"

    return number_links(
        source, utm=utm, resolve=resolve, is_personal=is_personal, write=write, first=first, coded=coded
    )


def number_links(
    source: str,
    *,
    utm: dict[str, str],
    resolve: Resolve,
    is_personal: IsPersonal,
    write: Write,
    first: int = 1,
    coded: str | None = None,
) -> Tracked:
    """Number the links from ``first`` on. Equal addresses at different places get different numbers.

    ``coded`` is where a link to ``discount_url`` leads, with `CODE_SLOT` for the code, which such a link carries.
    """
    masked = markup.mask(source)
    replacements: list[tuple[int, int, str]] = []
    urls: list[str] = []
    personal: set[int] = set()
    for tag in markup.tags(masked):
        href = tag.attributes.get("href") if tag.name in _LINKING else None
        if href is None:
            continue
        written = source[href.start : href.end]
        number = first + len(urls)
        carries = coded is not None and _CODED.fullmatch(written.strip()) is not None
        if url := coded if carries else _trackable(written, href.value, resolve):
            urls.append(with_utm(url, utm))
            replacements.append((href.start, href.end, write(Link(number, None, carries))))
        elif _may_be_web_page(href.value) and resolve(written) is None and is_personal(written):
            urls.append(html.unescape(written).strip())
            personal.add(number)
            replacements.append((href.start, href.end, write(Link(number, written, False))))
    return Tracked(markup.splice(source, replacements), tuple(urls), frozenset(personal), first)


def _may_be_web_page(masked: str) -> bool:
    """Whether an address that holds template tags is one of the web, as far as one can see before they are rendered."""
    if markup.OPAQUE not in masked:
        return False
    address = html.unescape(masked).strip().lower()
    return address.startswith((markup.OPAQUE, "https://", "http://"))


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


def fixed_images(source: str, resolve: Resolve) -> list[str]:
    """The web addresses of the images that are the same for all recipients, in order, each once."""
    found: dict[str, None] = {}
    for tag in markup.tags(markup.mask(source)):
        name = "src" if tag.name == "img" else "background"
        attribute = tag.attributes.get(name)
        if attribute is None:
            continue
        url = _trackable(source[attribute.start : attribute.end], attribute.value, resolve)
        if url is not None:
            found[url] = None
    return list(found)


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
    if sum(tag.name in _LINKING and not tag.closing for tag in markup.tags(masked)) > MAX_LINKS:
        found.append(Fault(1, 1, f"A message has {MAX_LINKS} links at most."))
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
    if attribute != "href" and (name in {"http", "https"} or markup.OPAQUE in address):
        return None
    if attribute in {"src", "background"} and name in {"data", "cid", "blob"}:
        return (
            "Messages carry no files: put the image on the web, such as in the shop's files, and link to it."
        )
    if attribute == "href" and name in {"http", "https"}:
        parts = _split(address)
        whole = markup.OPAQUE in address or (parts is not None and parts.hostname)
        return None if whole else "This link has no host name."
    if attribute == "href" and name in _ALLOWED_SCHEMES:
        return None
    return "A link in a mail starts with https://, http://, mailto: or tel:."
