"""The gallery's pictures: each template as somebody would get it, in the shop's own look, with made-up people and
products."""

import json
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from storecast.messaging import compose, preview, sandbox
from storecast.messaging.compose import Content
from storecast.messaging.context import ShopFacts, fixed_context


def _picture(light: str, dark: str) -> str:
    """A still life that needs no file: a disc on a ground."""
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path fill="{light}" d="M0 0h9v9H0z"/>'
        f'<circle cx="4.5" cy="4.5" r="2.4" fill="{dark}"/></svg>'
    )
    return f"data:image/svg+xml,{quote(drawing)}"


_PRODUCTS: list[dict[str, Any]] = [
    {"title": title, "url": "#", "price": price, "image_url": _picture(light, dark)}
    for title, price, light, dark in (
        ("Linen shirt", 59.0, "#dbe7e1", "#7aa998"),
        ("Wool socks, three pairs", 24.5, "#efe3d6", "#c08a5b"),
        ("Candle, fig and cedar", 32.0, "#e3e0ee", "#8c7fb8"),
        ("Enamel mug", 18.0, "#dce6ef", "#6c93b8"),
    )
]
_LISTS = {"picked": _PRODUCTS, "best_sellers": _PRODUCTS, "newest": _PRODUCTS}
_PERSON = {
    "customer": {
        "first_name": "Alex", "last_name": "Reed", "name": "Alex Reed", "email": "alex@example.com",
        "city": "Portland", "country": "US", "orders_count": 3, "total_spent": 240.0, "last_order_at": "2026-08-12",
        "recently_viewed": _PRODUCTS, "bought_together": _PRODUCTS[1:],
    },
    "order": {
        "name": "#1042", "placed_at": "2026-08-12", "total": 108.0,
        "lines": [
            {"title": "Linen shirt", "quantity": 1, "price": 59.0},
            {"title": "Wool socks, three pairs", "quantity": 2, "price": 24.5},
        ],
    },
    "checkout": {"url": "#", "started_at": "2026-08-12", "total": 83.5},
    "unsubscribe_url": "#",
}  # fmt: skip


def picture(source: str, shop: ShopFacts) -> str:
    """A template of the gallery as the sample person would get it, as HTML."""
    return _rendered(source, shop)


def picture_under_limits(source: str, shop: ShopFacts) -> str:
    """The same of a vetted template that somebody wrote, rendered under limits; raises RenderingFailed."""
    return preview.render(
        {"html": preview.Template(compose.source_of(_content(source)), html=True)}, _context(shop)
    )["html"]


@lru_cache(maxsize=256)
def _rendered(source: str, shop: ShopFacts) -> str:
    return sandbox.render(compose.source_of(_content(source)), _context(shop), html=True)


def _content(source: str) -> Content:
    return Content("", "", source, "", "", "", json.dumps(_LISTS))


def _context(shop: ShopFacts) -> dict[str, Any]:
    return {**fixed_context(shop, campaign={"name": ""}, products=_LISTS), **_PERSON}
