"""Starting points: complete templates with their metadata, in the order in which the gallery shows them."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from storecast.messaging import mjml


@dataclass(frozen=True, slots=True)
class Template:
    """A built-in template."""

    key: str
    name: str
    description: str
    category: str
    subject: str
    preview_text: str

    @property
    def mjml(self) -> str | None:
        """The MJML source, when the template was written in it."""
        return _mjml(self.key)

    @property
    def html(self) -> str:
        """The Jinja source of what is sent."""
        return _html(self.key)


@cache
def _mjml(key: str) -> str | None:
    """The body of the template in the frame that all share, its slots filled."""
    file = files(__package__).joinpath(f"{key}.mjml.j2")
    if not file.is_file():
        return None
    why = _ORDER_MAIL if key in _OF_AN_ORDER else _ASKED_FOR
    body = _PRODUCTS.sub(_product_rows, file.read_text()).replace("<!-- order -->", _piece("_order").strip())
    return _piece("_frame").replace("<!-- body -->", body.strip()).replace("<!-- why -->", why)


def _product_rows(slot: re.Match[str]) -> str:
    return _piece("_products").strip().replace("LIST", slot["list"]).replace("COUNT", slot["count"])


def _piece(name: str) -> str:
    return files(__package__).joinpath(f"{name}.mjml.j2").read_text()


@cache
def _html(key: str) -> str:
    source = _mjml(key)
    return mjml.to_html(source) if source else files(__package__).joinpath(f"{key}.html.j2").read_text()


_PRODUCTS = re.compile(r"<!-- products: (?P<list>[a-z_.]+) (?P<count>\d) -->")
_OF_AN_ORDER = frozenset({"order-confirmation", "shipment", "receipt", "review-request"})
_ASKED_FOR = "You get mail from {{ shop.name }} because you asked for it."
_ORDER_MAIL = "You get this mail because you ordered at {{ shop.name }}."

TEMPLATES = (
    Template(
        "announcement",
        "Announcement",
        "One piece of news, told calmly: a headline, a few lines and one button.",
        "news",
        "News from {{ shop.name }}",
        "A few lines on what is new, {{ customer.first_name|default('friend') }}.",
    ),
    Template(
        "sale",
        "Sale",
        "A bold offer with a code and a deadline.",
        "promotion",
        "{{ customer.first_name|default('Hello') }}, 20% off everything this week",
        "Your code is inside. It works until Sunday night.",
    ),
    Template(
        "new-arrival",
        "New arrival",
        "Presents new products on cards in your colours that need no photograph.",
        "promotion",
        "Just in at {{ shop.name }}",
        "Three new things, picked for people who like them early.",
    ),
    Template(
        "best-sellers",
        "Best sellers",
        "What was bought most, with pictures and prices that fill in by themselves.",
        "promotion",
        "The favourites of the month at {{ shop.name }}",
        "Six things that people keep coming back for.",
    ),
    Template(
        "back-in-stock",
        "Back in stock",
        "Products that you pick, for people who waited for them.",
        "promotion",
        "It is back, {{ customer.first_name|default('and not for long') }}",
        "What was sold out is here again.",
    ),
    Template(
        "welcome",
        "Welcome, 1: hello",
        "The first mail of a welcome series: who you are and what to expect.",
        "welcome",
        "Welcome to {{ shop.name }}",
        "Good to have you with us.",
    ),
    Template(
        "welcome-favourites",
        "Welcome, 2: favourites",
        "The second mail of a welcome series: where to start, with your best sellers.",
        "welcome",
        "Not sure where to start, {{ customer.first_name|default('friend') }}?",
        "What our customers buy again.",
    ),
    Template(
        "abandoned-checkout",
        "Abandoned checkout",
        "Brings people back to the cart they left, and shows what else they looked at.",
        "retention",
        "You left something behind",
        "Your cart is as you left it.",
    ),
    Template(
        "win-back",
        "Win-back",
        "A personal note to people who have not ordered for a while.",
        "retention",
        "It has been a while, {{ customer.first_name|default('friend') }}",
        "A small thank-you is waiting for you.",
    ),
    Template(
        "review-request",
        "Review request",
        "Asks for a review some time after an order.",
        "order",
        "How do you like it, {{ customer.first_name|default('so far') }}?",
        "A line or two helps others to choose.",
    ),
    Template(
        "order-confirmation",
        "Order confirmation",
        "Thanks for the order and lists what is in it.",
        "order",
        "Thank you for your order{% if order.name %} {{ order.name }}{% endif %}",
        "We are getting it ready.",
    ),
    Template(
        "shipment",
        "Shipment",
        "The order is on its way.",
        "order",
        "Your order{% if order.name %} {{ order.name }}{% endif %} is on its way",
        "It usually takes two to four working days.",
    ),
    Template(
        "receipt",
        "Receipt",
        "What was paid, for the records.",
        "order",
        "Your receipt from {{ shop.name }}",
        "Keep it for your records.",
    ),
    Template(
        "plain",
        "Plain letter",
        "Looks like a letter from a person: text, one link, nothing else.",
        "news",
        "A short note from {{ shop.name }}",
        "",
    ),
)
"""Checked by a test: each passes the sandbox, fits under Gmail's clip and renders for a customer without a name."""

BY_KEY = {template.key: template for template in TEMPLATES}
