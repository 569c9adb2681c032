"""SendGrid, API v3: fields instead of a message, so SendGrid signs and not we.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send. Its own tracking and its own unsubscribe
footer are switched off for each message: ours are in it.
"""

from datetime import datetime
from typing import Any

import orjson

from storecast.messaging.channels.http import Answer, Judged, Request, judge_status
from storecast.messaging.channels.parts import take_apart
from storecast.messaging.compose import Prepared
from storecast.messaging.returns.reports import given_along


class SendGrid:
    """One API key."""

    name = "SendGrid"

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def probe(self, *, at: datetime) -> Request:
        """What the key may do; every key may ask that."""
        return Request("GET", f"{self.url}/v3/scopes", self._headers, b"")

    def request(self, message: Prepared, *, at: datetime) -> Request:
        """Mail Send for one person."""
        parts = take_apart(message)
        mail: dict[str, Any] = {
            "personalizations": [{"to": [{"email": message.rcpt_to}]}],
            "from": {"email": parts.from_email, "name": parts.from_name},
            "subject": parts.subject,
            "content": [
                {"type": kind, "value": value}
                for kind, value in (("text/plain", parts.text), ("text/html", parts.html))
                if value
            ],
            "headers": parts.headers,
            "custom_args": {"delivery": str(message.delivery_id), "token": given_along(message.mail_from)},
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
                "subscription_tracking": {"enable": False},
            },
        }
        if parts.reply_to:
            mail["reply_to"] = {"email": parts.reply_to}
        headers = self._headers | {"Content-Type": "application/json"}
        return Request("POST", f"{self.url}/v3/mail/send", headers, orjson.dumps(mail))

    def judge(self, answer: Answer) -> Judged:
        """202 with the id in a header; errors come as a list."""
        errors = answer.json().get("errors") or []
        told = [str(each.get("message", "")) for each in errors if isinstance(each, dict)]
        return judge_status(answer, "; ".join(told) or answer.headers.get("X-Message-Id", ""))
