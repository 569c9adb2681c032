"""`/p/{token}`: the recipient's preferences. GET and HEAD show, only the page's own POST changes."""

from typing import Annotated, get_args
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import TooLarge
from storecast.kit.types import ShopId
from storecast.messaging import page_words, preferences, preferences_page
from storecast.messaging.delivery import known_tokens
from storecast.messaging.preferences import Frequency, Person
from storecast.messaging.preferences_page import Notice

router = APIRouter()

MAX_FORM_BYTES = 8 * 1024

Token = Annotated[str, Path(max_length=64)]


async def _form(request: Request) -> dict[str, list[str]]:
    """The fields of an urlencoded form; nothing of any other body."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    return parse_qs(body.decode("utf-8", "replace"))


Form = Annotated[dict[str, list[str]], Depends(_form)]


@router.api_route("/p/{token}", methods=["GET", "HEAD"])
def show_preferences(token: Token, request: Request) -> HTMLResponse:
    """What the recipient has chosen."""
    return _answer(token, request, {})


@router.post("/p/{token}")
def choose_preferences(token: Token, request: Request, form: Form) -> HTMLResponse:
    """Keep a choice, unsubscribe, or subscribe again, by which button was pressed."""
    return _answer(token, request, form)


def _answer(token: str, request: Request, form: dict[str, list[str]]) -> HTMLResponse:
    wanted = request.headers.get("accept-language")
    tracked = known_tokens().open(token)
    if tracked is None:
        return _page(404, preferences_page.render(None, page_words.language(wanted), notice="link_dead"))
    with tenant_session(ShopId(tracked.shop_id)) as session:
        person = preferences.find_person(session, tracked)
        if person is None:
            lang = page_words.language(wanted)
            return _page(404, preferences_page.render(None, lang, notice="link_dead"))
        notice = _act(session, person, form) if request.method == "POST" else None
        choices = preferences.read(session, person, now=utcnow())
    lang = page_words.language(person.locale, wanted)
    return _page(
        400 if notice == "nothing_changed" else 200, preferences_page.render(choices, lang, notice=notice)
    )


def _act(session: Session, person: Person, form: dict[str, list[str]]) -> Notice:
    now = utcnow()
    match form.get("do"):
        case ["unsubscribe"]:
            preferences.unsubscribe(session, person, now=now)
            return "unsubscribed"
        case ["subscribe"]:
            return "subscribed" if preferences.subscribe(session, person, now=now) else "nothing_changed"
        case ["save"]:
            return _save(session, person, form)
        case _:
            return "nothing_changed"


def _save(session: Session, person: Person, form: dict[str, list[str]]) -> Notice:
    (frequency, *_), (pause, *_) = form.get("frequency", [""]), form.get("pause", ["keep"])
    known: tuple[Frequency, ...] = get_args(Frequency)
    chosen = next((each for each in known if each == frequency), None)
    pauses = {"keep": None, "0": 0} | {str(days): days for days in preferences.PAUSES_DAYS}
    if chosen is None or pause not in pauses:
        return "nothing_changed"
    preferences.choose(
        session,
        person,
        wanted=form.get("topic", []),
        frequency=chosen,
        pause_days=pauses[pause],
        now=utcnow(),
    )
    return "saved"


def _page(status: int, rendered: tuple[str, dict[str, str]]) -> HTMLResponse:
    page, headers = rendered
    return HTMLResponse(page, status_code=status, headers=headers)
