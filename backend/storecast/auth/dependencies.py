"""Authentication of API requests: an ID token from the admin's iframe, the session of a signed-in browser, or an API
key, or a token for one, of a program."""

from functools import partial
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from storecast.auth import access_tokens, api_keys, id_tokens, service
from storecast.auth.errors import CrossSite
from storecast.auth.service import BrowserSession
from storecast.auth.shared_looks import SharedLooks
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.errors import Unauthenticated
from storecast.kit.types import ShopId
from storecast.observability import tracing
from storecast.shopify.errors import IdTokenRefused
from storecast.shops.access import Principal

CSRF_HEADER = "X-Storecast-CSRF"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def authenticate(request: Request) -> None:
    """Put the principal on the request; raises Unauthenticated. Declared once, on the API's root router."""
    principal = await _principal(request)
    request.state.principal = principal
    structlog.contextvars.bind_contextvars(shop_id=principal.shop_id)
    tracing.note({tracing.SHOP_ID: principal.shop_id})


async def _principal(request: Request) -> Principal:
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        # A bearer wins over a cookie that the browser may have sent along.
        if scheme.lower() != "bearer" or not raw.strip():
            raise IdTokenRefused("the Authorization header holds no bearer token")
        return await _of_bearer(request, raw.strip())
    shop_id, user_id = request.session.get("shop_id"), request.session.get("user_id")
    if not isinstance(shop_id, int) or not isinstance(user_id, str):
        raise Unauthenticated
    refuse_cross_site(request)
    began = request.session.get("signed_in_at")
    signed_in_at = began if isinstance(began, int | float) else 0.0
    session = BrowserSession(ShopId(shop_id), user_id, signed_in_at)
    known = await _looks(request).ask(session, partial(service.find_in_browser, session))
    return known if known is not None else await run_in_threadpool(service.browser_principal, session)


async def _of_bearer(request: Request, raw: str) -> Principal:
    """A program shows its key or a token for it, the admin's iframe an ID token; each is told how to go on."""
    if raw.startswith(api_keys.SECRET_PREFIX):
        return await run_in_threadpool(api_keys.principal_of_secret, raw)
    if access_tokens.looks_like_one(raw):
        return await run_in_threadpool(api_keys.principal_of_token, raw)
    token = id_tokens.verify(raw, get_settings().shopify, now=utcnow())
    who = token.shop_domain, token.user_id
    known = await _looks(request).ask(who, partial(service.find_embedded, *who))
    return known if known is not None else await run_in_threadpool(service.embedded_principal, token, raw)


def _looks(request: Request) -> SharedLooks:
    looks: SharedLooks = request.app.state.looks
    return looks


def refuse_cross_site(request: Request) -> None:
    """Let a change through only from our own pages: a header that forms cannot send, and our Origin."""
    if request.method in _SAFE_METHODS:
        return
    if request.headers.get(CSRF_HEADER) != "1":
        raise CrossSite(f"the header {CSRF_HEADER} is missing")
    if request.headers.get("Origin") != own_origin():
        raise CrossSite("the Origin is another site's")


def own_origin() -> str:
    """The origin under which browsers reach the app."""
    parts = urlsplit(get_settings().shopify.app_url)
    return f"{parts.scheme}://{parts.netloc}"
