"""The page behind a message's link to preferences: the shop's look, the reader's language, no script, nothing to fetch
but the logo."""

import base64
import hashlib
from typing import Literal

from jinja2 import Environment, PackageLoader, select_autoescape

from storecast.messaging import page_words
from storecast.messaging.brand import FONTS, PLAIN, Brand, on
from storecast.messaging.preferences import FREQUENCIES, PAUSES_DAYS, Choices

Notice = Literal["saved", "unsubscribed", "subscribed", "nothing_changed", "link_dead"]

_PAGES = Environment(
    loader=PackageLoader("storecast.messaging", "pages"),
    autoescape=select_autoescape(["html", "j2"]),
    trim_blocks=True,
    lstrip_blocks=True,
)

_STYLE = (
    "*{box-sizing:border-box}body{font:16px/1.5 %(font)s;margin:0;padding:16px;background:%(background)s;color:#202223}"
    "main{max-width:32rem;margin:4vh auto;padding:1.5rem;background:#fff;border-radius:12px;overflow-wrap:anywhere;"
    "box-shadow:0 1px 3px rgb(0 0 0/.15)}.logo{max-height:48px;max-width:60%%}.shop{font-weight:600;margin:0}"
    "h1{font-size:1.4rem;margin:1rem 0 .5rem}p{margin:0 0 1rem}.who{color:#5c5f62}"
    ".notice{padding:.75rem 1rem;border-radius:8px;background:#eef6ee;border:1px solid #95c9b4}"
    "fieldset{border:0;border-top:1px solid #e1e3e5;margin:0;padding:1rem 0}legend{font-weight:600;padding:0;"
    "float:left;width:100%%;margin-bottom:.5rem}legend+*{clear:both}.choice{display:flex;gap:.75rem;padding:.5rem 0;"
    "align-items:flex-start;cursor:pointer}.choice input{width:1.25rem;height:1.25rem;margin:.125rem 0 0;flex:none;"
    "accent-color:%(accent)s}small{display:block;color:#5c5f62}button{font:inherit;font-weight:600;width:100%%;"
    "padding:.8rem 1.2rem;border:1px solid %(accent)s;border-radius:8px;background:%(accent)s;color:%(on_accent)s;"
    "cursor:pointer}button.plain{background:#fff;color:#202223;border-color:#8c9196}"
    "button:focus-visible,input:focus-visible{outline:3px solid #2c6ecb;outline-offset:2px}"
    ".rest{border-top:1px solid #e1e3e5;margin-top:1.5rem;padding-top:1rem}"
    "footer{margin-top:1.5rem;color:#5c5f62;font-size:.85rem}"
)


def render(choices: Choices | None, lang: str, *, notice: Notice | None = None) -> tuple[str, dict[str, str]]:
    """The page and its headers; without choices only the notice is on it."""
    return render_template(
        "preferences.html.j2",
        choices.brand if choices else PLAIN,
        lang=lang,
        words=page_words.WORDS[lang],
        choices=choices,
        shop_name=choices.shop_name if choices else "",
        paused_until=page_words.day(choices.paused_until, lang) if choices and choices.paused_until else None,
        frequencies=FREQUENCIES,
        pauses=PAUSES_DAYS,
        notice=notice,
    )


def render_template(name: str, brand: Brand, **values: object) -> tuple[str, dict[str, str]]:
    """A page of this kind in the shop's look, and its headers."""
    style = _STYLE % {
        "font": FONTS[brand.font],
        "background": brand.background,
        "accent": brand.accent,
        "on_accent": on(brand.accent),
    }
    page = _PAGES.get_template(name).render(
        # It holds nothing but colours that were checked, and a browser reads it as it stands.
        style=_Ready(style),
        logo_url=brand.logo_url,
        address=brand.address,
        **values,
    )
    return page, _headers(style)


class _Ready(str):
    """Text that goes into the page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def _headers(style: str) -> dict[str, str]:
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Cache-Control": "no-store, max-age=0",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{known}'; img-src https:; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'; script-src 'none'; font-src 'none'; connect-src 'none'; "
            "frame-src 'none'; object-src 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
