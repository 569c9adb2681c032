"""What came back, read and judged: every form in a table, and the reader against whatever bytes there are."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st

from storecast.messaging.returns import mail, providers
from storecast.messaging.returns.reports import (
    MAX_RAW_BYTES,
    MAX_TEXT_CHARS,
    Forged,
    Happened,
    Report,
    Unreadable,
    Verdict,
)
from storecast.messaging.returns.verdicts import is_tired, judge
from storecast.messaging.tokens import Tokens, Tracked
from tests.messaging import notifications as n

TOKENS = Tokens(b"a secret of the tests, 32 bytes long")
RAW = TOKENS.raw(7, 41, 4242)
PATH = f"b+{RAW.hex()}@acme.example"
LINK = f"https://e.example/u/{TOKENS.mint(7, 41, 4242)}"
OURS = Tracked(7, 41, 4242)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

HARD, SOFT, BLOCK, NOTHING, SPAM = (
    Verdict.HARD,
    Verdict.SOFT,
    Verdict.BLOCK,
    Verdict.NOTHING,
    Verdict.COMPLAINT,
)

CORPUS = {
    "postfix unknown": (n.POSTFIX_UNKNOWN, HARD, "5.1.1"),
    "postfix expired": (n.POSTFIX_EXPIRED, SOFT, "4.4.1"),
    "postfix no such domain": (n.POSTFIX_NO_DOMAIN, HARD, "5.4.4"),
    "postfix delayed": (n.POSTFIX_DELAYED, NOTHING, "4.2.2"),
    "gmail unknown": (n.GMAIL_UNKNOWN, HARD, "5.1.1"),
    "gmail full": (n.GMAIL_FULL, SOFT, "5.2.2"),
    "gmail spam": (n.GMAIL_BLOCK, BLOCK, "5.7.1"),
    "exchange unknown": (n.EXCHANGE_UNKNOWN, HARD, "5.1.10"),
    "exchange access denied": (n.EXCHANGE_ACCESS_DENIED, HARD, "5.4.1"),
    "outlook vague": (n.OUTLOOK_VAGUE, HARD, "5.5.0"),
    "outlook no authentication": (n.OUTLOOK_NO_AUTH, BLOCK, "5.7.515"),
    "yahoo disabled": (n.YAHOO_DISABLED, HARD, "5.0.0"),
    "greylisted for good": (n.GREYLISTED_FOR_GOOD, BLOCK, "4.7.1"),
    "lower case": (n.LOWER_CASE_FIELDS, HARD, "5.1.1"),
    "international": (n.INTERNATIONAL, HARD, "5.1.1"),
    "exim in words": (n.EXIM_OLD, HARD, "5.1.1"),
    "exim unrouteable": (n.EXIM_UNROUTEABLE, HARD, None),
    "qmail": (n.QMAIL, HARD, "5.1.1"),
    "yahoo complaint": (n.YAHOO_COMPLAINT, SPAM, None),
    "jmrp complaint": (n.JMRP_COMPLAINT, SPAM, None),
}


@pytest.mark.parametrize(("form", "verdict", "status"), CORPUS.values(), ids=CORPUS.keys())
def test_every_form_names_its_delivery_and_is_judged(form: str, verdict: Verdict, status: str | None) -> None:
    found = mail.read(n.filled(form, path=PATH, link=LINK))
    assert TOKENS.open_raw(found.codes[0]) == OURS
    assert (judge(found), found.status) == (verdict, status)
    assert len(found.text) <= MAX_TEXT_CHARS


@pytest.mark.parametrize(
    "form",
    [
        n.POSTFIX_DELIVERED,
        n.NOT_SPAM,
        n.AUTH_FAILURE,
        n.ABSENCE,
        n.PERSON,
        "",
        "\x00",
        "Content-Type: message/x\n\n",
    ],
)
def test_what_reports_no_failure_is_none(form: str) -> None:
    with pytest.raises(Unreadable):
        mail.read(n.filled(form, path=PATH, link=LINK))


def test_the_code_is_found_wherever_it_survived() -> None:
    elsewhere = n.filled(n.POSTFIX_UNKNOWN, path="bounces@acme.example", link="https://e.example/")
    assert mail.read(elsewhere).codes == ()
    assert mail.read(elsewhere, envelope_to=PATH).codes == (RAW,)
    by_link = n.filled(n.POSTFIX_UNKNOWN, path="bounces@acme.example", link=LINK)
    assert mail.read(by_link).codes == (RAW,)
    # Servers may change the case of a local part.
    upper = PATH.upper().replace("@ACME.EXAMPLE", "@acme.example")
    assert mail.read(elsewhere, envelope_to=upper).codes == (RAW,)


@pytest.mark.parametrize(
    ("status", "code", "text", "verdict"),
    [
        ("5.1.1", None, "", HARD),
        ("5.1.7", None, "", BLOCK),
        ("5.2.1", None, "", HARD),
        ("5.2.3", None, "", BLOCK),
        ("5.3.0", None, "", SOFT),
        ("5.7.13", None, "", HARD),
        ("5.7.1", None, "user unknown", BLOCK),
        ("5.0.0", 550, "550 5.7.1 blocked using zen.example", BLOCK),
        ("5.0.0", 550, "550 5.1.1 no", HARD),
        ("4.0.0", None, "user unknown", SOFT),
        ("2.0.0", 250, "ok", NOTHING),
        (None, 550, "No such user here", HARD),
        (None, 550, "rejected because of our policy", BLOCK),
        (None, 554, "transaction failed", BLOCK),
        (None, 552, "mailbox is full", SOFT),
        (None, 451, "user unknown in local table", SOFT),
        (None, None, "", SOFT),
        ("99.1.1", None, "version 5.1.1.2", SOFT),
    ],
)
def test_codes_speak_before_words(status: str | None, code: int | None, text: str, verdict: Verdict) -> None:
    assert judge(Report(Happened.FAILED, "1", (), status=status, code=code, text=text)) is verdict


def test_soft_bounces_add_up_and_fade() -> None:
    def days_ago(*days: float) -> list[datetime]:
        return [NOW - timedelta(days=each) for each in days]

    assert is_tired(days_ago(0, 3, 6), success_at=None, now=NOW)
    assert not is_tired(days_ago(0, 7, 14), success_at=None, now=NOW)
    assert is_tired(days_ago(0, 7, 14, 21), success_at=None, now=NOW)
    assert not is_tired(days_ago(0, 30, 59), success_at=None, now=NOW)
    assert not is_tired(days_ago(*range(61, 99)), success_at=None, now=NOW)
    # Mail arrived in between: what was before is forgotten.
    assert not is_tired(days_ago(0, 3, 6), success_at=NOW - timedelta(days=4), now=NOW)


@given(st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), max_size=20))  # noqa: DTZ001  # made aware below
def test_another_bounce_never_makes_an_address_less_tired(naive: list[datetime]) -> None:
    instants = [at.replace(tzinfo=UTC) for at in naive]
    if is_tired(instants[1:], success_at=None, now=NOW):
        assert is_tired(instants, success_at=None, now=NOW)


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=x\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"\r\n",
        b"--x\r\n",
        b"--x--\r\n",
        b"Action: failed\r\n",
        b"Status: 5.1.1\r\n",
        b"Final-Recipient: rfc822;=?utf-8?b?/w==?=\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"From: MAILER-DAEMON\r\n",
        b"X-Failed-Recipients: \xff\r\n",
        b"Content-Type: message/feedback-report\r\n",
        b"Feedback-Type: abuse\r\n",
        b"Content-Type: text/plain; charset=\x00\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Diagnostic-Code: smtp; 550\r\n",
        PATH.encode(),
        b"550 user unknown",
        b"Content-Type: message/global-delivery-status\r\n",
        b"Content-Type: multipart/mixed; boundary*0=x\r\n",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=30), max_size=40).map(b"".join))
@example(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 150)
@example(b"Content-Type: message/rfc822\r\n\r\n" * 190 + n.filled(n.POSTFIX_UNKNOWN, path=PATH))
@example(b"Content-Type: message/rfc822\r\n\r\n" * 5_000)
@example(b"x" * (MAX_RAW_BYTES + 1))
def test_no_bytes_do_worse_than_being_unreadable(raw: bytes) -> None:
    try:
        found = mail.read(raw)
    except Unreadable:
        return
    assert judge(found) in Verdict
    assert len(found.text) <= MAX_TEXT_CHARS
    assert len(found.codes) <= 20


# The providers.

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
SIGNING_KEY = "key-of-mailguns-webhooks"


def by_sendgrid(events: list[dict[str, object]], *, at: datetime = NOW) -> tuple[dict[str, str], bytes]:
    body, stamp = orjson.dumps(events), str(int(at.timestamp()))
    signature = KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-timestamp": stamp,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
    }, body


def by_mailgun(event: dict[str, object], *, at: datetime = NOW) -> tuple[dict[str, str], bytes]:
    stamp, nonce = str(int(at.timestamp())), "n" * 50
    signature = hmac.digest(SIGNING_KEY.encode(), (stamp + nonce).encode(), "sha256").hex()
    signed = {"timestamp": stamp, "token": nonce, "signature": signature}
    return {}, orjson.dumps({"signature": signed, "event-data": event})


def sendgrid_event(kind: str, **more: object) -> dict[str, object]:
    return {
        "email": "zoe@example.com",
        "timestamp": 1_763_719_200,
        "event": kind,
        "sg_event_id": f"id-{kind}",
        "sg_message_id": "m.1",
        "token": RAW.hex(),
        **more,
    }


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        (sendgrid_event("bounce", status="5.1.1", type="bounce", reason="550 5.1.1 user unknown"), HARD),
        (sendgrid_event("bounce", status="", type="bounce", reason="unable to get mx info"), HARD),
        (sendgrid_event("bounce", status="5.2.2", type="bounce", reason="552 5.2.2 full"), SOFT),
        (sendgrid_event("bounce", status="", type="blocked", reason="connection refused"), BLOCK),
        (sendgrid_event("dropped", reason="Bounced Address"), HARD),
        (sendgrid_event("dropped", reason="Spam Reporting Address"), SPAM),
        (sendgrid_event("spamreport"), SPAM),
        (sendgrid_event("delivered"), None),
        (sendgrid_event("deferred", response="452 4.2.2 full"), None),
    ],
)
def test_sendgrids_events(event: dict[str, object], verdict: Verdict | None) -> None:
    found = providers.sendgrid(*by_sendgrid([event]), PUBLIC, NOW)
    assert [judge(each) for each in found] == ([] if verdict is None else [verdict])
    assert [TOKENS.open_raw(each.codes[0]) for each in found] == [OURS] * len(found)


def mailgun_event(kind: str, **more: object) -> dict[str, object]:
    return {
        "event": kind,
        "id": f"id-{kind}",
        "timestamp": 1_763_719_200.25,
        "recipient": "zoe@example.com",
        "user-variables": {"delivery": "4242", "token": RAW.hex()},
        **more,
    }


def status(code: int, enhanced: str, text: str, kind: str = "") -> dict[str, object]:
    return {"code": code, "enhanced-code": enhanced, "message": text, "description": "", "bounce-type": kind}


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        (
            mailgun_event(
                "failed",
                severity="permanent",
                reason="bounce",
                **{"delivery-status": status(550, "5.1.1", "x")},
            ),
            HARD,
        ),
        (
            mailgun_event(
                "failed",
                severity="permanent",
                reason="suppress-bounce",
                **{"delivery-status": status(605, "", "Not delivering to previously bounced address")},
            ),
            HARD,
        ),
        (
            mailgun_event(
                "failed",
                severity="permanent",
                reason="generic",
                **{"delivery-status": status(550, "5.7.1", "spam")},
            ),
            BLOCK,
        ),
        (mailgun_event("failed", severity="permanent", reason="suppress-complaint"), SPAM),
        (
            mailgun_event(
                "failed", severity="temporary", **{"delivery-status": status(452, "4.2.2", "full")}
            ),
            NOTHING,
        ),
        (mailgun_event("complained"), SPAM),
        (mailgun_event("opened"), None),
    ],
)
def test_mailguns_events(event: dict[str, object], verdict: Verdict | None) -> None:
    found = providers.mailgun(*by_mailgun(event), SIGNING_KEY, NOW)
    assert [judge(each) for each in found] == ([] if verdict is None else [verdict])
    assert [TOKENS.open_raw(each.codes[0]) for each in found] == [OURS] * len(found)


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        ({"RecordType": "Bounce", "Type": "HardBounce", "Details": "smtp;550 5.1.1 unknown"}, HARD),
        ({"RecordType": "Bounce", "Type": "HardBounce", "Details": "smtp;550 5.7.1 your reputation"}, BLOCK),
        ({"RecordType": "Bounce", "Type": "SoftBounce", "Details": "smtp;452 4.2.2 full"}, SOFT),
        ({"RecordType": "Bounce", "Type": "SpamNotification", "Details": ""}, BLOCK),
        ({"RecordType": "SpamComplaint", "Type": "SpamComplaint"}, SPAM),
        ({"RecordType": "Bounce", "Type": "AutoResponder"}, None),
        ({"RecordType": "Open"}, None),
    ],
)
def test_postmarks_events(event: dict[str, object], verdict: Verdict | None) -> None:
    body = orjson.dumps(
        {"ID": 42, "BouncedAt": "2026-11-21T10:00:00Z", "Metadata": {"token": RAW.hex()}, **event}
    )
    headers = {"authorization": "Basic " + base64.b64encode(b"storecast:pass").decode()}
    found = providers.postmark(headers, body, "pass", NOW)
    assert [judge(each) for each in found] == ([] if verdict is None else [verdict])
    with pytest.raises(Forged):
        providers.postmark(headers, body, "another", NOW)
    with pytest.raises(Forged):
        providers.postmark({}, body, "pass", NOW)


@pytest.mark.parametrize(
    ("bounce", "verdict"),
    [
        (
            {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
            },
            HARD,
        ),
        (
            {
                "bounceType": "Permanent",
                "bounceSubType": "Suppressed",
                "bouncedRecipients": [{"emailAddress": "z@e.x"}],
            },
            HARD,
        ),
        ({"bounceType": "Transient", "bounceSubType": "MailboxFull", "bouncedRecipients": []}, SOFT),
        ({"bounceType": "Transient", "bounceSubType": "ContentRejected", "bouncedRecipients": "?"}, BLOCK),
        ({"bounceType": "Undetermined"}, SOFT),
    ],
)
def test_amazons_bounces(bounce: dict[str, object], verdict: Verdict) -> None:
    told = {"notificationType": "Bounce", "bounce": {"feedbackId": "f", **bounce}}
    for sent in (
        {"tags": {"token": [RAW.hex()]}},
        {"source": PATH},
        {"headers": [{"name": "List-Unsubscribe", "value": f"<{LINK}>"}]},
    ):
        (found,) = providers.ses_reports(orjson.dumps({**told, "mail": sent}).decode())
        assert TOKENS.open_raw(found.codes[0]) == OURS
        assert judge(found) is verdict


def test_amazons_complaints() -> None:
    told = {
        "eventType": "Complaint",
        "mail": {},
        "complaint": {"feedbackId": "f", "complaintFeedbackType": "abuse"},
    }
    assert [judge(each) for each in providers.ses_reports(orjson.dumps(told).decode())] == [SPAM]
    told["complaint"] = {"feedbackId": "f", "complaintFeedbackType": "not-spam"}
    assert list(providers.ses_reports(orjson.dumps(told).decode())) == []


def test_a_signature_holds_for_its_bytes_its_key_and_its_time() -> None:
    headers, body = by_sendgrid([sendgrid_event("spamreport")])
    assert providers.sendgrid(headers, body, PUBLIC, NOW)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    other_key = base64.b64encode(
        other.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).decode()
    moved = headers | {"x-twilio-email-event-webhook-timestamp": str(int(NOW.timestamp()) + 1)}
    late, early = NOW + timedelta(hours=26), NOW - timedelta(minutes=6)
    for args in (
        (headers, body + b" ", PUBLIC, NOW),
        (headers, body, other_key, NOW),
        (headers, body, "not a key", NOW),
        (moved, body, PUBLIC, NOW),
        ({}, body, PUBLIC, NOW),
        (headers | {"x-twilio-email-event-webhook-signature": "ÿ"}, body, PUBLIC, NOW),
        (headers, body, PUBLIC, late),
        (headers, body, PUBLIC, early),
    ):
        with pytest.raises(Forged):
            providers.sendgrid(*args)

    headers, body = by_mailgun(mailgun_event("complained"))
    assert providers.mailgun(headers, body, SIGNING_KEY, NOW)
    for raw, key, now in (
        (body, "another", NOW),
        (body.replace(b"nnnn", b"mnnn", 1), SIGNING_KEY, NOW),
        (b"{}", SIGNING_KEY, NOW),
        (b"[]", SIGNING_KEY, NOW),
        (body, SIGNING_KEY, late),
        (body, SIGNING_KEY, early),
    ):
        with pytest.raises(Forged):
            providers.mailgun({}, raw, key, now)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "event",
                    "id",
                    "ID",
                    "Type",
                    "RecordType",
                    "bounce",
                    "mail",
                    "tags",
                    "token",
                    "headers",
                    "name",
                    "bouncedRecipients",
                    "feedbackId",
                    "notificationType",
                    "delivery-status",
                    "code",
                    "severity",
                    "user-variables",
                    "Metadata",
                    "timestamp",
                    "sg_event_id",
                    "reason",
                    "status",
                ]
            ),
            inner
            | st.sampled_from(["Bounce", "bounce", "failed", "permanent", "HardBounce", "SpamComplaint"]),
            max_size=8,
        )
    ),
    max_leaves=25,
)


@given(JSON, st.binary(max_size=40))
def test_no_payload_raises_anything_of_its_own(payload: object, raw: bytes) -> None:
    def attempt(read: object) -> None:
        try:
            list(read())  # type: ignore[operator]
        except (Forged, Unreadable):
            return

    event = payload if isinstance(payload, dict) else {"x": payload}
    attempt(lambda: providers.sendgrid(*by_sendgrid([event]), PUBLIC, NOW))
    attempt(lambda: providers.mailgun(*by_mailgun(event), SIGNING_KEY, NOW))
    for body in (orjson.dumps(payload), raw):
        attempt(lambda body=body: providers.postmark({}, body, "", NOW))
        attempt(lambda body=body: providers.ses_reports(body.decode("utf-8", "replace")))
        attempt(lambda body=body: providers.mailgun({}, body, SIGNING_KEY, NOW))
