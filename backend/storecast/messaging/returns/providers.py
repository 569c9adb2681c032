"""The event webhooks of SendGrid, Mailgun and Postmark: who signed the bytes, and what they report. And Amazon SES's.

Each reader verifies before it believes, and raises Forged or Unreadable and nothing else. Events that are no returns
(opens, deliveries) are left out. A signature is good for `REPLAY_WINDOW`; within it a repeated event is
known by its id.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from storecast.messaging.returns.reports import (
    Forged,
    Happened,
    Report,
    Unreadable,
    Verdict,
    code_of,
    codes_in,
    short,
)

REPLAY_WINDOW = timedelta(hours=25)
"""SendGrid repeats an undelivered batch for 24 hours, Mailgun for eight."""

CLOCK_SKEW = timedelta(minutes=5)
MAX_EVENTS = 10_000
FIELD = "token"
"""What a message gives its provider along, see `reports.given_along`."""

POSTMARK_USER = "storecast"

Headers = Mapping[str, str]
Reader = Callable[[Headers, bytes, str, datetime], list[Report]]


def sendgrid(headers: Headers, raw: bytes, public_key: str, now: datetime) -> list[Report]:
    """The signed event webhook: ECDSA P-256 with SHA-256 over timestamp and bytes.

    https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
    """
    stamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = headers.get("x-twilio-email-event-webhook-signature", "")
    try:
        key = serialization.load_der_public_key(base64.b64decode(public_key))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Forged("the verification key is of another kind")
        key.verify(
            base64.b64decode(signature, validate=True), stamp.encode() + raw, ec.ECDSA(hashes.SHA256())
        )
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError) as error:
        raise Forged("the signature does not match") from error
    _refuse_old(stamp, now)
    events = _json(raw)
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        raise Unreadable("not a list of events")
    return [report for event in events if isinstance(event, dict) and (report := _of_sendgrid(event))]


def is_verification_key(text: str) -> bool:
    """Whether the text is a key as SendGrid shows it."""
    try:
        key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey)


def _of_sendgrid(event: dict[str, Any]) -> Report | None:
    kind, reason = event.get("event"), short(event.get("reason"), event.get("response"))
    says: Verdict | None = None
    if kind == "spamreport":
        happened = Happened.COMPLAINED
    elif kind == "bounce":
        happened = Happened.FAILED
        says = Verdict.BLOCK if event.get("type") == "blocked" else Verdict.HARD
    elif kind == "dropped" and reason.lower().startswith("bounced address"):
        happened, says = Happened.FAILED, Verdict.HARD
    elif kind == "dropped" and reason.lower().startswith("spam reporting address"):
        happened = Happened.COMPLAINED
    else:
        return None
    return Report(
        happened,
        _event_id(event.get("sg_event_id")),
        code_of(event.get(FIELD)),
        status=_text(event.get("status")),
        text=reason,
        says=says,
        at=_instant(event.get("timestamp")),
    )


def mailgun(headers: Headers, raw: bytes, signing_key: str, now: datetime) -> list[Report]:
    """Webhooks with a signature of HMAC-SHA256 over a timestamp and a nonce of Mailgun's.

    It does not cover the event itself, so the secret address is what keeps others from putting one of their own behind
    a signature that they have seen. https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    """
    body = _json(raw)
    signed = body.get("signature") if isinstance(body, dict) else None
    event = body.get("event-data") if isinstance(body, dict) else None
    if not isinstance(signed, dict):
        raise Forged("there is no signature")
    stamp, nonce, signature = (str(signed.get(name, "")) for name in ("timestamp", "token", "signature"))
    expected = hmac.digest(signing_key.encode(), f"{stamp}{nonce}".encode("utf-8", "replace"), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise Forged("the signature does not match")
    _refuse_old(stamp, now)
    if not isinstance(event, dict):
        raise Unreadable("not an event")
    report = _of_mailgun(event)
    return [report] if report else []


def _of_mailgun(event: dict[str, Any]) -> Report | None:
    kind = event.get("event")
    status = event.get("delivery-status")
    told: dict[str, Any] = status if isinstance(status, dict) else {}
    variables = event.get("user-variables")
    codes = code_of(variables.get(FIELD)) if isinstance(variables, dict) else ()
    says: Verdict | None = None
    if kind == "complained":
        happened = Happened.COMPLAINED
    elif kind == "failed" and event.get("severity") == "permanent":
        reason = str(event.get("reason", ""))
        happened = Happened.COMPLAINED if reason == "suppress-complaint" else Happened.FAILED
        if reason == "suppress-bounce" or told.get("bounce-type") == "hard":
            says = Verdict.HARD
    elif kind == "failed":
        happened = Happened.DELAYED
    else:
        return None
    code = told.get("code")
    return Report(
        happened,
        _event_id(event.get("id")),
        codes,
        status=_text(told.get("enhanced-code")),
        code=code if isinstance(code, int) and 400 <= code < 600 else None,
        text=short(told.get("message"), told.get("description")),
        says=says,
        at=_instant(event.get("timestamp")),
    )


_POSTMARK: dict[str, Verdict] = {
    "HardBounce": Verdict.HARD,
    "BadEmailAddress": Verdict.HARD,
    "ManuallyDeactivated": Verdict.HARD,
    "SoftBounce": Verdict.SOFT,
    "Transient": Verdict.SOFT,
    "DnsError": Verdict.SOFT,
    "Unknown": Verdict.SOFT,
    "SpamNotification": Verdict.BLOCK,
    "VirusNotification": Verdict.BLOCK,
    "Blocked": Verdict.BLOCK,
    "DMARCPolicy": Verdict.BLOCK,
    "SpamComplaint": Verdict.COMPLAINT,
}
"""https://postmarkapp.com/developer/api/bounce-api#bounce-types; the others are no returns."""


def postmark(headers: Headers, raw: bytes, password: str, now: datetime) -> list[Report]:
    """Bounce and spam complaint webhooks, which Postmark does not sign: Basic authentication with the password, if any.

    https://postmarkapp.com/developer/webhooks/webhooks-overview
    """
    if password:
        expected = base64.b64encode(f"{POSTMARK_USER}:{password}".encode())
        given = headers.get("authorization", "").partition(" ")[2].strip().encode("utf-8", "replace")
        if not hmac.compare_digest(expected, given):
            raise Forged("the password does not match")
    event = _json(raw)
    if not isinstance(event, dict):
        raise Unreadable("not an event")
    kind = event.get("RecordType")
    says = _POSTMARK.get("SpamComplaint" if kind == "SpamComplaint" else str(event.get("Type")))
    if kind not in ("Bounce", "SpamComplaint") or says is None:
        return []
    metadata = event.get("Metadata")
    return [
        Report(
            Happened.COMPLAINED if says is Verdict.COMPLAINT else Happened.FAILED,
            _event_id(event.get("ID")),
            code_of(metadata.get(FIELD)) if isinstance(metadata, dict) else (),
            text=short(event.get("Details"), event.get("Description")),
            says=says,
            at=_instant(event.get("BouncedAt")),
        )
    ]


READERS: dict[str, Reader] = {"sendgrid": sendgrid, "mailgun": mailgun, "postmark": postmark}


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable("not JSON") from error


def _refuse_old(stamp: str, now: datetime) -> None:
    at = _instant(stamp)
    if at is None or not now - REPLAY_WINDOW <= at <= now + CLOCK_SKEW:
        raise Forged("the signature is too old")


def _event_id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise Unreadable("the event has no id")
    return str(value)[:200]


def _text(value: object) -> str | None:
    return value[:20] if isinstance(value, str) else None


def _instant(value: object) -> datetime | None:
    """Seconds since 1970 as a number or digits, or ISO 8601."""
    try:
        if isinstance(value, (int, float)) or (
            isinstance(value, str) and value.isascii() and value.isdigit()
        ):
            return datetime.fromtimestamp(float(value), UTC)
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def ses_reports(message: str) -> Iterator[Report]:
    """What Amazon SES says in the message of a verified notification; raises Unreadable.

    https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html; event publishing has the same shapes.
    """
    event = _json(message.encode("utf-8", "replace"))
    if not isinstance(event, dict):
        raise Unreadable("not an event")
    kind = event.get("notificationType") or event.get("eventType")
    codes = _codes_of_ses(event.get("mail"))
    if kind == "Bounce" and isinstance(told := event.get("bounce"), dict):
        yield from _ses_bounces(told, codes)
    told = event.get("complaint")
    if kind == "Complaint" and isinstance(told, dict) and told.get("complaintFeedbackType") != "not-spam":
        yield Report(
            Happened.COMPLAINED,
            _event_id(told.get("feedbackId")),
            codes,
            text=short(told.get("complaintFeedbackType")),
            at=_instant(told.get("timestamp")),
        )


_SES_SAYS = {
    ("Permanent", "General"): Verdict.HARD,
    ("Permanent", "NoEmail"): Verdict.HARD,
    ("Permanent", "Suppressed"): Verdict.HARD,
    ("Permanent", "OnAccountSuppressionList"): Verdict.HARD,
    ("Transient", "MessageTooLarge"): Verdict.BLOCK,
    ("Transient", "ContentRejected"): Verdict.BLOCK,
    ("Transient", "AttachmentRejected"): Verdict.BLOCK,
}


def _ses_bounces(told: dict[str, Any], codes: tuple[bytes, ...]) -> Iterator[Report]:
    listed = told.get("bouncedRecipients")
    recipients = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    says = _SES_SAYS.get((str(told.get("bounceType")), str(told.get("bounceSubType"))), Verdict.SOFT)
    recipient = recipients[0] if recipients else {}
    text = short(recipient.get("diagnosticCode"))
    yield Report(
        Happened.FAILED,
        _event_id(told.get("feedbackId")),
        codes,
        status=_text(recipient.get("status")),
        text=text.removeprefix("smtp;").strip(),
        says=says,
        at=_instant(told.get("timestamp")),
    )


def _codes_of_ses(mail: object) -> tuple[bytes, ...]:
    if not isinstance(mail, dict):
        return ()
    tags = mail.get("tags")
    tagged = tags.get(FIELD) if isinstance(tags, dict) else None
    found = code_of(tagged[0]) if isinstance(tagged, list) and tagged else ()
    headers = mail.get("headers")
    named = [
        str(each.get("value"))
        for each in (headers if isinstance(headers, list) else [])
        if isinstance(each, dict) and str(each.get("name")).lower() == "list-unsubscribe"
    ]
    return found + codes_in(str(mail.get("source", "")), *named)
