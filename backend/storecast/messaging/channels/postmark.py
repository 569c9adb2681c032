"""Postmark: fields instead of a message, so Postmark signs and not we.

https://postmarkapp.com/developer/api/email-api. Errors have a code of their own in the body
(https://postmarkapp.com/developer/api/overview#error-codes).
"""

from datetime import datetime
from email.headerregistry import Address
from typing import Any

import orjson

from storecast.messaging.channels.http import Answer, Judged, Request, judge_status
from storecast.messaging.channels.parts import take_apart
from storecast.messaging.channels.protocol import Verdict
from storecast.messaging.compose import Prepared
from storecast.messaging.returns.reports import given_along

INACTIVE_RECIPIENT = 406
"""The address bounced or complained before, and Postmark sends there no more."""

_ENDS_BATCH = {10, 400, 401, 405, 412, 413}
"""A wrong token, a sender signature that is missing or not confirmed, no credits left, an account that is held."""


class Postmark:
    """One message stream of one server."""

    name = "Postmark"

    def __init__(self, url: str, server_token: str, stream: str) -> None:
        self.url = url.rstrip("/")
        self._stream = stream
        self._headers = {"X-Postmark-Server-Token": server_token, "Accept": "application/json"}

    def probe(self, *, at: datetime) -> Request:
        """The server that the token is for."""
        return Request("GET", f"{self.url}/server", self._headers, b"")

    def request(self, message: Prepared, *, at: datetime) -> Request:
        """One e-mail; Postmark keeps our Message-ID when told to."""
        parts = take_apart(message)
        mail: dict[str, Any] = {
            "From": str(Address(parts.from_name, addr_spec=parts.from_email)),
            "To": message.rcpt_to,
            "Subject": parts.subject,
            "TextBody": parts.text,
            "HtmlBody": parts.html,
            "MessageStream": self._stream,
            "TrackOpens": False,
            "TrackLinks": "None",
            "Metadata": {"delivery": str(message.delivery_id), "token": given_along(message.mail_from)},
            "Headers": [
                {"Name": name, "Value": value}
                for name, value in {**parts.headers, "X-PM-KeepID": "true"}.items()
            ],
        }
        if parts.reply_to:
            mail["ReplyTo"] = parts.reply_to
        headers = self._headers | {"Content-Type": "application/json"}
        return Request("POST", f"{self.url}/email", headers, orjson.dumps(mail))

    def judge(self, answer: Answer) -> Judged:
        """The code in the body says more than the status."""
        found = answer.json()
        text = str(found.get("MessageID") or found.get("Message") or "")
        code = found.get("ErrorCode", 0)
        if answer.status == 422 and code == INACTIVE_RECIPIENT:
            return Judged(Verdict.PERMANENT, text, refused_address=True)
        if answer.status == 422 and code in _ENDS_BATCH:
            return Judged(Verdict.TEMPORARY, text, ends_batch=True)
        return judge_status(answer, text)
