"""HTML documents: the app's page for the admin's iframe or for a browser, and the bounce page between.

Which site may frame a document differs per shop, and the shop comes from the query, so it is sanitised before it
reaches a header. A document holds no data of a shop: those come over the API, which authenticates each request.
"""

import html
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from storecast.auth import id_tokens
from storecast.config.settings import Settings, get_settings
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid, NotFound
from storecast.shopify.domains import find_shop_domain
from storecast.shopify.errors import IdTokenRefused

BOUNCE_PATH = "/auth/bounce"
_NOT_PAGES = frozenset({"api", "auth", "webhooks", "p", "pixel", "returns"})
ADMIN_ORIGIN = "https://admin.shopify.com"

_RELOAD = "shopify-reload"
_OWN_PATH = re.compile(r"/(?!/)[!-\[\]-~]{0,4000}")
"""One slash, then printable ASCII without a backslash."""

_APP_BRIDGE_TAG = re.compile(r"<script[^>]*__APP_BRIDGE_URL__[^>]*></script>")

_NOT_BUILT = (
    "<!doctype html><html lang=en><head><title>Storecast</title></head>"
    "<body><p>The dashboard is not built. Run <code>make install</code>, then reload.</p></body></html>"
)


router = APIRouter(include_in_schema=False)


@router.get("/assets/{path:path}")
def asset(path: str) -> Response:
    """A built file; its name carries a hash of its content, so that browsers may keep it for good."""
    return _file("assets/" + path, "public, max-age=31536000, immutable")


@router.get(BOUNCE_PATH)
def bounce(request: Request) -> Response:
    """App Bridge alone: it reads ``shopify-reload`` and goes there with a fresh ID token, so that it leads to us."""
    settings = get_settings()
    domain = find_shop_domain(request.query_params.get("shop"))
    targets = request.query_params.getlist(_RELOAD)
    if targets != [own_path(target) for target in targets] or len(targets) > 1:
        raise Invalid(
            "The page to go back to is not one of ours.",
            errors=[FieldError(f"/{_RELOAD}", "not a path of this app", "foreign_target")],
        )
    key, script = html.escape(settings.shopify.api_key), html.escape(settings.shopify.app_bridge_url)
    body = (
        f'<!doctype html><html lang="en"><head><meta name="shopify-api-key" content="{key}">'
        f'<script src="{script}" data-api-key="{key}"></script><title>Storecast</title></head><body></body></html>'
    )
    return _document(body, domain, settings)


@router.get("/{path:path}")
def page(request: Request, path: str) -> Response:
    """Every other address is a page of the app, which routes by itself; API addresses are not."""
    if path.split("/", 1)[0] in _NOT_PAGES:
        raise NotFound
    if "." in path.rsplit("/", 1)[-1]:
        return _file(path, "public, max-age=3600")
    return index(request)


def index(request: Request) -> Response:
    """The app's page. Inside the iframe, a document without a fresh ID token goes through the bounce page."""
    settings = get_settings()
    embedded = request.query_params.get("embedded") == "1"
    # Only the admin's iframe may be framed: the browser's own page is nobody's, whatever shop its address names.
    domain = find_shop_domain(request.query_params.get("shop")) if embedded else None
    embedded = domain is not None
    if embedded and not _fresh_token(request, settings, domain):
        return _to_bounce(request)
    source = _index_source(settings.frontend_dist)
    if source is None:
        return _document(_NOT_BUILT, domain, settings, status=503)
    return _document(_fill(source, settings, embedded=embedded), domain, settings)


def own_path(target: object) -> str:
    """The target when it is a path of this app, else the start page.

    Browsers read two slashes as a host, a backslash as a slash, and leave out tabs and line breaks.
    """
    return target if isinstance(target, str) and _OWN_PATH.fullmatch(target) else "/"


def frame_ancestors(domain: str | None, settings: Settings) -> str:
    """The value of frame-ancestors: the shop's admin, or nobody."""
    if domain is None:
        return "'none'"
    return " ".join([f"https://{domain}", ADMIN_ORIGIN, *settings.shopify.admin_frame_origins])


def _fresh_token(request: Request, settings: Settings, domain: str | None) -> bool:
    try:
        token = id_tokens.verify(request.query_params.get("id_token", ""), settings.shopify, now=utcnow())
    except IdTokenRefused:
        return False
    return token.shop_domain == domain


def _to_bounce(request: Request) -> RedirectResponse:
    # Of two targets App Bridge would take the first, which came with the request.
    query = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in ("id_token", _RELOAD)
    ]
    # A path that begins with two slashes would be read as another host.
    path = "/" + str(request.scope["path"]).lstrip("/\\")
    reload = own_path(f"{quote(path)}?{urlencode(query)}")
    return RedirectResponse(f"{BOUNCE_PATH}?{urlencode([*query, (_RELOAD, reload)])}", status_code=302)


def _fill(source: str, settings: Settings, *, embedded: bool) -> str:
    """The built page with this installation's values; outside the admin App Bridge would only fail."""
    if not embedded:
        source = _APP_BRIDGE_TAG.sub("", source)
    return source.replace("__SHOPIFY_API_KEY__", html.escape(settings.shopify.api_key)).replace(
        "__APP_BRIDGE_URL__", html.escape(settings.shopify.app_bridge_url)
    )


def _document(body: str, domain: str | None, settings: Settings, *, status: int = 200) -> HTMLResponse:
    policy = f"frame-ancestors {frame_ancestors(domain, settings)}; base-uri 'self'; object-src 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(body, status_code=status, headers=headers)


def _index_source(dist: Path | None) -> str | None:
    if dist is None or not (dist / "index.html").is_file():
        return None
    return _read(dist / "index.html", (dist / "index.html").stat().st_mtime_ns)


def _file(path: str, cache_control: str) -> Response:
    dist = get_settings().frontend_dist
    if dist is None:
        raise NotFound
    root = dist.resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root) or not file.is_file() or file.name == "index.html":
        raise NotFound
    return FileResponse(file, headers={"Cache-Control": cache_control, "X-Content-Type-Options": "nosniff"})


@lru_cache(maxsize=2)
def _read(path: Path, _changed_ns: int) -> str:
    return path.read_text()
