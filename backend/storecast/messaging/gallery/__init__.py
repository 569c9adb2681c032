"""Starting points: complete templates with their metadata, in the order in which the gallery shows them."""

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
    file = files(__package__).joinpath(f"{key}.mjml.j2")
    return file.read_text() if file.is_file() else None


@cache
def _html(key: str) -> str:
    source = _mjml(key)
    return mjml.to_html(source) if source else files(__package__).joinpath(f"{key}.html.j2").read_text()


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
        "Presents new products on coloured cards that need no photograph.",
        "promotion",
        "Just in at {{ shop.name }}",
        "Three new things, picked for people who like them early.",
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
