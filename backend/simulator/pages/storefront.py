"""The shop that a buyer sees: shelves, product, cart, checkout, thanks, each reporting what happens to the pixel.

Invariants: the order is placed once however often the form is sent; cart and checkout tokens of the events are
those of the order.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.pages import customer_events as events
from simulator.pages.pixel import bundle_response, describe_pixel
from simulator.pages.rendering import Site, page, slug
from simulator.pages.shelves import list_shelf, list_types
from simulator.pages.visitor import Visitor, read_visitor
from simulator.state.records import Product, Variant
from simulator.world import FLAT_SHIPPING_MINOR, Checkout

PAGE_SIZE = 24
MAX_QUANTITY = 99
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

Form: TypeAlias = Mapping[str, str]
Event: TypeAlias = dict[str, Any]


def routes(site: Site) -> list[BaseRoute]:
    def shows(endpoint: Callable[[Site, Request], Response]) -> Callable[[Request], Response]:
        return lambda request: endpoint(site, request)

    def takes(endpoint: Callable[[Site, Request, Form], Response]) -> Callable[[Request], Any]:
        async def receive(request: Request) -> Response:
            form = {name: str(value) for name, value in (await request.form()).items()}
            return await run_in_threadpool(endpoint, site, request, form)

        return receive

    base = "/shop/{shop}"
    return [
        Route(f"{base}/", shows(_home)),
        Route(f"{base}/collections/{{handle}}", shows(_collection)),
        Route(f"{base}/search", shows(_search)),
        Route(f"{base}/discount/{{code}}", shows(_discount)),
        Route(f"{base}/products/{{handle}}", shows(_product)),
        Route(f"{base}/cart", shows(_cart)),
        Route(f"{base}/cart/add", takes(_add), methods=["POST"]),
        Route(f"{base}/cart/change", takes(_change), methods=["POST"]),
        Route(f"{base}/checkout", shows(_checkout)),
        Route(f"{base}/checkout", takes(_place_order), methods=["POST"]),
        Route(f"{base}/thank-you/{{token}}", shows(_thank_you)),
        Route(f"{base}/pixel.js", shows(bundle_response)),
    ]


def _show(site: Site, visitor: Visitor, name: str, happened: list[Event], **values: Any) -> Response:
    """A page of the shop, with everything its script needs to report what happened."""
    currency, products = visitor.shop.currency, site.store.products
    cart = events.cart_data(products, visitor.cart, currency) if visitor.cart else None
    facts = {
        "base": visitor.path,
        "clientId": visitor.client_id,
        "shop": visitor.shop.domain,
        "consent": visitor.consent,
        "pixel": describe_pixel(site, visitor.shop),
        "events": [{"name": "page_viewed", "data": {}}, *happened],
        "data": {
            "customer": None,
            "cart": cart,
            "shop": events.shop_data(visitor.shop, site.config.storefront_url(visitor.shop.domain)),
            "purchasingCompany": None,
        },
    }
    response = page(
        name,
        **values,
        shop=visitor.shop,
        base=visitor.path,
        types=list_types(site.store, visitor.shop.id),
        cart_count=cart["totalQuantity"] if cart else 0,
        consent=visitor.consent,
        has_chosen_consent=visitor.has_chosen_consent,
        facts=json.dumps(facts).replace("<", "\\u003c"),
    )
    return visitor.remember(response)


def _home(site: Site, request: Request) -> Response:
    visitor = read_visitor(site, request)
    number = _page_number(request)
    shelf = list_shelf(site.store, visitor.shop.id, limit=PAGE_SIZE, offset=number * PAGE_SIZE)
    return _show(
        site,
        visitor,
        "shop_home.html",
        [],
        shelf=shelf.items,
        total=shelf.total,
        number=number,
        page_size=PAGE_SIZE,
    )


def _collection(site: Site, request: Request) -> Response:
    visitor, handle = read_visitor(site, request), request.path_params["handle"]
    kind = next((name for name in list_types(site.store, visitor.shop.id) if slug(name) == handle), None)
    if kind is None and handle != "all":
        raise HTTPException(404, "This shop has no such collection.")
    number = _page_number(request)
    shelf = list_shelf(site.store, visitor.shop.id, kind=kind, limit=PAGE_SIZE, offset=number * PAGE_SIZE)
    data = {
        "collection": {
            "id": handle,
            "title": kind or "All products",
            "productVariants": [events.variant_data(*item, visitor.shop.currency) for item in shelf.items],
        }
    }
    return _show(
        site, visitor, "shop_collection.html", [{"name": "collection_viewed", "data": data}],
        title=kind or "All products", handle=handle, shelf=shelf.items, total=shelf.total, number=number,
        page_size=PAGE_SIZE,
    )  # fmt: skip


def _search(site: Site, request: Request) -> Response:
    visitor, words = read_visitor(site, request), request.query_params.get("q", "").strip()
    shelf = list_shelf(site.store, visitor.shop.id, words=words, limit=PAGE_SIZE)
    variants = [events.variant_data(*item, visitor.shop.currency) for item in shelf.items]
    happened = [
        {"name": "search_submitted", "data": {"searchResult": {"productVariants": variants, "query": words}}}
    ]
    return _show(
        site, visitor, "shop_search.html", happened if words else [],
        words=words, shelf=shelf.items if words else [], total=shelf.total if words else 0,
    )  # fmt: skip


def _product(site: Site, request: Request) -> Response:
    visitor = read_visitor(site, request)
    product = site.store.products.find_by_handle(visitor.shop.id, request.path_params["handle"])
    variants = site.store.products.list_variants(product.id) if product else []
    if product is None or not variants:
        raise HTTPException(404, "This shop has no such product.")
    wanted = request.query_params.get("variant", "")
    variant = next((one for one in variants if str(one.id) == wanted), variants[0])
    data = {"productVariant": events.variant_data(product, variant, visitor.shop.currency)}
    shelf = list_shelf(site.store, visitor.shop.id, kind=product.product_type, limit=5)
    return _show(
        site, visitor, "shop_product.html", [{"name": "product_viewed", "data": data}],
        product=product, variants=variants, variant=variant,
        more=[item for item in shelf.items if item[0].id != product.id][:4],
    )  # fmt: skip


def _cart(site: Site, request: Request) -> Response:
    visitor = read_visitor(site, request)
    currency, products = visitor.shop.currency, site.store.products
    cart = visitor.cart
    data = {"cart": events.cart_data(products, cart, currency) if cart else None}
    return _show(
        site, visitor, "shop_cart.html", [{"name": "cart_viewed", "data": data}],
        lines=_lines(site, visitor), total_minor=cart.total_minor if cart else 0,
    )  # fmt: skip


def _lines(site: Site, visitor: Visitor) -> list[tuple[Product, Variant, int, int]]:
    """Product, variant, quantity and price of each line that the shop still sells."""
    rows = []
    for line in visitor.cart.line_items if visitor.cart else []:
        variant, product = (
            site.store.products.variant(line.variant_id),
            site.store.products.product_of(line.variant_id),
        )
        if variant is not None and product is not None:
            rows.append((product, variant, line.quantity, line.quantity * line.unit_price_minor))
    return rows


def _add(site: Site, request: Request, form: Form) -> Response:
    visitor, variant = read_visitor(site, request), _wanted_variant(site, request, form)
    quantity = min(max(_number(form.get("quantity", "1")), 1), MAX_QUANTITY)
    cart = visitor.cart or site.store.carts.create(
        visitor.shop.id,
        landing_site=visitor.landing_site,
        referring_site=visitor.referring_site,
        client_id=visitor.client_id,
    )
    cart = site.store.carts.add(cart, variant.id, quantity, variant.price_minor)
    return _cart_answer(
        site, request, replace(visitor, cart=cart), variant, quantity, "product_added_to_cart"
    )


def _change(site: Site, request: Request, form: Form) -> Response:
    visitor, variant = read_visitor(site, request), _wanted_variant(site, request, form)
    if visitor.cart is None:
        return RedirectResponse(f"{visitor.path}/cart", 303)
    quantity = min(max(_number(form.get("quantity", "0")), 0), MAX_QUANTITY)
    held = sum(line.quantity for line in visitor.cart.line_items if line.variant_id == variant.id)
    cart = site.store.carts.set_quantity(visitor.cart, variant.id, quantity, variant.price_minor)
    name = "product_added_to_cart" if quantity > held else "product_removed_from_cart"
    return _cart_answer(site, request, replace(visitor, cart=cart), variant, abs(quantity - held), name)


def _wanted_variant(site: Site, request: Request, form: Form) -> Variant:
    variant = site.store.products.find_variant(site.get_shop(request).id, _number(form.get("variant", "")))
    if variant is None:
        raise HTTPException(422, "This shop sells no such variant.")
    return variant


def _cart_answer(
    site: Site, request: Request, visitor: Visitor, variant: Variant, quantity: int, name: str
) -> Response:
    """A script asks for JSON with the event to report; a plain form is sent on to the cart."""
    if request.headers.get("accept") != "application/json":
        return visitor.remember(RedirectResponse(f"{visitor.path}/cart", 303))
    currency, products = visitor.shop.currency, site.store.products
    product = products.find(visitor.shop.id, variant.product_id)
    line = {
        "cost": {"totalAmount": events.money_data(variant.price_minor * quantity, currency)},
        "merchandise": events.variant_data(product, variant, currency) if product else None,
        "quantity": quantity,
    }
    cart = events.cart_data(products, visitor.cart, currency) if visitor.cart else None
    body = {
        "event": {"name": name, "data": {"cartLine": line}} if quantity else None,
        "cart": cart,
        "title": product.title if product else "",
    }
    return visitor.remember(JSONResponse(body))


def _discount(site: Site, request: Request) -> Response:
    """Keeps the code for the checkout and leads on, with what else the query holds; never to another host."""
    visitor = read_visitor(site, request)
    query = dict(request.query_params)
    page = urlsplit(query.pop("redirect", "/"))
    rest = "&".join(part for part in (page.query, urlencode(query)) if part)
    path = "/" + page.path.lstrip("/")
    response = RedirectResponse(f"{visitor.path}{path}{'?' + rest if rest else ''}", 302)
    response.set_cookie(
        "discount", quote(request.path_params["code"], safe=""), path=visitor.path, samesite="lax"
    )
    return visitor.remember(response)


def _checkout(site: Site, request: Request, error: str = "", form: Form | None = None) -> Response:
    visitor = read_visitor(site, request)
    if visitor.cart is None or not visitor.cart.line_items:
        return RedirectResponse(f"{visitor.path}/cart", 303)
    cart = site.store.carts.start_checkout(visitor.cart)
    visitor = replace(visitor, cart=cart)
    data = {
        "checkout": events.checkout_data(
            site.store.products, visitor.shop, cart, shipping_minor=FLAT_SHIPPING_MINOR
        )
    }
    started = [] if error else [{"name": "checkout_started", "data": data}]
    return _show(
        site, visitor, "shop_checkout.html", started,
        lines=_lines(site, visitor), subtotal_minor=cart.total_minor, shipping_minor=FLAT_SHIPPING_MINOR,
        checkout_json=json.dumps(data).replace("<", "\\u003c"), error=error,
        form=defaultdict(
            str, form or {"email": visitor.email, "discount": unquote(request.cookies.get("discount", ""))}
        ),
    )  # fmt: skip


def _place_order(site: Site, request: Request, form: Form) -> Response:
    visitor, email = read_visitor(site, request), form.get("email", "").strip()
    if visitor.cart is None or not visitor.cart.line_items:
        return RedirectResponse(f"{visitor.path}/cart", 303)
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        return _checkout(site, request, "Enter an e-mail address, such as ann@example.com", form)
    checkout = Checkout(
        email=email.lower(),
        first_name=form.get("first_name", "").strip() or None,
        last_name=form.get("last_name", "").strip() or None,
        city=form.get("city", "").strip() or None,
        accepts_marketing=form.get("accepts_marketing") == "on",
        discount_codes=tuple(code for code in [form.get("discount", "").strip()] if code),
        landing_site=visitor.landing_site,
        referring_site=visitor.referring_site,
    )
    cart = site.store.carts.identify(site.store.carts.start_checkout(visitor.cart), email=checkout.email)
    site.world.complete_checkout(visitor.shop, cart, checkout)
    response = RedirectResponse(f"{visitor.path}/thank-you/{cart.checkout_token}", 303)
    replace(visitor, cart=None, email=email).remember(response)
    response.delete_cookie("cart", path=visitor.path)
    return response


def _thank_you(site: Site, request: Request) -> Response:
    visitor = read_visitor(site, request)
    cart = site.store.carts.find_by_checkout_token(visitor.shop.id, request.path_params["token"])
    order = site.store.orders.find(visitor.shop.id, cart.order_id) if cart and cart.order_id else None
    if cart is None or order is None:
        raise HTTPException(404, "This checkout has no order.")
    customer = site.store.customers.find(visitor.shop.id, order.customer_id) if order.customer_id else None
    data = {
        "checkout": events.checkout_data(
            site.store.products,
            visitor.shop,
            cart,
            shipping_minor=order.shipping_minor,
            order=order,
            customer=customer,
        )
    }
    # Reloading the page of thanks must not report a second purchase.
    happened = [{"name": "checkout_completed", "data": data, "once": str(cart.checkout_token)}]
    lines = _lines(site, replace(visitor, cart=cart))
    return _show(site, visitor, "shop_thanks.html", happened, order=order, lines=lines, customer=customer)


def _page_number(request: Request) -> int:
    return max(_number(request.query_params.get("page", "1")) - 1, 0)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
