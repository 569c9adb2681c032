"""`/confirm/{token}`: a subscription is confirmed. GET and HEAD show, only the page's own POST changes."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import confirmation_page, confirmations
from storecast.messaging.page_words import language
from storecast.messaging.preferences_routes import Form

router = APIRouter()

Token = Annotated[str, Path(max_length=64)]


@router.api_route("/confirm/{token}", methods=["GET", "HEAD"])
def show_question(token: Token, request: Request) -> HTMLResponse:
    """The question, or how it was answered."""
    return _answer(token, request, {})


@router.post("/confirm/{token}")
def answer_question(token: Token, request: Request, form: Form) -> HTMLResponse:
    """Subscribe, or send another link, by which button was pressed."""
    return _answer(token, request, form)


def _answer(token: str, request: Request, form: dict[str, list[str]]) -> HTMLResponse:
    wanted = request.headers.get("accept-language")
    asked = confirmations.tokens().open(token)
    if asked is None:
        return _page(404, confirmation_page.render(None, language(wanted)))
    now = utcnow()
    resent = False
    with tenant_session(ShopId(asked.shop_id)) as session:
        match form.get("do"):
            case ["confirm"]:
                confirmations.confirm(session, asked, now=now)
            case ["resend"]:
                resent = confirmations.resend(session, asked, now=now)
        question = confirmations.read(session, asked, now=now)
    if question is None:
        return _page(404, confirmation_page.render(None, language(wanted)))
    return _page(200, confirmation_page.render(question, language(question.locale, wanted), resent=resent))


def _page(status: int, rendered: tuple[str, dict[str, str]]) -> HTMLResponse:
    page, headers = rendered
    return HTMLResponse(page, status_code=status, headers=headers)
