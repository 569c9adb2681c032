"""Ways in which alerts leave: a Slack-compatible webhook, a signed webhook (Standard Webhooks), e-mail.

Merchants choose the addresses, so a webhook goes to the public internet only (`resilience.public_http`), and the whole
exchange has an end, however slowly a receiver answers.
"""

import asyncio
import base64
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

import httpx
import orjson

from storecast.config.settings import get_settings
from storecast.fleet.models import AlertChannel
from storecast.kit.errors import Permanent, Retryable
from storecast.kit.sealing import Sealer
from storecast.resilience import public_http
from storecast.resilience.circuit import CircuitOpen
from storecast.resilience.guard import process_guard

TOTAL_S = 20.0
"""How long a receiver may hold a worker."""

SECRET_BYTES = 32
_LATER = (408, 425, 429)
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


class TargetRefused(Permanent):
    """The address is none that alerts may go to. The text is fit for who wrote it."""

    code = "alert_target_refused"
    title = "Alerts cannot go to this address."


@dataclass(frozen=True, slots=True)
class Message:
    """What is said: a line, some more, and where to look. ``facts`` is the body of a signed webhook.

    ``id`` stays the same when a message is sent again. A mail comes from ``sender_email``; None: from the app itself.
    """

    id: str
    subject: str
    text: str
    link: str
    facts: dict[str, object]
    sender_name: str = "Storecast"
    sender_email: str | None = None


SendMail = Callable[[str, Message], None]
"""Sends a message to an address; raises Retryable or Permanent."""

_mail: list[SendMail] = []


def register_mail(send: SendMail) -> SendMail:
    """Tell this module how mail is sent; that is the business of a module above."""
    _mail[:] = [send]
    return send


@lru_cache(maxsize=2)
def _sealer(*keys: str) -> Sealer:
    return Sealer(keys, AlertChannel.sealed.purpose)


def sealer() -> Sealer:
    """Seals targets and secrets; the owner is the shop's id, 0 for the operators'."""
    settings = get_settings()
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    return _sealer(*[key.get_secret_value() for key in keys if key is not None])


def new_secret() -> str:
    """A signing secret as the Standard Webhooks specification writes it (``whsec_`` and base64)."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check_target(kind: str, target: str) -> None:
    """Raise TargetRefused for an address of the wrong form; names are resolved when a message goes out."""
    if kind == "email":
        if len(target) > 254 or not _ADDRESS.fullmatch(target):
            raise TargetRefused("This is not an e-mail address.")
    else:
        _split(target)


def masked(kind: str, target: str) -> str:
    """What people are shown of a target: enough to tell it from another, too little to use it."""
    if kind == "email":
        name, _, domain = target.partition("@")
        return f"{name[:1]}…@{domain}"
    return f"{urlsplit(target).scheme}://{urlsplit(target).hostname}/…"


def send(kind: str, target: str, secret: str | None, message: Message) -> None:
    """Send; raises Retryable while the receiver does not take it, Permanent when it never will."""
    if kind == "email":
        if not _mail:
            raise Retryable("This process cannot send mail.")
        _mail[0](target, message)
    elif kind == "slack":
        _post(target, orjson.dumps({"text": _slack_text(message)}), {})
    else:
        body = orjson.dumps(message.facts | {"link": message.link, "subject": message.subject})
        _post(target, body, signature_headers(secret or "", message.id, body))


def signature_headers(secret: str, message_id: str, body: bytes, *, at: int | None = None) -> dict[str, str]:
    """The three headers of a signed webhook (standardwebhooks.com): HMAC-SHA256 over id, time and body."""
    timestamp = str(int(time.time()) if at is None else at)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def _slack_text(message: Message) -> str:
    text = f"*{message.subject}*\n{message.text}"
    return f"{_escaped(text)}\n<{_escaped(message.link)}|Open in Storecast>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    parts = _split(url)
    try:
        requests = public_http.requests_to(
            parts, "POST", content=body, headers={"Content-Type": "application/json", **headers}
        )
    except public_http.AddressRefused as error:
        raise TargetRefused(str(error)) from error
    except public_http.NameUnknown as error:
        raise Retryable("The receiver's name cannot be resolved.") from error
    try:
        # A circuit of its own: what a merchant's address does must not keep others from the same host's API.
        with process_guard().call(f"alerts:{parts.hostname}", "alert webhook") as call:
            try:
                status = asyncio.run(public_http.exchange(requests, total_s=TOTAL_S)).status_code
            except (httpx.TransportError, TimeoutError) as error:
                call.failed(type(error).__name__)
                raise Retryable(f"The receiver cannot be reached ({type(error).__name__}).") from error
            if status >= 500:
                call.failed(f"HTTP {status}")
    except CircuitOpen as error:
        # Not after its `retry_after`: tries that come every minute would be used up before the receiver is back.
        raise Retryable("The receiver has been failing; it is left alone for now.") from error
    if status >= 500 or status in _LATER:
        raise Retryable(f"The receiver answered {status}.")
    if not 200 <= status < 300:
        raise Permanent(f"The receiver answered {status}.")


def _split(url: str) -> SplitResult:
    if not url.lower().startswith("https://") and not public_http.may_stay_inside():
        raise TargetRefused("A webhook's address begins with https://.")
    try:
        return public_http.split(url)
    except public_http.AddressRefused as error:
        raise TargetRefused(str(error)) from error
