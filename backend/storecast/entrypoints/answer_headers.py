"""Headers that every answer of the API process carries: one pure ASGI middleware that only adds what is not there.

Invariants: no answer allows an inline script; a page that names its own frame-ancestors keeps them, whoever names none
may not be framed; the standing of a rate limit that was charged is told on refusals too.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storecast.auth.rate_limits import STANDING
from storecast.config.settings import Settings

Policy = Mapping[str, str]

_SHOPIFY = "https://cdn.shopify.com"
_NO_PAGE: Policy = {"default-src": "'none'", "frame-ancestors": "'none'"}
"""For whatever is no page: a browser that is made to show it as one runs and frames nothing."""

_ALWAYS = (
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
"""The same as in nginx/snippets/headers.conf, for who reaches the process without it."""


_POLICY = b"content-security-policy"


def page_policy(settings: Settings) -> Policy:
    """What a page of the app may load: itself, App Bridge, and pictures of mails that it previews."""
    bridge, shops = origin(settings.shopify.app_bridge_url), origin(settings.shopify.shop_origin)
    pictures = " ".join(sorted({"https:", origin(settings.edge_url), shops} - {""}))
    return {
        "default-src": "'self'",
        "script-src": f"'self' {bridge}",
        # Polaris and the previewed mails carry style attributes; a style runs nothing.
        "style-src": f"'self' 'unsafe-inline' {_SHOPIFY}",
        "img-src": f"'self' data: blob: {pictures}",
        "font-src": f"'self' data: {_SHOPIFY}",
        "connect-src": f"'self' {bridge} https://*.shopify.com https://*.shopifysvc.com",
        "frame-src": "'self' https://admin.shopify.com https://*.myshopify.com",
        # A sign-in is a form that Shopify's own page answers.
        "form-action": " ".join(filter(None, ["'self'", "https://*.myshopify.com", shops])),
        "base-uri": "'self'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
    }


def completed(given: str, policy: Policy) -> str:
    """The policy of an answer with the directives that it leaves out; what it says itself stays."""
    parts = [part.strip() for part in given.split(";") if part.strip()]
    named = {part.split(None, 1)[0].lower() for part in parts}
    return "; ".join(parts + [f"{name} {value}" for name, value in policy.items() if name not in named])


def origin(address: str) -> str:
    """Scheme and host of an address; nothing for one whose host differs per shop."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc and "{" not in parts.netloc else ""


class AnswerHeaders:
    """Adds the headers; ``varies`` when answers differ by the asking origin."""

    def __init__(self, app: ASGIApp, *, settings: Settings, varies: bool) -> None:
        self._app = app
        self._varies = varies
        self._page = page_policy(settings)
        self._no_page = completed("", _NO_PAGE).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(scope, message)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, scope: Scope, message: Message) -> None:
        # As bytes: the mapping that Starlette offers looks through all headers for each that is set.
        headers = message["headers"] = list(message.get("headers", ()))
        given = dict(headers)
        headers += [pair for pair in _ALWAYS if pair[0] not in given]
        if given.get(b"content-type", b"").startswith(b"text/html"):
            named = MutableHeaders(raw=headers)
            named["Content-Security-Policy"] = completed(named.get("Content-Security-Policy", ""), self._page)
        elif _POLICY not in given:
            headers.append((_POLICY, self._no_page))
        standing = scope.get("state", {}).get(STANDING)
        if standing is not None:
            policy, left = standing.headers()
            headers += [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]
        if self._varies:
            MutableHeaders(raw=headers).add_vary_header("Origin")
