"""A visitor of the storefront: who they are to the pixel, how they came, what they hold and what they allow.

Invariants: all of it lives in cookies under the shop's own path, as each real shop has its own host; an address
that names a campaign starts a new visit.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from simulator.pages.rendering import Site
from simulator.state.records import Cart, Shop

_CLIENT, _CART, _LANDING, _REFERRER, _CONSENT, _EMAIL = (
    "_shopify_y", "cart", "landing", "referrer", "_tracking_consent", "email",
)  # fmt: skip
_YEAR_S = 365 * 86_400
_MAX_ADDRESS_CHARS = 1_000
_CAMPAIGN_MARKS = ("utm_source", "sc_click")
_KINDS = ("analytics", "marketing", "preferences", "sale_of_data")


@dataclass(frozen=True, slots=True)
class Visitor:
    shop: Shop
    client_id: str
    landing_site: str
    referring_site: str
    cart: Cart | None
    consent: dict[str, bool]
    has_chosen_consent: bool
    email: str

    @property
    def path(self) -> str:
        return f"/shop/{self.shop.domain}"

    def remember(self, response: Response) -> Response:
        """Call on every answer; the cart's cookie is absent once its order is placed."""
        values = {
            _CLIENT: self.client_id,
            _LANDING: quote(self.landing_site, safe=""),
            _REFERRER: quote(self.referring_site, safe=""),
            _EMAIL: quote(self.email, safe=""),
        }
        for name, value in values.items():
            if not value:
                continue
            lasting = _YEAR_S if name in (_CLIENT, _EMAIL) else None
            response.set_cookie(name, value, path=self.path, max_age=lasting, samesite="lax")
        if self.cart is not None:
            response.set_cookie(_CART, self.cart.token, path=self.path, max_age=_YEAR_S, samesite="lax")
        return response


def read_visitor(site: Site, request: Request) -> Visitor:
    shop, cookies = site.get_shop(request), request.cookies
    landing, referrer = unquote(cookies.get(_LANDING, "")), unquote(cookies.get(_REFERRER, ""))
    if not landing or any(mark in request.query_params for mark in _CAMPAIGN_MARKS):
        landing = _public_path(request, shop)
        referrer = _outside_referrer(request)
    cart = site.store.carts.find(shop.id, cookies.get(_CART, ""))
    return Visitor(
        shop=shop,
        client_id=cookies.get(_CLIENT) or str(uuid.uuid4()),
        landing_site=landing,
        referring_site=referrer,
        cart=None if cart is None or cart.order_id is not None else cart,
        consent=_read_consent(cookies.get(_CONSENT, "")),
        has_chosen_consent=_CONSENT in cookies,
        email=unquote(cookies.get(_EMAIL, "")),
    )


def _public_path(request: Request, shop: Shop) -> str:
    """As the shop's own host would see it: without the simulator's prefix."""
    path = request.url.path.removeprefix(f"/shop/{request.path_params['shop']}") or "/"
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{path}{query}"[:_MAX_ADDRESS_CHARS]


def _outside_referrer(request: Request) -> str:
    referrer = request.headers.get("referer", "")
    is_own = urlsplit(referrer).netloc == request.url.netloc and "/shop/" in urlsplit(referrer).path
    return "" if is_own else referrer[:_MAX_ADDRESS_CHARS]


def _read_consent(text: str) -> dict[str, bool]:
    """Everything is allowed until the visitor says otherwise, as in a region without a consent law."""
    try:
        chosen = json.loads(unquote(text)) if text else {}
    except ValueError:
        chosen = {}
    if not isinstance(chosen, dict):
        chosen = {}
    return {kind: bool(chosen.get(kind, True)) for kind in _KINDS}
