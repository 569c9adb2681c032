"""Amazon SES, API v2: the raw message in SendEmail, signed with Signature Version 4.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html. SES replaces Date and Message-ID, so our
own DKIM signature must leave them out.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from storecast.messaging.channels.http import Answer, Judged, Request, judge_status
from storecast.messaging.channels.protocol import Verdict
from storecast.messaging.compose import Prepared
from storecast.messaging.returns.reports import given_along

REWRITTEN_HEADERS = ("date", "message-id")

_STOPPED = {"AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException"}
_LATER = {"TooManyRequestsException", "LimitExceededException", "ThrottlingException"}


class Ses:
    """One account in one region."""

    name = "Amazon SES"

    def __init__(self, url: str, region: str, access_key: str, secret_key: str) -> None:
        self.url = url.rstrip("/")
        self._region = region
        self._access_key = access_key
        self._secret_key = secret_key

    def probe(self, *, at: datetime) -> Request:
        """GetAccount: free. A key that may only send is refused by name, which proves it all the same."""
        return self._signed("GET", "/v2/email/account", b"", at)

    def request(self, message: Prepared, *, at: datetime) -> Request:
        """SendEmail with the message as it is."""
        mail: dict[str, Any] = {
            "Destination": {"ToAddresses": [message.rcpt_to]},
            "Content": {"Raw": {"Data": base64.b64encode(message.data).decode()}},
        }
        if code := given_along(message.mail_from):
            # Comes back with the events of a configuration set; other notifications quote the headers.
            mail["EmailTags"] = [{"Name": "token", "Value": code}]
        return self._signed("POST", "/v2/email/outbound-emails", orjson.dumps(mail), at)

    def judge(self, answer: Answer) -> Judged:
        """Errors name themselves in a header or in ``__type``."""
        found = answer.json()
        if answer.status < 300:
            return judge_status(answer, str(found.get("MessageId", "")))
        kind = answer.headers.get("x-amzn-ErrorType") or str(found.get("__type", ""))
        kind = kind.partition(":")[0].rpartition("#")[2]
        text = f"{kind} {found.get('message', found.get('Message', ''))}".strip()
        if kind in _STOPPED:
            return Judged(Verdict.TEMPORARY, text, ends_batch=True)
        if kind in _LATER:
            # A daily quota that is used up comes under the same name; waiting is right for both.
            return Judged(Verdict.TEMPORARY, text)
        return judge_status(answer, text)._replace(knows_us=kind == "AccessDeniedException")

    def _signed(self, method: str, path: str, body: bytes, at: datetime) -> Request:
        headers = {"Host": urlsplit(self.url).netloc}
        if body:
            headers["Content-Type"] = "application/json"
        authorization = sign_v4(
            method, path, headers, body, at=at, region=self._region, service="ses",
            access_key=self._access_key, secret_key=self._secret_key,
        )  # fmt: skip
        return Request(method, self.url + path, headers | authorization, body)


def sign_v4(
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    *,
    at: datetime,
    region: str,
    service: str,
    access_key: str,
    secret_key: str,
) -> dict[str, str]:
    """The headers that sign a request without a query (AWS Signature Version 4); all ``headers`` are signed."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    day = stamp[:8]
    signed = {name.lower(): " ".join(value.split()) for name, value in headers.items()} | {
        "x-amz-date": stamp
    }
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return {
        "X-Amz-Date": stamp,
        "Authorization": (
            f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        ),
    }
