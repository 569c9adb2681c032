"""The page behind a message's link to preferences: the shop's look, the reader's language, no script, nothing to fetch
but the logo."""

import base64
import hashlib
from datetime import datetime
from typing import Literal

from jinja2 import Environment, PackageLoader, select_autoescape

from storecast.messaging.brand import FONTS, PLAIN, on
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

_ENGLISH = {
    "title": "Your e-mail preferences",
    "who": "For",
    "topics": "What would you like to hear about?",
    "frequency": "How often?",
    "frequency_all": "Whenever there is something new",
    "frequency_weekly": "At most once a week",
    "frequency_monthly": "At most once a month",
    "pause": "Take a break",
    "paused_until": "You get nothing until",
    "pause_none": "No break",
    "pause_stays": "Leave it so",
    "pause_end": "End the break now",
    "pause_days": "{days} days",
    "save": "Save",
    "leave": "Or would you rather have no marketing e-mail at all? Messages about your orders still come.",
    "unsubscribe": "Unsubscribe from everything",
    "not_subscribed": "You get no marketing e-mail from us. Messages about your orders still come.",
    "subscribe": "Subscribe again",
    "saved": "Saved.",
    "unsubscribed": "You are unsubscribed.",
    "subscribed": "You are subscribed again.",
    "nothing_changed": "Nothing was changed. Please try again.",
    "link_dead": "This link leads nowhere. It may be incomplete: try the link in the message again.",
}
_GERMAN = {
    "title": "Ihre E-Mail-Einstellungen",
    "who": "Für",
    "topics": "Was interessiert Sie?",
    "frequency": "Wie oft?",
    "frequency_all": "Sobald es etwas Neues gibt",
    "frequency_weekly": "Höchstens einmal pro Woche",
    "frequency_monthly": "Höchstens einmal im Monat",
    "pause": "Pause einlegen",
    "paused_until": "Sie erhalten nichts bis zum",
    "pause_none": "Keine Pause",
    "pause_stays": "So lassen",
    "pause_end": "Pause jetzt beenden",
    "pause_days": "{days} Tage",
    "save": "Speichern",
    "leave": "Oder möchten Sie gar keine Werbung mehr? Nachrichten zu Ihren Bestellungen kommen weiterhin.",
    "unsubscribe": "Von allem abmelden",
    "not_subscribed": "Sie erhalten keine Werbung von uns. Nachrichten zu Ihren Bestellungen kommen weiterhin.",
    "subscribe": "Wieder anmelden",
    "saved": "Gespeichert.",
    "unsubscribed": "Sie sind abgemeldet.",
    "subscribed": "Sie sind wieder angemeldet.",
    "nothing_changed": "Es wurde nichts geändert. Bitte versuchen Sie es noch einmal.",
    "link_dead": "Dieser Link führt ins Leere. Vielleicht ist er unvollständig: Nehmen Sie bitte den in der Nachricht.",
}
WORDS = {"en": _ENGLISH, "de": _GERMAN}


def language(*wanted: str | None) -> str:
    """The first language named that the page has: of locales (``de-AT``) or of an Accept-Language header."""
    for each in wanted:
        for part in (each or "").split(",")[:20]:
            code = part.partition(";")[0].strip().partition("-")[0].lower()
            if code in WORDS:
                return code
    return "en"


def render(choices: Choices | None, lang: str, *, notice: Notice | None = None) -> tuple[str, dict[str, str]]:
    """The page and its headers; without choices only the notice is on it."""
    brand = choices.brand if choices else PLAIN
    style = _STYLE % {
        "font": FONTS[brand.font],
        "background": brand.background,
        "accent": brand.accent,
        "on_accent": on(brand.accent),
    }
    page = _PAGES.get_template("preferences.html.j2").render(
        lang=lang,
        words=WORDS[lang],
        # It holds nothing but colours that were checked, and a browser reads it as it stands.
        style=_Ready(style),
        choices=choices,
        shop_name=choices.shop_name if choices else "",
        logo_url=brand.logo_url,
        address=brand.address,
        paused_until=_day(choices.paused_until, lang) if choices and choices.paused_until else None,
        frequencies=FREQUENCIES,
        pauses=PAUSES_DAYS,
        notice=notice,
    )
    return page, _headers(style)


def _day(at: datetime, lang: str) -> str:
    return f"{at:%d.%m.%Y}" if lang == "de" else f"{at.day} {at:%B %Y}"


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
