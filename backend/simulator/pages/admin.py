"""The simulated admin: a shop's home, orders, products and customers, and the page around the app.

Invariants: only this page's own origin can read an ID token; what an installed app may do is exactly what the
install page listed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.pages.people import count_customers, find_customers
from simulator.pages.rendering import Site, page, set_user_cookie
from simulator.state.records import Shop

PAGE_SIZE = 50
_OWN_PARAMETERS = {"shop", "host", "id_token", "embedded", "locale", "session", "timestamp", "hmac"}

# What the person allows, in the words of the admin's install page.
_SCOPE_WORDS = {
    "customers": "Customers: names, e-mail addresses, consent",
    "orders": "Orders, transactions and fulfilments",
    "all_orders": "All orders, also older than 60 days",
    "products": "Products and collections",
    "pixels": "Web pixels: add one to the store",
    "customer_events": "Customer events on the storefront",
    "marketing_events": "Marketing activities and their results",
    "discounts": "Discounts and discount codes",
    "store_credit_account_transactions": "Store credit",
    "reports": "Reports",
    "fulfillments": "Fulfilments and tracking",
    "customer_merge": "Merged customers",
}


def routes(site: Site) -> list[BaseRoute]:
    def bind(endpoint: Callable[[Site, Request], Response]) -> Callable[[Request], Response]:
        return lambda request: endpoint(site, request)

    async def change_scopes(request: Request) -> Response:
        return await run_in_threadpool(_change_scopes, site, request, await request.json())

    async def choose_user(request: Request) -> Response:
        form = await request.form()
        shop = await run_in_threadpool(site.get_shop, request)
        response = RedirectResponse(f"/store/{shop.domain}", 303)
        set_user_cookie(response, str(form.get("user", "")))
        return response

    store = "/store/{shop}"
    return [
        Route("/", bind(_first_home)),
        Route(store, bind(_home)),
        Route(f"{store}/orders", bind(_orders)),
        Route(f"{store}/products", bind(_products)),
        Route(f"{store}/customers", bind(_customers)),
        Route(f"{store}/customers/{{customer:int}}/consent", bind(_toggle_consent), methods=["POST"]),
        Route(f"{store}/apps", bind(_apps)),
        Route(f"{store}/install", bind(_install_page)),
        Route(f"{store}/install", bind(_install), methods=["POST"]),
        Route(f"{store}/uninstall", bind(_uninstall), methods=["POST"]),
        Route(f"{store}/user", choose_user, methods=["POST"]),
        Route(f"{store}/user.json", bind(_user)),
        Route(f"{store}/id-token", bind(_id_token)),
        Route(f"{store}/scopes", bind(_scopes)),
        Route(f"{store}/scopes", change_scopes, methods=["POST"]),
        Route(f"{store}/apps/{site.app_handle}", bind(_app)),
        Route(f"{store}/apps/{site.app_handle}/{{path:path}}", bind(_app)),
    ]


def _shell(site: Site, request: Request, shop: Shop, section: str) -> dict[str, Any]:
    """What the frame around every page shows."""
    return {
        "site": site,
        "shop": shop,
        "shops": site.store.shops.list_shops(),
        "section": section,
        "user": site.current_user(request, shop),
        "users": site.store.shops.list_users(shop.id),
        "installed": site.world.is_installed(shop),
        "mail_count": site.mail.store.count(),
        "notice": request.query_params.get("notice", ""),
    }


def _first_home(site: Site, request: Request) -> Response:
    shops = site.store.shops.list_shops()
    if not shops:
        return page("empty.html", status=503)
    request.path_params["shop"] = shops[0].domain
    return _home(site, request)


def _home(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    return page(
        "home.html",
        **_shell(site, request, shop, "home"),
        totals=site.store.totals(shop.id),
        orders=_with_buyers(site, shop, site.store.orders.list_orders(shop.id, limit=6)),
        scopes=len(site.world.manifest.scopes),
    )


def _orders(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    number, total = _page_number(request), site.store.orders.count(shop.id)
    rows = site.store.orders.list_orders(shop.id, limit=PAGE_SIZE, offset=number * PAGE_SIZE)
    return page(
        "orders.html",
        **_shell(site, request, shop, "orders"),
        rows=_with_buyers(site, shop, rows),
        paging=_paging(number, total),
    )


def _with_buyers(site: Site, shop: Shop, orders: list[Any]) -> list[tuple[Any, str]]:
    people = {
        order.customer_id: site.store.customers.find(shop.id, order.customer_id)
        for order in orders
        if order.customer_id is not None
    }
    return [
        (order, getattr(people.get(order.customer_id), "display_name", order.email or "Guest"))
        for order in orders
    ]


def _products(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    number, total = _page_number(request), site.store.products.count(shop.id)
    products = site.store.products.list_products(shop.id, limit=PAGE_SIZE, offset=number * PAGE_SIZE)
    return page(
        "products.html",
        **_shell(site, request, shop, "products"),
        rows=[(product, site.store.products.list_variants(product.id)) for product in products],
        paging=_paging(number, total),
    )


def _customers(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    number, search = _page_number(request), request.query_params.get("search", "").strip()
    rows = find_customers(site.store, shop.id, search, limit=PAGE_SIZE, offset=number * PAGE_SIZE)
    total = count_customers(site.store, shop.id, search)
    return page(
        "customers.html",
        **_shell(site, request, shop, "customers"),
        rows=rows,
        search=search,
        paging=_paging(number, total),
    )


def _toggle_consent(site: Site, request: Request) -> Response:
    """Subscribed becomes unsubscribed and the other way round; the app hears of it by webhook."""
    shop, number = site.get_shop(request), request.path_params["customer"]
    customer = site.store.customers.find(shop.id, number)
    if customer is None:
        raise HTTPException(404, "This shop has no such customer.")
    state = "UNSUBSCRIBED" if customer.email_state == "SUBSCRIBED" else "SUBSCRIBED"
    level = "SINGLE_OPT_IN" if state == "SUBSCRIBED" else None
    site.world.change_consent(shop, number, state, opt_in_level=level)
    query = {**dict(request.query_params), "notice": f"{customer.display_name} is now {state.lower()}"}
    return RedirectResponse(f"/store/{shop.domain}/customers?{urlencode(query)}", 303)


def _apps(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    installation = site.store.access.find_installation(shop.id)
    return page("apps.html", **_shell(site, request, shop, "apps"), installation=installation)


def _install_page(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    return page("install.html", **_shell(site, request, shop, "install"), access=_access_words(site))


def _access_words(site: Site) -> list[tuple[str, str]]:
    """Each thing the app asks for, and whether it reads, writes or both."""
    wanted: dict[str, set[str]] = {}
    for scope in site.world.manifest.scopes:
        verb, _, thing = scope.partition("_")
        wanted.setdefault(thing, set()).add(verb)
    verbs = {frozenset({"read"}): "View", frozenset({"write"}): "Edit"}
    return [
        (
            _SCOPE_WORDS.get(thing, thing.replace("_", " ").capitalize()),
            verbs.get(frozenset(how), "View and edit"),
        )
        for thing, how in wanted.items()
    ]


def _install(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    site.world.install(shop)
    return RedirectResponse(f"/store/{shop.domain}/apps/{site.app_handle}", 303)


def _uninstall(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    site.world.uninstall(shop)
    notice = urlencode({"notice": f"{site.app_name} was removed"})
    return RedirectResponse(f"/store/{shop.domain}/apps?{notice}", 303)


def _app(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    store_path = f"/store/{shop.domain}"
    if not site.world.is_installed(shop):
        return RedirectResponse(f"{store_path}/install", 303)
    path = request.path_params.get("path", "")
    facts = {
        "appName": site.app_name,
        "appOrigin": site.app_origin,
        "appPath": f"{store_path}/apps/{site.app_handle}",
        "shopName": shop.name,
        "storePath": store_path,
        "idTokenPath": f"{store_path}/id-token",
        "userPath": f"{store_path}/user.json",
        "scopesPath": f"{store_path}/scopes",
    }
    return page(
        "app.html",
        **_shell(site, request, shop, "app"),
        facts=json.dumps(facts).replace("<", "\\u003c"),
        frame_address=_frame_address(site, request, shop, path),
    )


def _frame_address(site: Site, request: Request, shop: Shop, path: str) -> str:
    """The app's page with what the platform appends; the page's own query comes first."""
    user = site.current_user(request, shop)
    own = [(name, value) for name, value in parse_qsl(request.url.query) if name not in _OWN_PARAMETERS]
    appended = {
        "embedded": "1",
        "host": base64.b64encode(f"admin.shopify.com/store/{shop.handle}".encode()).decode().rstrip("="),
        "id_token": site.world.mint_id_token(shop, user.id),
        "locale": user.locale,
        "shop": shop.domain,
    }
    return f"{site.config.app_url.rstrip('/')}/{path}?{urlencode([*own, *appended.items()])}"


def _id_token(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    if not site.world.is_installed(shop):
        return JSONResponse({"error": "the app is not installed"}, 409)
    token = site.world.mint_id_token(shop, site.current_user(request, shop).id)
    return JSONResponse({"token": token}, headers={"Cache-Control": "no-store"})


def _user(site: Site, request: Request) -> Response:
    user = site.current_user(request, site.get_shop(request))
    return JSONResponse({"accountAccess": "Full access" if user.account_owner else "Limited access"})


def _scopes(site: Site, request: Request) -> Response:
    installation = site.store.access.find_installation(site.get_shop(request).id)
    granted = [scope for scope in installation.scopes.split(",") if scope] if installation else []
    required = list(site.world.manifest.scopes)
    optional = [scope for scope in granted if scope not in required]
    return JSONResponse({"granted": granted, "required": required, "optional": optional})


def _change_scopes(site: Site, request: Request, body: dict[str, list[str]]) -> Response:
    shop = site.get_shop(request)
    installation = site.store.access.find_installation(shop.id)
    if installation is None:
        return JSONResponse({"error": "the app is not installed"}, 409)
    revoked = set(body.get("revoke", [])) - set(site.world.manifest.scopes)
    granted = [scope for scope in installation.scopes.split(",") if scope and scope not in revoked]
    granted += [scope for scope in body.get("grant", []) if scope not in granted]
    site.world.change_scopes(shop, granted)
    return _scopes(site, request)


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    return max(int(text) - 1, 0) if text.isdigit() else 0


def _paging(number: int, total: int) -> dict[str, int | None]:
    last = max((total - 1) // PAGE_SIZE, 0)
    return {
        "first": number * PAGE_SIZE + 1 if total else 0,
        "last": min((number + 1) * PAGE_SIZE, total),
        "total": total,
        "previous": number if number > 0 else None,
        "next": number + 2 if number < last else None,
    }
