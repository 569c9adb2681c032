"""A visit of the simulated storefront without a browser: its pages, its cart, and the events that the pixel sends.

The wire shape is the pixel's own (extensions/web-pixel/golden); a browser test runs the built pixel itself.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0"
BUYER = {"first_name": "Sam", "last_name": "Smoke", "city": "Boston"}


class PageUnreadable(Exception):
    """A page of the storefront lacks what a visitor needs of it."""


class Visit:
    """One visitor from landing to thanks; keeps the cookies and the click token of the landing."""

    def __init__(self, landing: str, pixel_url: str) -> None:
        self.pixel_url = pixel_url
        self.browser = httpx.Client(timeout=30, follow_redirects=True, headers={"User-Agent": FIREFOX})
        self.click = parse_qs(urlsplit(landing).query).get("sc_click", [None])[0]
        self.sequence = 0
        self.key = self.base = self.client_id = self.page = self.page_url = ""
        if self.open(landing)["pixel"] is None:
            raise PageUnreadable("the storefront loads no pixel")

    def close(self) -> None:
        self.browser.close()

    def buy(self, email: str) -> str:
        """Look at the first product, take it to the cart and through the checkout; returns the checkout's token."""
        home = self.open(self.base)
        product = self.open(
            urljoin(self.base, first(rf'href="({re.escape(home["base"])}/products/[^"]+)"', self.page))
        )
        viewed = product["events"][-1]["data"]["productVariant"]
        added = self.post("/cart/add", {"variant": viewed["id"], "quantity": "1"}, as_json=True).json()
        self.report(added["event"]["name"], self.page_url, cart=added["cart"], variant=viewed, quantity=1)
        self.open(f"{self.base}cart")
        self.open(f"{self.base}checkout")
        thanks = self.post("/checkout", {"email": email, **BUYER})
        self.read(thanks)
        return str(thanks.url).rpartition("/")[2].partition("?")[0]

    def open(self, url: str) -> dict[str, Any]:
        return self.read(self.browser.get(url))

    def read(self, response: httpx.Response) -> dict[str, Any]:
        """Take in a page and report what its script would report."""
        response.raise_for_status()
        self.page, self.page_url = response.text, str(response.url)
        found = first(r'<script type="application/json" id="storefront">(.*?)</script>', self.page)
        facts: dict[str, Any] = json.loads(found)
        self.base, self.client_id = urljoin(self.page_url, facts["base"] + "/"), facts["clientId"]
        if facts["pixel"] is not None:
            self.key = next(iter(facts["pixel"]["settings"].values()))
            for event in facts["events"]:
                data = event["data"]
                self.report(
                    event["name"],
                    self.page_url,
                    cart=facts["data"]["cart"],
                    variant=data.get("productVariant"),
                    checkout=data.get("checkout"),
                )
        return facts

    def post(self, path: str, form: dict[str, str], *, as_json: bool = False) -> httpx.Response:
        accepts = {"Accept": "application/json"} if as_json else {}
        answer = self.browser.post(self.base.rstrip("/") + path, data=form, headers=accepts)
        return answer.raise_for_status()

    def report(
        self,
        name: str,
        url: str,
        *,
        cart: dict[str, Any] | None = None,
        variant: dict[str, Any] | None = None,
        checkout: dict[str, Any] | None = None,
        quantity: int | None = None,
    ) -> None:
        """Send one event as the pixel does: text/plain, without the click token in the address."""
        self.sequence += 1
        order = (checkout or {}).get("order") or {}
        value = (checkout or {}).get("totalPrice") or (variant or {}).get("price")
        event = {
            "id": str(uuid.uuid4()),
            "name": name,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "client_id": self.client_id,
            "seq": self.sequence,
            "url": url.partition("?")[0],
            "referrer": "",
            "click": self.click,
            "customer_gid": None,
            "product_gid": gid("Product", (variant or {}).get("product", {}).get("id")),
            "variant_gid": gid("ProductVariant", (variant or {}).get("id")),
            "quantity": quantity,
            "cart_token": (cart or {}).get("id"),
            "checkout_token": (checkout or {}).get("token"),
            "order_gid": gid("Order", order.get("id")),
            "value": f"{value['amount']:.2f}" if value else None,
            "currency": value["currencyCode"] if value else None,
            "search": None,
            "consent": {"analytics": True, "marketing": True},
        }
        body = json.dumps({"v": 1, "key": self.key, "events": [event]})
        answer = httpx.post(
            self.pixel_url, content=body, headers={"Content-Type": "text/plain", "User-Agent": FIREFOX}
        )
        if answer.status_code != 202 or answer.json()["accepted"] != 1:
            raise PageUnreadable(f"{name} was not accepted: {answer.status_code} {answer.text[:300]}")


def gid(kind: str, number: object) -> str | None:
    """Events carry plain numbers or gids; an order's is an order identity with the order's number."""
    return f"gid://shopify/{kind}/{str(number).rpartition('/')[2]}" if number else None


def first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    if found is None:
        raise PageUnreadable(f"nothing on the page matches {pattern}")
    return found.group(1)
