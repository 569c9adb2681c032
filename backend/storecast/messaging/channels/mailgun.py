"""Mailgun: the message as it is, at the MIME endpoint of a domain.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages. Its own tracking is switched off for
each message: ours is in it.
"""

import base64
import secrets
from datetime import datetime
from urllib.parse import quote

from storecast.messaging.channels.http import Answer, Judged, Request, judge_status
from storecast.messaging.compose import Prepared
from storecast.messaging.returns.reports import given_along


class Mailgun:
    """One domain at Mailgun, in the region of the URL."""

    name = "Mailgun"

    def __init__(self, url: str, domain: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self._domain = quote(domain, safe="")
        token = base64.b64encode(f"api:{api_key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def probe(self, *, at: datetime) -> Request:
        """The domain as Mailgun has it."""
        return Request("GET", f"{self.url}/v4/domains/{self._domain}", self._headers, b"")

    def request(self, message: Prepared, *, at: datetime) -> Request:
        """messages.mime with the message as a file."""
        boundary = secrets.token_hex(16)
        fields = {
            "to": message.rcpt_to,
            "o:tracking": "no",
            "v:delivery": str(message.delivery_id),
            "v:token": given_along(message.mail_from),
        }
        pieces = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="message"; filename="message.eml"\r\n'
            "Content-Type: message/rfc822\r\n\r\n"
        ).encode()
        content = b"".join((*pieces, head, message.data, f"\r\n--{boundary}--\r\n".encode()))
        headers = self._headers | {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return Request("POST", f"{self.url}/v3/{self._domain}/messages.mime", headers, content)

    def judge(self, answer: Answer) -> Judged:
        """The id, or a message that says why not."""
        found = answer.json()
        return judge_status(answer, str(found.get("id") or found.get("message") or ""))
