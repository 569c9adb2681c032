"""The inbox page and `/control/mail`: what was caught, and the faults of the mail server.

Invariant: a message's HTML runs no script here and cannot reach the page around it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.mail.faults import FaultsNotUnderstood, read_faults
from simulator.mail.reading import read_mail
from simulator.mail.server import MailCatcher
from simulator.mail.store import MailSummary, MessageNotFound
from simulator.pages.rendering import page

PAGE_SIZE = 50
MAX_LIMIT = 1000
# Pictures load, as in a real mail program, so that opening a message counts as an open; scripts and forms do not.
_MESSAGE_POLICY = "default-src 'none'; img-src * data:; style-src 'unsafe-inline' *; font-src * data:"


class _Inbox:
    """The endpoints over one catcher; those that are not coroutines run in a thread."""

    def __init__(self, mail: MailCatcher) -> None:
        self._mail = mail

    def list_page(self, request: Request) -> Response:
        search, before = request.query_params.get("search", "").strip(), _number(request, "before")
        rows = self._mail.store.list_messages(search=search, before=before, limit=PAGE_SIZE + 1)
        return page(
            "inbox.html",
            rows=rows[:PAGE_SIZE],
            search=search,
            total=self._mail.store.count(search=search),
            next_before=rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None,
            is_first_page=before is None,
        )

    def message_page(self, request: Request) -> Response:
        summary, raw = self._get(request)
        return page("message.html", mail=summary, content=read_mail(raw), raw=raw.decode("utf-8", "replace"))

    def body(self, request: Request) -> Response:
        # Links must leave the frame: a page of the shop inside it would be no visit at all.
        html = f'<base target="_blank">{read_mail(self._get(request)[1]).html}'
        policy = {"Content-Security-Policy": _MESSAGE_POLICY, "Referrer-Policy": "no-referrer"}
        return HTMLResponse(html, headers=policy)

    def raw(self, request: Request) -> Response:
        return PlainTextResponse(self._get(request)[1].decode("utf-8", "replace"))

    def clear(self, request: Request) -> Response:
        self._mail.store.clear()
        return RedirectResponse("/inbox", 303)

    def list_json(self, request: Request) -> Response:
        rows = self._mail.store.list_messages(
            search=request.query_params.get("search", ""),
            recipient=request.query_params.get("recipient", ""),
            before=_number(request, "before"),
            limit=min(_number(request, "limit") or PAGE_SIZE, MAX_LIMIT),
        )
        return JSONResponse({"messages": [_row(row) for row in rows], "count": self._mail.store.count()})

    def message_json(self, request: Request) -> Response:
        summary, raw = self._get(request)
        return JSONResponse({**_row(summary), **asdict(read_mail(raw))})

    def stats(self, request: Request) -> Response:
        return JSONResponse(asdict(self._mail.store.stats()))

    def wipe(self, request: Request) -> Response:
        self._mail.store.clear()
        return JSONResponse({"count": 0})

    async def faults(self, request: Request) -> Response:
        if request.method != "GET":
            try:
                wanted: object = {} if request.method == "DELETE" else await request.json()
                self._mail.set_faults(read_faults(wanted))
            except (FaultsNotUnderstood, ValueError) as error:
                return JSONResponse({"error": str(error)}, 422)
        return JSONResponse(self._mail.faults.as_json())

    def _get(self, request: Request) -> tuple[MailSummary, bytes]:
        try:
            return self._mail.store.get(request.path_params["number"])
        except MessageNotFound:
            raise HTTPException(404, "No caught message has this number.") from None


def routes(mail: MailCatcher) -> list[BaseRoute]:
    inbox = _Inbox(mail)
    return [
        Route("/inbox", inbox.list_page),
        Route("/inbox/clear", inbox.clear, methods=["POST"]),
        Route("/inbox/{number:int}", inbox.message_page),
        Route("/inbox/{number:int}/body", inbox.body),
        Route("/inbox/{number:int}/raw", inbox.raw),
        Route("/control/mail", inbox.list_json),
        Route("/control/mail", inbox.wipe, methods=["DELETE"]),
        Route("/control/mail/stats", inbox.stats),
        Route("/control/mail/faults", inbox.faults, methods=["GET", "PUT", "POST", "DELETE"]),
        Route("/control/mail/{number:int}", inbox.message_json),
        Route("/control/mail/{number:int}/raw", inbox.raw),
    ]


def _row(summary: MailSummary) -> dict[str, Any]:
    row = asdict(summary)
    return {**row, "recipients": list(summary.recipients)}


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
