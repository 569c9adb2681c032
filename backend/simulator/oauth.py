"""The platform's side of every grant that an app may use: code, token exchange, refresh; and the authorize page.

Answers have the platform's shapes, errors included: `{"error": "invalid_subject_token"}` with HTTP 400 and so on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulator import id_tokens
from simulator.config import SimulatorConfig
from simulator.state.records import Shop, Token, User
from simulator.store import Store
from simulator.world import World

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # nosec B105 - names of grants, no secrets
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # nosec B105
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"  # nosec B105
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"  # nosec B105
ONLINE_LIFETIME_S = 86_399


class TokenRefused(Exception):
    """Why no token was given, as the `error` of the answer."""


def routes(config: SimulatorConfig, store: Store, world: World) -> list[BaseRoute]:
    endpoint = TokenEndpoint(config, store)

    async def access_token(request: Request) -> Response:
        shop = await run_in_threadpool(store.shops.find, request.path_params["shop"])
        if shop is None:
            return PlainTextResponse("Not Found", 404)
        status = store.shop_status.get(shop.domain, 200)
        if status != 200:
            return JSONResponse({"errors": "Unavailable Shop"}, status)
        if store.faults.bites("http_5xx"):
            return JSONResponse({"error": "service_unavailable"}, 503)
        given = await _parameters(request)
        if given is None:
            return JSONResponse({"error": "invalid_request"}, 400)
        try:
            return JSONResponse(await run_in_threadpool(endpoint.answer, shop, given))
        except TokenRefused as refused:
            return JSONResponse({"error": str(refused)}, 400)

    def authorize(request: Request) -> Response:
        shop = store.shops.find(request.path_params["shop"])
        if shop is None:
            return PlainTextResponse("Not Found", 404)
        return _authorize(config, store, world, shop, request)

    def open_app(request: Request) -> Response:
        """The address that leads to the app inside the admin, whoever knows only the shop and the client id."""
        return RedirectResponse(f"/store/{request.path_params['shop']}/apps/{world.manifest.handle}", 302)

    return [
        Route("/{shop}/admin/oauth/access_token", access_token, methods=["POST"]),
        Route("/{shop}/admin/oauth/authorize", authorize),
        Route("/{shop}/admin/apps/{client_id}", open_app),
    ]


async def _parameters(request: Request) -> Mapping[str, Any] | None:
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = await request.json()
        except ValueError:
            return None
        return body if isinstance(body, dict) else None
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


def _authorize(config: SimulatorConfig, store: Store, world: World, shop: Shop, request: Request) -> Response:
    """Straight back to the app when it is installed; else to the page where the merchant installs it."""
    query = request.query_params
    if query.get("client_id") != config.client_id:
        return PlainTextResponse(
            "Oauth error invalid_request: Could not find Shopify API application with api_key", 400
        )
    redirect_uri = query.get("redirect_uri", "")
    if not redirect_allowed(config, world, redirect_uri):
        return PlainTextResponse("Oauth error invalid_request: The redirect_uri is not whitelisted", 400)
    if not world.is_installed(shop):
        back = f"{config.shop_origin(shop.domain)}/admin/oauth/authorize?{request.url.query}"
        return RedirectResponse(f"/store/{shop.domain}/install?return_to={quote(back, safe='')}", 302)
    per_user = "per-user" in query.getlist("grant_options[]")
    users = store.shops.list_users(shop.id)
    chosen = next((user for user in users if str(user.id) == query.get("user_id")), users[0])
    grant = store.access.create_grant(shop.id, chosen.id, redirect_uri, per_user=per_user)
    parameters = {
        "code": grant.code,
        "host": host_parameter(shop),
        "shop": shop.domain,
        "state": query.get("state", ""),
        "timestamp": str(int(time.time())),
    }
    parameters["hmac"] = query_hmac(parameters, config.client_secret)
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return RedirectResponse(f"{redirect_uri}{separator}{urlencode(parameters)}", 302)


def redirect_allowed(config: SimulatorConfig, world: World, redirect_uri: str) -> bool:
    """On the declared list, or on the app's own origin: a demo chooses its port after the list is written."""
    if redirect_uri in world.manifest.redirect_urls:
        return True
    given, own = urlsplit(redirect_uri), urlsplit(config.app_url)
    return bool(given.netloc) and (given.scheme, given.netloc) == (own.scheme, own.netloc)


def host_parameter(shop: Shop) -> str:
    """The admin's address of this shop, base64 without padding, as the platform passes it to apps."""
    return base64.b64encode(f"admin.shopify.com/store/{shop.handle}".encode()).decode().rstrip("=")


def query_hmac(parameters: Mapping[str, str], secret: str) -> str:
    """Hex HMAC-SHA256 over the sorted query, `hmac` and `signature` left out."""
    signed = sorted((key, value) for key, value in parameters.items() if key not in ("hmac", "signature"))
    message = urlencode(signed, quote_via=quote)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


class TokenEndpoint:
    """`POST /admin/oauth/access_token`."""

    def __init__(self, config: SimulatorConfig, store: Store) -> None:
        self._config = config
        self._store = store

    def answer(self, shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
        secret = str(given.get("client_secret") or "")
        if given.get("client_id") != self._config.client_id or not secrets.compare_digest(
            secret.encode(), self._config.client_secret.encode()
        ):
            raise TokenRefused("invalid_client")
        grant_type = given.get("grant_type")
        if grant_type == TOKEN_EXCHANGE:
            return self._exchange(shop, given)
        if grant_type == "refresh_token":
            return self._refresh(shop, str(given.get("refresh_token") or ""))
        if given.get("code"):
            return self._code(shop, given)
        raise TokenRefused("unsupported_grant_type")

    def _exchange(self, shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
        subject, subject_type = str(given.get("subject_token") or ""), given.get("subject_token_type")
        wanted = given.get("requested_token_type")
        scopes = self._scopes(shop)
        if wanted not in (OFFLINE, ONLINE):
            raise TokenRefused("invalid_request")
        if subject_type == OFFLINE and wanted == OFFLINE:
            return self._migrate(shop, subject, scopes)
        claims = id_tokens.verify(subject, self._config, shop)
        if subject_type != ID_TOKEN or claims is None:
            raise TokenRefused("invalid_subject_token")
        if wanted == OFFLINE:
            return self._offline(shop, scopes, expiring=_flag(given.get("expiring")))
        user = (
            self._store.shops.find_user(shop.id, int(claims["sub"])) if str(claims["sub"]).isdigit() else None
        )
        if user is None:
            raise TokenRefused("invalid_subject_token")
        return self._online(shop, scopes, user)

    def _migrate(self, shop: Shop, subject: str, scopes: str) -> dict[str, Any]:
        """A non-expiring token becomes an expiring one and dies."""
        old = self._store.access.authenticate(shop.id, subject)
        if old is None or old.expires_at is not None:
            raise TokenRefused("invalid_subject_token")
        self._store.access.revoke_all(shop.id)
        return self._offline(shop, scopes, expiring=True)

    def _refresh(self, shop: Shop, refresh_token: str) -> dict[str, Any]:
        """Rotation: the old refresh token stays good until the new access token is used."""
        old = self._store.access.find_by_refresh_token(shop.id, refresh_token) if refresh_token else None
        if old is None or old.revoked or (old.refresh_expires_at or 0) <= time.time():
            raise TokenRefused("invalid_grant")
        token = self._expiring(shop, self._scopes(shop))
        self._store.access.replace(old, token)
        return self._described(token)

    def _code(self, shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
        grant = self._store.access.take_grant(shop.id, str(given["code"]))
        if grant is None:
            raise TokenRefused("invalid_request")
        scopes = self._scopes(shop)
        if not grant.per_user:
            return self._offline(shop, scopes, expiring=_flag(given.get("expiring")))
        user = self._store.shops.find_user(shop.id, grant.user_id)
        if user is None:
            raise TokenRefused("invalid_request")
        return self._online(shop, scopes, user)

    def _scopes(self, shop: Shop) -> str:
        installation = self._store.access.find_installation(shop.id)
        if installation is None:
            raise TokenRefused("invalid_client")
        return installation.scopes

    def _offline(self, shop: Shop, scopes: str, *, expiring: bool) -> dict[str, Any]:
        if expiring:
            return self._described(self._expiring(shop, scopes))
        return self._described(self._store.access.create_token(shop.id, scopes))

    def _expiring(self, shop: Shop, scopes: str) -> Token:
        return self._store.access.create_token(
            shop.id,
            scopes,
            lifetime_s=self._config.access_token_lifetime_s,
            refresh_lifetime_s=self._config.refresh_token_lifetime_s,
        )

    def _online(self, shop: Shop, scopes: str, user: User) -> dict[str, Any]:
        token = self._store.access.create_token(
            shop.id, scopes, user_id=user.id, lifetime_s=ONLINE_LIFETIME_S
        )
        return self._described(token) | {
            "associated_user_scope": scopes,
            "associated_user": {
                "id": user.id,
                "first_name": user.first_name,
                "last_name": user.last_name,
                "email": user.email,
                "email_verified": True,
                "account_owner": bool(user.account_owner),
                "locale": user.locale,
                "collaborator": False,
            },
        }

    def _described(self, token: Token) -> dict[str, Any]:
        body: dict[str, Any] = {"access_token": token.access_token, "scope": token.scopes}
        if token.expires_at is not None:
            body["expires_in"] = round(token.expires_at - token.created_at)
        if token.refresh_token is not None and token.refresh_expires_at is not None:
            body["refresh_token"] = token.refresh_token
            body["refresh_token_expires_in"] = round(token.refresh_expires_at - token.created_at)
        return body


def _flag(value: Any) -> bool:
    return value in (1, "1", True, "true")
