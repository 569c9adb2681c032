"""Messages of Amazon SNS: only from Amazon, only of the topic that the merchant named.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. Anybody with an account there has topics
whose messages are signed too, so the signature alone says little. The certificate and the confirmation of a
subscription are fetched from Amazon's own hosts, never from where a message says.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from storecast.kit.errors import Unavailable
from storecast.messaging.returns.providers import CLOCK_SKEW, REPLAY_WINDOW
from storecast.messaging.returns.reports import Forged, Unreadable
from storecast.resilience.circuit import CircuitOpen
from storecast.resilience.guard import Guard, host_of

TIMEOUT = httpx.Timeout(5.0)
MAX_ANSWER_BYTES = 64 * 1024
KEPT_CERTIFICATES = 16

_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?")
TOPIC = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    # Version 1 is Amazon's default still.
    "1": hashes.SHA1(),  # noqa: S303  # theirs, not ours to choose
    "2": hashes.SHA256(),
}

Fetch = Callable[[str], bytes]


class Notice(NamedTuple):
    """A verified message; ``confirm_url`` is set for one that asks to confirm a subscription."""

    message: str
    confirm_url: str | None


def verify(raw: bytes, topic: str, now: datetime, fetch: Fetch) -> Notice:
    """The message inside, once it is proven; raises Forged, Unreadable, or Unavailable when Amazon does not answer."""
    try:
        envelope = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable("not JSON") from error
    if not isinstance(envelope, dict):
        raise Unreadable("not a message")
    kind = envelope.get("Type")
    if not isinstance(kind, str) or kind not in _SIGNED:
        raise Unreadable("not a message of a known type")
    if not topic or envelope.get("TopicArn") != topic:
        raise Forged("another topic")
    _check_signature(envelope, kind, fetch)
    at = _instant(envelope.get("Timestamp"))
    if at is None or not now - REPLAY_WINDOW <= at <= now + CLOCK_SKEW:
        raise Forged("the signature is too old")
    confirm = str(envelope["SubscribeURL"]) if kind == "SubscriptionConfirmation" else None
    if confirm is not None:
        refuse_foreign(confirm)
    return Notice(str(envelope.get("Message", "")), confirm)


def refuse_foreign(url: str) -> None:
    """Raises Forged for an address that is not Amazon's over TLS."""
    try:
        parts = urlsplit(url)
        ours = parts.scheme == "https" and parts.netloc == parts.hostname and _HOST.fullmatch(parts.netloc)
    except ValueError:
        ours = None
    if not ours:
        raise Forged("an address that is not Amazon's")


class Amazon:
    """Fetches from Amazon's hosts, keeps the certificates. ``origin`` stands for these hosts in front of a fake."""

    def __init__(self, guard: Guard, origin: str | None = None) -> None:
        self._guard = guard
        self._origin = origin
        self._certificates: dict[str, bytes] = {}

    def certificate(self, url: str) -> bytes:
        """The certificate of an address of theirs, which never changes; raises Forged, Unavailable."""
        kept = self._certificates.get(url)
        if kept is None:
            kept = self.get(url)
            if len(self._certificates) >= KEPT_CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = kept
        return kept

    def get(self, url: str) -> bytes:
        """What stands at an address of theirs."""
        refuse_foreign(url)
        parts = urlsplit(url)
        if self._origin is not None:
            url = f"{self._origin}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        try:
            with self._guard.call(host_of(url), "Amazon SNS") as call:
                try:
                    answer = httpx.get(url, timeout=TIMEOUT, follow_redirects=False, trust_env=False)
                except httpx.HTTPError as error:
                    call.failed(type(error).__name__)
                    raise Unavailable("Amazon SNS does not answer.") from error
                if answer.status_code != 200 or len(answer.content) > MAX_ANSWER_BYTES:
                    raise Unavailable(f"Amazon SNS answered {answer.status_code}.")
                return answer.content
        except CircuitOpen as error:
            raise Unavailable("Amazon SNS has been failing and is left alone.") from error


def _check_signature(envelope: dict[str, Any], kind: str, fetch: Fetch) -> None:
    url = str(envelope.get("SigningCertURL", ""))
    refuse_foreign(url)
    if not urlsplit(url).path.endswith(".pem"):
        raise Forged("no certificate")
    digest = _DIGESTS.get(str(envelope.get("SignatureVersion")))
    if digest is None:
        raise Forged("an unknown kind of signature")
    lines = "".join(f"{name}\n{envelope[name]}\n" for name in _SIGNED[kind] if envelope.get(name) is not None)
    try:
        signature = base64.b64decode(str(envelope.get("Signature", "")), validate=True)
        key = x509.load_pem_x509_certificate(fetch(url)).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise Forged("a key of another kind")
        key.verify(signature, lines.encode("utf-8", "replace"), padding.PKCS1v15(), digest)
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError) as error:
        raise Forged("the signature does not match") from error


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if isinstance(value, str) and value.endswith("Z") else None
    except ValueError:
        return None
