"""Opens, clicks and unsubscribes of messages.

A redirect goes only to a link stored with the campaign, or to an address that was sealed here for that link of that
delivery; never to anything else that the request says. Reading
changes nothing but the record of opens and clicks: only a POST unsubscribes, because mail scanners follow
every link. An unsubscribe is on disk before it is confirmed.
"""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit, urlunsplit

import structlog
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from storecast.edge.answers import read_body
from storecast.kit.clock import utcnow
from storecast.kit.errors import Unavailable
from storecast.kit.ids import uuid7
from storecast.messaging import page_words
from storecast.messaging.links import CODE_SLOT
from storecast.messaging.tokens import Tracked

log = structlog.get_logger(__name__)

COLUMNS = (
    ("shop_id", "bigint"),
    ("id", "uuid"),
    ("occurred_at", "timestamptz"),
    ("kind", "text"),
    ("campaign_id", "bigint"),
    ("delivery_id", "bigint"),
    ("link_number", "integer"),
    ("verdict", "text"),
    ("user_agent", "text"),
)
"""The columns of a row that these handlers submit and their types, in its order."""

MAX_USER_AGENT = 512
MAX_FORM_BYTES = 8 * 1024
MAX_LINK_NUMBER = 50_000
"""2,000 links in each of 25 versions: the message, four for a test, twenty for languages."""

PURPOSE_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
AHEAD = ("prefetch", "prerender", "preview")

# The smallest transparent GIF: 1 x 1, one colour, which is transparent.
PIXEL_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

NO_STORE = {"Cache-Control": "no-store, max-age=0", "Referrer-Policy": "no-referrer"}

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f6f7;color:#202223}"
    "main{max-width:28rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:12px;"
    "box-shadow:0 1px 3px rgb(0 0 0/.15)}h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:0 0 1.25rem}"
    "button{font:inherit;font-weight:600;padding:.7rem 1.2rem;border:0;border-radius:8px;background:#1f5199;"
    "color:#fff;cursor:pointer}button:focus-visible{outline:3px solid #202223;outline-offset:2px}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

_IN_ADDRESSES = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~"
"""All of ASCII that can be seen: letters, digits and the rest of it are never escaped."""

Submit = Callable[[Sequence[tuple[Any, ...]]], Awaitable[None]]
ReadClick = Callable[[str], Tracked | None]
FindLink = Callable[[int, int, int], Awaitable[str | None]]
OpenAddress = Callable[[str, int, str], str | None]
FindShopName = Callable[[int], Awaitable[str | None]]
Handler = Callable[[Request], Awaitable[Response]]


def event_row(
    kind: str, click: Tracked, request: Request, *, link_number: int | None = None
) -> tuple[Any, ...]:
    """What is known at the edge; what it is not sure of is judged later, in context."""
    verdict = "machine" if is_machine(request) else "unknown"
    user_agent = request.headers.get("user-agent", "").replace("\x00", "")[:MAX_USER_AGENT] or None
    return (
        click.shop_id,
        uuid7(),
        utcnow(),
        kind,
        click.campaign_id,
        click.delivery_id,
        link_number,
        verdict,
        user_agent,
    )


def is_machine(request: Request) -> bool:
    """Whether the request says itself that no person made it: a HEAD, or a page or image that is fetched ahead.

    Browsers and mail programs announce what they fetch ahead (https://fetch.spec.whatwg.org/#sec-purpose-header; the
    older names are of Chromium, Firefox and Safari).
    """
    if request.method == "HEAD":
        return True
    return any(request.headers.get(name, "").lower().startswith(AHEAD) for name in PURPOSE_HEADERS)


def open_endpoint(submit: Submit, read_click: ReadClick) -> Handler:
    """GET and HEAD /o/{token}.gif: always the image, so that no message shows a broken one."""

    async def handle(request: Request) -> Response:
        click = read_click(request.path_params["token"])
        if click is not None:
            await submit([event_row("open", click, request)])
        return Response(PIXEL_GIF, media_type="image/gif", headers=NO_STORE)

    return handle


def click_endpoint(
    submit: Submit, read_click: ReadClick, find_link: FindLink, open_address: OpenAddress
) -> Handler:
    """GET and HEAD /c/{token}/{n} and /c/{token}/{n}/{sealed}: on to the link, with the token for the pixel."""

    async def address(click: Tracked, token: str, number: int, sealed: str | None) -> str | None:
        if not 0 <= number <= MAX_LINK_NUMBER:
            return None
        if sealed is not None:
            return open_address(token, number, sealed)
        return await find_link(click.shop_id, click.campaign_id, number)

    async def handle(request: Request) -> Response:
        token, number = request.path_params["token"], request.path_params["n"]
        click = read_click(token)
        url = await address(click, token, number, request.path_params.get("sealed")) if click else None
        if click is None or url is None:
            return _nowhere(request)
        try:
            await submit([event_row("click", click, request, link_number=number)])
        except (
            Unavailable
        ) as error:  # a person is waiting: losing the record of a click beats losing the visit
            log.warning("click_unrecorded", shop_id=click.shop_id, reason=error.code)
        target = with_code(url, request.query_params.get("code"))
        return Response(status_code=302, headers={"Location": with_token(target, token), **NO_STORE})

    return handle


def preferences_endpoint(read_click: ReadClick, app_url: str) -> Handler:
    """GET and HEAD /p/{token}: on to the page where the recipient chooses, which is the app's."""

    async def handle(request: Request) -> Response:
        token = request.path_params["token"]
        if read_click(token) is None:
            return _nowhere(request)
        return Response(status_code=302, headers={"Location": f"{app_url}/p/{token}", **NO_STORE})

    return handle


def unsubscribe_endpoint(
    submit: Submit, read_click: ReadClick, find_shop_name: FindShopName, app_url: str
) -> Handler:
    """GET and HEAD /u/{token} show a button; POST, by the button or RFC 8058 one-click, unsubscribes."""

    async def handle(request: Request) -> Response:
        click = read_click(request.path_params["token"])
        if click is None:
            return _nowhere(request)
        words = _words(request)
        name = await find_shop_name(click.shop_id) or words["this_shop"]
        if request.method != "POST":
            choose = f"{app_url}/p/{request.path_params['token']}"
            return page(
                200,
                words["leaving"],
                f"<p>{escape(words['leaving_what'].format(shop=name))}</p>"
                '<form method="post"><input type="hidden" name="confirm" value="yes">'
                f'<button type="submit">{escape(words["leaving_do"])}</button></form>'
                f'<p class="or"><a href="{escape(choose)}">{escape(words["rather_choose"])}</a></p>',
                lang=_lang(request),
            )
        if not await asks_to_unsubscribe(request):
            return page(
                400, words["unchanged"], f"<p>{escape(words['unchanged_why'])}</p>", lang=_lang(request)
            )
        await submit([event_row("unsubscribe", click, request)])
        done = escape(words["left_what"].format(shop=name))
        return page(200, words["left"], f"<p>{done}</p>", lang=_lang(request))

    return handle


async def asks_to_unsubscribe(request: Request) -> bool:
    """Whether the body is the one-click body of RFC 8058 (either form encoding) or the page's own button."""
    fields = await _form_fields(request)
    return fields.get("List-Unsubscribe") == "One-Click" or fields.get("confirm") == "yes"


async def _form_fields(request: Request) -> dict[str, str]:
    body = await read_body(request.receive, request.headers.get("content-length"), MAX_FORM_BYTES)
    if body is None:
        return {}
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        form = await _multipart(request, body)
        return {name: value for name, value in form.items() if isinstance(value, str)}
    if content_type == "application/x-www-form-urlencoded":
        read = parse_qs(body.decode("utf-8", "replace"), max_num_fields=None)
        return {name: values[0] for name, values in read.items()}
    return {}


async def _multipart(request: Request, body: bytes) -> FormData:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(request.scope, receive).form(max_files=0, max_fields=10) as form:
            return form
    except (MultiPartException, HTTPException) as error:
        log.info("unsubscribe_body_unreadable", error=type(error).__name__)
        return FormData()


_CODE = re.compile(r"[A-Z0-9-]{1,64}")
_CODED_PATH = f"/discount/{CODE_SLOT}"


def with_code(url: str, code: str | None) -> str:
    """The stored link with the message's discount code in its slot: a word in the path, the host is never touched.

    A link whose code was lost on the way leads where it would have without one.
    """
    parts = urlsplit(url)
    if not parts.path.endswith(_CODED_PATH):
        return url
    if code is not None and _CODE.fullmatch(code):
        return urlunsplit(parts._replace(path=parts.path.replace(CODE_SLOT, code)))
    query = dict(parse_qsl(parts.query))
    page = urlsplit(query.pop("redirect", "/"))
    rest = "&".join(part for part in (page.query, urlencode(query)) if part)
    return urlunsplit(parts._replace(path="/" + page.path.lstrip("/"), query=rest))


def with_token(url: str, token: str) -> str:
    """The link with ``sc_click`` added to its query; of the rest only what no header can carry is escaped."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode({"sc_click": token})) if part)
    return quote(urlunsplit(parts._replace(query=query)), safe=_IN_ADDRESSES)


def _lang(request: Request) -> str:
    return page_words.language(request.headers.get("accept-language"))


def _words(request: Request) -> page_words.Words:
    return page_words.WORDS[_lang(request)]


def _nowhere(request: Request) -> Response:
    words = _words(request)
    return page(404, words["nowhere"], f"<p>{escape(words['nowhere_why'])}</p>", lang=_lang(request))


def page(status: int, title: str, body: str, *, lang: str) -> Response:
    """A small page that needs no script, no image and no other origin. ``body`` is trusted HTML."""
    html = (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Response(html, status_code=status, media_type="text/html", headers=PAGE_HEADERS)
