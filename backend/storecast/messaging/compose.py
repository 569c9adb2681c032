"""Messages as bytes: headers and multipart/alternative, built once per variant, filled per recipient.

Everything that is the same for all recipients is encoded when the variant is compiled. A message is one join of
ready pieces and a few values; the same delivery gives the same bytes, but for the Date, and the same Message-ID.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from jinja2 import TemplateError

from storecast.messaging import headers, links, product_blocks, sandbox, text_part
from storecast.messaging.context import (
    CODES,
    NAMES,
    OPTIONAL_FIELDS,
    ContextBuilder,
    Recipient,
    ShopFacts,
    fixed_context,
    open_pixel,
    personal,
)
from storecast.messaging.inlining import inline
from storecast.messaging.personal_links import PersonalLinks
from storecast.messaging.render_plan import RenderPlan
from storecast.messaging.sandbox import HTML, TEXT
from storecast.messaging.tokens import Tokens

SENDER_ID = "storecast"
"""The rightmost part of Feedback-ID: stable, 5 to 15 characters."""


@dataclass(frozen=True, slots=True)
class Content:
    """What the merchant wrote. The templates have been through `sandbox.check`."""

    subject: str
    preview_text: str
    html: str
    from_name: str
    from_email: str
    reply_to: str
    products: str = "{}"
    """JSON of the lists of products that the templates read as ``products``."""
    discount_url: str = ""
    """Where the message's own discount code is applied, with `links.CODE_SLOT` for the code; empty without codes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which mailing of which shop a message belongs to."""

    shop_id: int
    shop: ShopFacts
    campaign_id: int
    campaign_public_id: str
    campaign_name: str
    variant: int = 0
    """Which version of the message: each has its own numbers for its links."""
    language: str = ""
    """Whose version it is, when it is for the readers of one language."""
    transactional: bool = False
    """Whether it is about somebody's own order or account: no list's, so that there is nothing to unsubscribe."""


class Prepared(NamedTuple):
    """A message ready for a channel: envelope and bytes with CRLF line ends, dots not yet stuffed.

    ``dotless`` says that no line starts with a dot, so that nothing has to look for one.
    """

    delivery_id: int
    mail_from: str
    rcpt_to: str
    data: bytes
    message_id: str = ""
    dotless: bool = False


class NoAddress(ValueError):
    """The recipient's address cannot be written to."""


class Variant:
    """One version of a message, compiled.

    ``urls[n - first_link]`` is where link n leads; of those in ``personal_urls``, how it is written.
    """

    def __init__(
        self, content: Content, origin: Origin, *, edge_url: str, tokens: Tokens, tracked: bool = True
    ) -> None:
        """``tracked`` false leaves links as they are and adds no pixel: for test mails, which nobody counts."""
        sender = headers.find_address(content.from_email)
        if sender is None:
            raise NoAddress(content.from_email)
        self._origin = origin
        self._tokens = tokens
        self._edge_url = edge_url
        self._domain = sender.rpartition("@")[2]
        self._fixed = fixed_of(content, origin)
        self._discount_url = content.discount_url
        source = source_of(content)
        self.urls: tuple[str, ...] = ()
        self.personal_urls: frozenset[int] = frozenset()
        self.first_link = _first_link(origin)
        if tracked:
            utm = utm_of_version(origin)
            source, self.urls, self.personal_urls, _first = links.track(
                source,
                edge_url=edge_url,
                utm=utm,
                resolve=_resolver(self._fixed),
                is_personal=_is_personal,
                first=self.first_link,
                coded=content.discount_url or None,
            )
            self._fixed[links.LINKS] = PersonalLinks(tokens, edge_url, utm)
        self._compile_plans(content, source, tracked=tracked)
        self._compile_frame(content, sender)

    def _compile_plans(self, content: Content, source: str, *, tracked: bool) -> None:
        around = {
            "unsubscribe_url": (f"{self._edge_url}/u/", ""),
            "preferences_url": (f"{self._edge_url}/p/", ""),
        }
        html = links.with_preheader(source, content.preview_text)
        self._subject = RenderPlan(content.subject, TEXT, self._fixed)
        self._text = RenderPlan(text_part.from_html(source), TEXT, self._fixed, around_token=around)
        self._html_untracked = RenderPlan(html, HTML, self._fixed, around_token=around)
        self._html = self._html_untracked
        if tracked:
            # Two plans instead of a condition in one: who opted out of open tracking gets mail without the pixel.
            around[links.OPEN_PIXEL] = open_pixel(self._edge_url)
            self._html = RenderPlan(links.with_open_pixel(html), HTML, self._fixed, around_token=around)
        self.paths = self._subject.paths | self._html.paths | self._text.paths
        self.personal = personal(self.paths)
        self._context = ContextBuilder(
            self.paths, currency=self._origin.shop.currency, edge_url=self._edge_url
        )

    @property
    def shop_url(self) -> str:
        """Where the shop's storefront is."""
        return str(self._fixed["shop"]["url"])

    @property
    def discount_url(self) -> str:
        """Where a message's own discount code is applied, with a slot for it; empty without codes."""
        return self._discount_url

    @property
    def needs_jinja(self) -> bool:
        """Whether control flow depends on the recipient, so that parts are rendered by Jinja for each."""
        return bool(self._html.block_count or self._text.block_count)

    def prepare(self, recipient: Recipient, *, date: bytes) -> Prepared:
        """The message for one person; ``date`` is the whole header line, made once per batch.

        Raises NoAddress, or whatever a template raises on this person's values: the caller fails this one delivery.
        """
        address = headers.find_address(recipient.email)
        if address is None:
            raise NoAddress
        origin = self._origin
        raw = self._tokens.raw(origin.shop_id, origin.campaign_id, recipient.delivery_id)
        token = self._tokens.encode(raw)
        html = self._html if recipient.open_tracking else self._html_untracked
        message_id = self._message_id(recipient.delivery_id, raw)
        context = self._context.build(recipient, token)
        data = b"".join(
            (
                self._head,
                date,
                f"Message-ID: <{message_id}>\r\nTo: {address}\r\n{self._unsubscribe(token)}".encode(),
                self._subject_line or headers.unstructured("Subject", self._subject.text(context)),
                self._text_head,
                *self._text.quoted_printable(context),
                self._html_head,
                *html.quoted_printable(context),
                self._tail,
            )
        )
        # Hex survives servers that change the case of a local part; with its prefix it stays under their 64.
        return Prepared(
            recipient.delivery_id, f"b+{raw.hex()}@{self._domain}", address, data, message_id, True
        )

    def _unsubscribe(self, token: str) -> str:
        # Whoever takes it at its word must not be written to again: only marketing can keep that.
        return "" if self._origin.transactional else f"List-Unsubscribe: <{self._edge_url}/u/{token}>\r\n"

    def _message_id(self, delivery_id: int, raw: bytes) -> str:
        # The same for every attempt, so that a doubtful delivery can be found in anybody's log.
        return f"c{self._origin.campaign_id}.d{delivery_id}.{raw[-6:].hex()}@{self._domain}"

    def _compile_frame(self, content: Content, sender: str) -> None:
        origin = self._origin
        label = origin.shop.domain.partition(".")[0]
        boundary = "=_" + hashlib.sha256(f"{origin.campaign_public_id}".encode()).hexdigest()[:24]
        reply_to = headers.find_address(content.reply_to)
        kind = "transactional" if origin.transactional else "campaign"
        of_list = (
            f"List-ID: <marketing.{label}.{self._domain}>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        )
        self._head = b"".join(
            (
                headers.mailbox("From", content.from_name, sender),
                f"Reply-To: {reply_to}\r\n".encode() if reply_to else b"",
                b"" if origin.transactional else of_list.encode(),
                f"Feedback-ID: {origin.campaign_public_id}:{kind}:{label}:{SENDER_ID}\r\n".encode(),
                b"MIME-Version: 1.0\r\n",
                f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode(),
            )
        )
        self._text_head = _part_head(boundary, "text/plain")
        self._html_head = _part_head(boundary, "text/html")
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        ready = self._subject.ready_text
        self._subject_line = None if ready is None else headers.unstructured("Subject", ready)


def source_of(content: Content) -> str:
    """The HTML that is compiled: products written out, style sheets in the elements."""
    return inline(product_blocks.written_out(content.html, json.loads(content.products)))


def fixed_of(content: Content, origin: Origin) -> dict[str, Any]:
    """The part of a context that is the same for all recipients."""
    return fixed_context(
        origin.shop,
        campaign={"name": origin.campaign_name, "subject": content.subject},
        products=json.loads(content.products),
    )


def _resolver(fixed: dict[str, Any]) -> links.Resolve:
    """Reads attributes that are the same for all recipients."""

    def resolve(attribute: str) -> str | None:
        try:
            return RenderPlan(attribute, TEXT, fixed).ready_text
        except TemplateError:  # a piece of a loop or condition that goes on outside of the attribute
            return None

    return resolve


def _is_personal(attribute: str) -> bool:
    """Whether an address that depends on the recipient is a template by itself, and more than one of ours."""
    try:
        read = sandbox.paths(sandbox.parse(attribute, TEXT))
    except TemplateError:  # as above
        return False
    return any(NAMES.get(path, ()) is not None for path in read)


def number_links(content: Content, origin: Origin, write: links.Write) -> links.Tracked:
    """The source with its links numbered as in the messages that were sent, and written in another way."""
    return links.number_links(
        source_of(content),
        utm=utm_of_version(origin),
        resolve=_resolver(fixed_of(content, origin)),
        is_personal=_is_personal,
        write=write,
        first=_first_link(origin),
        coded=content.discount_url or None,
    )


def _first_link(origin: Origin) -> int:
    """The number of a version's first link: no two versions share one."""
    return origin.variant * links.MAX_LINKS + 1


def _part_head(boundary: str, content_type: str) -> bytes:
    # Quoted-printable never leaves a "=" followed by "_", so the boundary cannot occur in a part.
    return (
        f"\r\n--{boundary}\r\nContent-Type: {content_type}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()


def date_line(at: datetime) -> bytes:
    """The Date header of a batch."""
    return headers.date(at)


def faults(content: Content) -> dict[str, list[sandbox.Fault]]:
    """What is wrong with each template of a message, by field; empty lists for those that are fine."""
    found = {
        "subject": sandbox.check(content.subject, NAMES),
        "preview_text": sandbox.check(content.preview_text, NAMES),
        "html": sandbox.check(content.html, NAMES),
    }
    if not found["html"]:
        found["html"] = links.faults(content.html)
    return found


def unguarded_fields(content: Content) -> list[str]:
    """The customer fields that some people lack and that the content prints without anything in their place."""
    sources = (content.subject, content.preview_text, content.html)
    found = {
        path.removeprefix("customer.")
        for source in sources
        if not sandbox.check(source)
        for path in sandbox.unguarded_paths(source)
    }
    return sorted(found & OPTIONAL_FIELDS)


def reads_code(content: Content) -> bool:
    """Whether the message shows a discount code of its own."""
    sources = (content.subject, content.preview_text, content.html)
    return any(
        not sandbox.check(source) and CODES.intersection(sandbox.variables(source)) for source in sources
    )


def utm_of(campaign_public_id: str) -> dict[str, str]:
    """The parameters that every link of the campaign carries."""
    return {"utm_source": "storecast", "utm_medium": "email", "utm_campaign": campaign_public_id}


def utm_of_version(origin: Origin) -> dict[str, str]:
    """The same, with what tells further versions apart."""
    utm = utm_of(origin.campaign_public_id)
    if origin.language:
        return utm | {"utm_content": f"language-{origin.language}"}
    return utm | {"utm_content": f"version-{origin.variant}"} if origin.variant else utm


def find_urls(content: Content, origin: Origin) -> list[str]:
    """The web addresses that the content's links lead to, as far as they are the same for all recipients."""
    if sandbox.check(content.html):
        return []
    resolve = _resolver(fixed_of(content, origin))
    return links.track(source_of(content), edge_url="", utm={}, resolve=resolve).fixed_urls


def find_images(content: Content, origin: Origin) -> list[str]:
    """The web addresses of the content's images, likewise."""
    if sandbox.check(content.html):
        return []
    return links.fixed_images(source_of(content), _resolver(fixed_of(content, origin)))
