"""The browser's door: sign-in by Shopify's authorization code grant, and out again.

The embedded app never comes here: it shows an ID token with every request. A sign-in asks Shopify for the store's
access first where that is missing, then for who the person is.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from storecast.auth import dependencies, refusal_page, service, sessions
from storecast.auth.errors import SignInAbandoned, SignInDenied
from storecast.auth.pages import own_path
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid, StorecastError
from storecast.shopify.domains import find_shop_domain, read_typed_domain
from storecast.shopify.hmac import verify_query
from storecast.shopify.oauth import TokenEndpoint, authorize_url

log = structlog.get_logger(__name__)

SIGN_IN_S = 600
"""A merchant may have to sign in to Shopify first; ten minutes later they begin again."""

router = APIRouter(prefix="/auth", include_in_schema=False)


@router.get("/login")
def begin(request: Request, shop: str = "", return_to: str = "") -> Response:
    """Send the browser to Shopify; a shop that has not granted access yet is asked for that first.

    Afterwards the browser goes to ``return_to`` when that is a page of ours, else to the start page.
    """
    return _seen_by_people(request, lambda: _begin(request, shop, return_to))


def _begin(request: Request, shop: str, return_to: str) -> RedirectResponse:
    domain = read_typed_domain(shop)
    if domain is None:
        errors = [FieldError("/shop", "not a myshopify.com domain", "shop_invalid")]
        raise Invalid("Name the store as in example.myshopify.com.", errors=errors)
    asks = "access" if service.needs_offline_token(domain) else "identity"
    return _ask(request, domain, asks, return_to=own_path(return_to))


@router.get("/callback")
def finish(request: Request) -> Response:
    """Take Shopify's answer: the store's access first where it is missing, then who the person is."""
    return _seen_by_people(request, lambda: _finish(request))


def _seen_by_people(request: Request, answer: Callable[[], Response]) -> Response:
    """The answer, or what a browser shows to a person when there is none; a program gets the problem document."""
    try:
        return answer()
    except StorecastError as error:
        if not refusal_page.wants_page(request):
            raise
        log.info("sign_in_refused", code=error.code)
        return refusal_page.answer(request, error)


def _finish(request: Request) -> RedirectResponse:
    settings = get_settings().shopify
    params = verify_query(request.query_params.multi_items(), settings.secrets(), now=utcnow())
    begun = request.session.pop("sign_in", None)
    domain = _check_begun(begun, params)
    if "error" in params:
        raise SignInDenied
    grant = TokenEndpoint(settings, domain).redeem_code(params.get("code", ""))
    if begun["asks"] == "access" and grant.staff is None:
        service.accept_install(domain, grant)
        return _ask(request, domain, "identity", return_to=own_path(begun.get("return_to")))
    if grant.staff is None:
        raise SignInAbandoned("Shopify did not say who signed in")
    principal = service.accept_staff(domain, grant.staff)
    request.session.clear()
    request.session.update(
        shop_id=principal.shop_id, user_id=principal.user_id, signed_in_at=utcnow().timestamp()
    )
    sessions.rotate(request)
    return RedirectResponse(own_path(begun.get("return_to")), status_code=303)


@router.post("/logout", status_code=204)
def leave(request: Request) -> Response:
    """End the browser's session."""
    dependencies.refuse_cross_site(request)
    request.session.clear()
    return Response(status_code=204)


def _ask(request: Request, domain: str, asks: str, *, return_to: str) -> RedirectResponse:
    state = secrets.token_urlsafe(32)
    request.session["sign_in"] = {
        "state": state,
        "shop": domain,
        "asks": asks,
        "return_to": return_to,
        "until": int(utcnow().timestamp()) + SIGN_IN_S,
    }
    url = authorize_url(get_settings().shopify, domain, state=state, per_user=asks == "identity")
    return RedirectResponse(url, status_code=303)


def _check_begun(begun: Any, params: dict[str, str]) -> str:
    """The shop of the sign-in that this browser began; its state is good for one callback."""
    if not isinstance(begun, dict) or int(begun.get("until", 0)) < utcnow().timestamp():
        raise SignInAbandoned
    if not hmac.compare_digest(str(begun.get("state")).encode(), params.get("state", "").encode()):
        raise SignInAbandoned("the state is another one")
    domain = find_shop_domain(params.get("shop"))
    if domain is None or domain != begun.get("shop"):
        raise SignInAbandoned("the shop is another one")
    return domain
