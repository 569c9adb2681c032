"""What a person sees in the browser when a sign-in fails: why, in their language, and a link that begins again.

Programs that ask for JSON get the problem document instead. The page runs no script, loads nothing, and shows nothing
of the request but the store's address, and that only when it is one.
"""

import base64
import hashlib
import html
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from storecast.kit.errors import StorecastError
from storecast.kit.languages import Language, preferred
from storecast.observability import problems
from storecast.observability.requests import request_id
from storecast.shopify.domains import find_shop_domain

HEADER_MAX = 1000

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#f1f1f1;margin:0;padding:2rem 1rem}"
    "main{max-width:32rem;margin:10vh auto 0;background:#fff;border-radius:12px;padding:2rem}"
    "h1{font-size:1.25rem;margin:0 0 .75rem}"
    "a{display:inline-block;margin:1rem 0;padding:.6rem 1.1rem;border-radius:8px;background:#1a1a1a;color:#fff;"
    "text-decoration:none}"
    "small{color:#595959;overflow-wrap:anywhere}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; script-src 'none'; img-src 'none'; font-src 'none'; "
    "connect-src 'none'; frame-src 'none'; object-src 'none'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class _Words(NamedTuple):
    title: str
    again: str
    request: str
    reasons: dict[str, str]
    otherwise: str


_WORDS: dict[Language, _Words] = {
    "en": _Words(
        title="You are not signed in yet",
        again="Start again",
        request="If this happens again, tell us this number:",
        reasons={
            "invalid": "This is not the address of a Shopify store. It ends in .myshopify.com.",
            "member_removed": "Somebody of this store has taken away your access to Storecast. Ask its owner.",
            "sign_in_abandoned": "The sign-in took too long, or began in another window or browser.",
            "sign_in_denied": "Shopify was told not to let Storecast in. Nothing was changed in the store.",
            "signature_refused": "The link is too old, or it was changed on its way here from Shopify.",
            "shopify_grant_refused": "Shopify did not accept the sign-in: each one is good for a single try.",
            "shopify_unreachable": "Shopify does not answer at the moment. Try again in a minute.",
            "shop_unknown": "Storecast is not installed in this store.",
        },
        otherwise="The sign-in did not work. Nothing was changed in the store.",
    ),
    "de": _Words(
        title="Sie sind noch nicht angemeldet",
        again="Neu beginnen",
        request="Falls das noch einmal geschieht, nennen Sie uns diese Nummer:",
        reasons={
            "invalid": "Das ist nicht die Adresse eines Shopify-Shops. Sie endet auf .myshopify.com.",
            "member_removed": "Jemand aus diesem Shop hat Ihnen den Zugang zu Storecast entzogen. "
            "Fragen Sie die Inhaberin oder den Inhaber.",
            "sign_in_abandoned": "Die Anmeldung hat zu lange gedauert oder in einem anderen Fenster oder Browser "
            "begonnen.",
            "sign_in_denied": "Storecast wurde bei Shopify nicht zugelassen. Im Shop wurde nichts geändert.",
            "signature_refused": "Der Link ist zu alt oder wurde auf dem Weg von Shopify hierher verändert.",
            "shopify_grant_refused": "Shopify hat die Anmeldung nicht angenommen: Jede gilt für einen Versuch.",
            "shopify_unreachable": "Shopify antwortet gerade nicht. Versuchen Sie es in einer Minute noch einmal.",
            "shop_unknown": "Storecast ist in diesem Shop nicht installiert.",
        },
        otherwise="Die Anmeldung hat nicht funktioniert. Im Shop wurde nichts geändert.",
    ),
}


def wants_page(request: Request) -> bool:
    """Whether it is a browser that asks: it names HTML, and likes it no less than JSON."""
    weights = _weights(request.headers.get("accept", "")[:HEADER_MAX])
    return weights.get("text/html", 0.0) > 0 and weights["text/html"] >= weights.get("application/json", 0.0)


def answer(request: Request, error: StorecastError) -> HTMLResponse:
    """The page for an error, with the status that the problem document has."""
    language = preferred(request.headers.get("accept-language"))
    words = _WORDS[language]
    identifier = request_id(request.scope)
    status, headers, _document = problems.render(error, identifier)
    domain = find_shop_domain(request.query_params.get("shop"))
    again = f"/auth/login?{urlencode({'shop': domain})}" if domain else "/"
    body = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{words.title} · Storecast</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{words.title}</h1><p>{words.reasons.get(error.code, words.otherwise)}</p>"
        f'<a href="{html.escape(again)}">{words.again}</a>'
        f"<p><small>{words.request} <code>{html.escape(identifier)}</code></small></p></main></body></html>"
    )
    return HTMLResponse(
        body,
        status_code=status,
        headers={
            "Content-Security-Policy": _POLICY,
            "Content-Language": language,
            "Cache-Control": "no-store",
            "Vary": "Accept, Accept-Language",
            **{name: value for name, value in headers.items() if name == "Retry-After"},
        },
    )


def _weights(accept: str) -> dict[str, float]:
    """The media types that an ``Accept`` names, by weight; those whose weight is no number are left out."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        given = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        try:
            weights[kind] = float(given)
        except ValueError:
            continue
    return weights
