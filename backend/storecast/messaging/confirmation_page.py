"""The page behind a link that confirms a subscription: the shop's look, the reader's language, one button."""

from storecast.messaging import preferences_page
from storecast.messaging.brand import PLAIN
from storecast.messaging.confirmations import Question

_ENGLISH = {
    "title": "Your subscription",
    "open": "Would you like to get news and offers from {shop} by e-mail?",
    "confirm": "Yes, subscribe me",
    "otherwise": "If not, simply close this page: nothing will be sent.",
    "confirmed": "You are subscribed. Every message has a link to unsubscribe.",
    "closed": "There is nothing to confirm any more: nothing was changed.",
    "expired": "This link has expired.",
    "resend": "Send me a new link",
    "resent": "A new link is on its way.",
    "dead": "This link leads nowhere. It may be incomplete: try the link in the message again.",
}
_GERMAN = {
    "title": "Ihre Anmeldung",
    "open": "Möchten Sie Neuigkeiten und Angebote von {shop} per E-Mail erhalten?",
    "confirm": "Ja, anmelden",
    "otherwise": "Wenn nicht, schließen Sie einfach diese Seite: Es wird nichts gesendet.",
    "confirmed": "Sie sind angemeldet. In jeder Nachricht steht ein Link zum Abmelden.",
    "closed": "Hier ist nichts mehr zu bestätigen: Es wurde nichts geändert.",
    "expired": "Dieser Link ist abgelaufen.",
    "resend": "Neuen Link senden",
    "resent": "Ein neuer Link ist unterwegs.",
    "dead": "Dieser Link führt ins Leere. Vielleicht ist er unvollständig: Nehmen Sie bitte den in der Nachricht.",
}
WORDS = {"en": _ENGLISH, "de": _GERMAN}
"""Other languages read English."""


def render(question: Question | None, lang: str, *, resent: bool = False) -> tuple[str, dict[str, str]]:
    """The page and its headers; without a question it says that the link leads nowhere."""
    shop = question.shop_name if question else ""
    lang = lang if lang in WORDS else "en"
    words = {key: text.format(shop=shop) for key, text in WORDS[lang].items()}
    return preferences_page.render_template(
        "confirmation.html.j2",
        question.brand if question else PLAIN,
        lang=lang,
        words=words,
        question=question,
        shop_name=shop,
        resent=resent,
    )
