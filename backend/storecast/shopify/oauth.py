"""Shopify's token endpoint and authorization page: token exchange, refresh, authorization code.

Expiring offline tokens are always asked for; an answer without ``expires_in`` is still understood, because shops of
a custom app may get one (and a refresh answer without it has bricked sessions of other libraries).
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from storecast.config.settings import Shopify
from storecast.kit.clock import utcnow
from storecast.resilience.guard import Guard, host_of, process_guard
from storecast.shopify.errors import GrantRefused, ShopifyUnreachable
from storecast.shopify.transport import Sleep, host_failed, http_client, never_arrived, retry_after_s

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
"""A merchant waits for this call with a blank page."""

MAX_ATTEMPTS = 3
MAX_WAIT_S = 5.0

_TOKEN_TYPE = "urn:shopify:params:oauth:token-type:"  # noqa: S105 - a URN, not a secret


@dataclass(frozen=True, slots=True)
class Staff:
    """The person of an online token."""

    user_id: str
    email: str
    name: str
    account_owner: bool
    collaborator: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """An answer of the token endpoint; instants are None when it named none."""

    access_token: str
    refresh_token: str | None
    scopes: tuple[str, ...]
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    staff: Staff | None = None

    def __repr__(self) -> str:
        return f"Grant(scopes={self.scopes}, expires_at={self.expires_at})"


class TokenEndpoint:
    """The token endpoint of one shop."""

    def __init__(
        self,
        shopify: Shopify,
        shop_domain: str,
        *,
        http: httpx.Client | None = None,
        guard: Guard | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._shopify = shopify
        self._url = f"{shopify.origin(shop_domain)}/admin/oauth/access_token"
        self._host = host_of(self._url)
        self._http = http or http_client()
        self._guard = guard or process_guard()
        self._sleep = sleep

    def exchange_offline(self, id_token: str) -> Grant:
        """Exchange an ID token for the shop's expiring offline token (RFC 8693)."""
        return self._exchange(id_token, "offline-access-token", expiring=1)

    def exchange_online(self, id_token: str) -> Grant:
        """Exchange an ID token for a token of the signed-in person; its worth is who that is."""
        return self._exchange(id_token, "online-access-token")

    def refresh(self, refresh_token: str) -> Grant:
        """New access and refresh token for a refresh token, which rotates."""
        return self._post(grant_type="refresh_token", refresh_token=refresh_token)

    def migrate(self, access_token: str) -> Grant:
        """An expiring offline token for one without end, which dies by it: there is no way back."""
        offline = _TOKEN_TYPE + "offline-access-token"
        return self._post(
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=access_token,
            subject_token_type=offline,
            requested_token_type=offline,
            expiring="1",
        )

    def redeem_code(self, code: str) -> Grant:
        """The grant of an authorization code."""
        return self._post(code=code, expiring=1)

    def _exchange(self, id_token: str, token_type: str, **extra: Any) -> Grant:
        return self._post(
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=id_token,
            subject_token_type="urn:ietf:params:oauth:token-type:id_token",  # noqa: S106 - a URN, not a secret
            requested_token_type=_TOKEN_TYPE + token_type,
            **extra,
        )

    def _post(self, **parameters: Any) -> Grant:
        body = {
            "client_id": self._shopify.api_key,
            "client_secret": self._shopify.api_secret.get_secret_value(),
            **parameters,
        }
        for attempt in range(1, MAX_ATTEMPTS + 1):
            last = attempt == MAX_ATTEMPTS
            try:
                response = self._send(body, retry=attempt > 1)
            except httpx.TransportError as error:
                if last or not never_arrived(error) or not self._may_retry(host_failed(error)):
                    raise ShopifyUnreachable(type(error).__name__) from error
                self._sleep(0.2 * attempt)
                continue
            status = response.status_code
            if status not in (429, 503):
                return _parse(response)
            wait_s = retry_after_s(response, default=1.0)
            if last or wait_s > MAX_WAIT_S or not self._may_retry(status == 503):
                raise ShopifyUnreachable(f"HTTP {status}", retry_after=wait_s)
            self._sleep(wait_s)
        raise AssertionError("unreachable")

    def _send(self, body: dict[str, Any], *, retry: bool) -> httpx.Response:
        with self._guard.call(self._host, "shopify", retry=retry) as call:
            try:
                response = self._http.post(
                    self._url, json=body, headers={"Accept": "application/json"}, timeout=TIMEOUT
                )
            except httpx.TransportError as error:
                if host_failed(error):
                    call.failed(type(error).__name__)
                raise
            if response.status_code >= 500:
                call.failed(f"HTTP {response.status_code}")
            return response

    def _may_retry(self, host_failed: bool) -> bool:
        """Being throttled is no failure, so waiting as told costs nothing of the budget."""
        return not host_failed or self._guard.may_retry(self._host)


def authorize_url(shopify: Shopify, shop_domain: str, *, state: str, per_user: bool) -> str:
    """Where the browser asks the merchant for access; ``per_user`` asks who they are."""
    query = {
        "client_id": shopify.api_key,
        "scope": ",".join(shopify.scopes),
        "redirect_uri": shopify.redirect_uri,
        "state": state,
        "grant_options[]": "per-user" if per_user else "",
    }
    return f"{shopify.origin(shop_domain)}/admin/oauth/authorize?{urlencode(query)}"


def _parse(response: httpx.Response) -> Grant:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.status_code >= 500 or not isinstance(body, dict):
        raise ShopifyUnreachable(f"HTTP {response.status_code} from the token endpoint")
    if response.status_code != 200 or not isinstance(body.get("access_token"), str):
        raise GrantRefused(str(body.get("error") or f"HTTP {response.status_code}"))
    now = utcnow()
    return Grant(
        access_token=body["access_token"],
        refresh_token=body.get("refresh_token") or None,
        scopes=tuple(scope.strip() for scope in str(body.get("scope") or "").split(",") if scope.strip()),
        expires_at=_after(now, body.get("expires_in")),
        refresh_expires_at=_after(now, body.get("refresh_token_expires_in")),
        staff=_staff(body.get("associated_user")),
    )


def _after(now: datetime, seconds: Any) -> datetime | None:
    try:
        return now + timedelta(seconds=int(seconds))
    except (TypeError, ValueError, OverflowError):
        return None


def _staff(user: Any) -> Staff | None:
    if not isinstance(user, dict) or not user.get("id"):
        return None
    names = [str(user.get(part) or "") for part in ("first_name", "last_name")]
    return Staff(
        user_id=str(user["id"]),
        email=str(user.get("email") or ""),
        name=" ".join(name for name in names if name),
        account_owner=bool(user.get("account_owner")),
        collaborator=bool(user.get("collaborator")),
    )
