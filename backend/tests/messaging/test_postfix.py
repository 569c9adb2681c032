"""Messages as a real mail server takes and delivers them, strict about what the standards ask for."""

import email
import email.policy
import shutil
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from storecast.fleet.alert_channels import Message
from storecast.messaging import alert_mail
from storecast.messaging.channels.protocol import Channel, Verdict
from storecast.messaging.channels.signing import SigningChannel
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import parse
from tests.messaging.postfix import Postfix, running
from tests.messaging.test_compose import DATE, TOKENS, ZOE, variant
from tests.messaging.test_dkim import both, verdicts


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    # Not under pytest's own folder, which is closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="storecast-postfix-"))
    folder.chmod(0o755)
    try:
        with running(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def mailbox(postfix: Postfix) -> Postfix:
    """The server with an empty mailbox."""
    shutil.rmtree(postfix.folder / "mail" / "zoe", ignore_errors=True)
    return postfix


@pytest.fixture
def channel(mailbox: Postfix) -> Iterator[Channel]:
    smtp = SmtpChannel(parse(mailbox.url))
    yield SigningChannel(smtp, {"acme.example": both()})
    smtp.close()


def read(delivered: bytes) -> tuple[bytes, EmailMessage]:
    """The message in the form that it had on the wire, and as Python's parser reads it."""
    wire = delivered.replace(b"\n", b"\r\n")
    parsed = email.message_from_bytes(delivered, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert [part.defects for part in parsed.walk() if part.defects] == []
    return wire, parsed


def test_a_campaigns_message_arrives_whole_and_verifies(mailbox: Postfix, channel: Channel) -> None:
    made = variant(
        subject="Grüße an {{ customer.first_name }}: " + "lang " * 40, reply_to="help@acme.example"
    )
    message = made.prepare(ZOE, date=DATE)
    (outcome,) = channel.send([message])
    assert (outcome.verdict, outcome.code) == (Verdict.ACCEPTED, 250)

    (delivered,) = mailbox.delivered(1)
    wire, parsed = read(delivered)
    assert verdicts(wire) == [True, True]
    assert parsed["Return-Path"] == f"<{message.mail_from}>"
    assert parsed["Subject"].startswith("Grüße an Zoë: lang")
    assert parsed["Message-ID"] == f"<{message.message_id}>"
    assert parsed["List-Unsubscribe"] == f"<https://e.example/u/{TOKENS.mint(7, 41, 4242)}>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for name in ("From", "Date", "Message-ID", "To", "Subject", "Reply-To", "List-ID", "Feedback-ID"):
        assert len(parsed.get_all(name, [])) == 1, name
    assert max(map(len, delivered.split(b"\n"))) <= 998


@pytest.mark.parametrize(
    "body",
    [
        "<p>.</p>\n.\n..\n<p>dots</p>",
        "<p>" + "x" * 3_000 + "</p>",
        "<p>ünï çødé \u2028 😀</p>",
        "<p>trailing   </p>   \n\t\n",
    ],
)
def test_bodies_that_break_mail_arrive_whole(mailbox: Postfix, channel: Channel, body: str) -> None:
    made = variant(html=f"<html><body>{body}<a href='{{{{ unsubscribe_url }}}}'>off</a></body></html>")
    message = made.prepare(ZOE, date=DATE)
    assert [outcome.verdict for outcome in channel.send([message])] == [Verdict.ACCEPTED]
    wire, _parsed = read(mailbox.delivered(1)[0])
    assert verdicts(wire) == [True, True]
    assert wire.endswith(message.data)


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: a@b.example",
        "x\nX-Evil: 1",
        "x\r\n\r\nbody",
        "\x00\x85Bcc: c",
        "=?utf-8?q?=0D=0ABcc:_a?=",
        "\r\n.\r\nQUIT",
    ],
)
def test_no_value_adds_a_header_or_a_command(mailbox: Postfix, channel: Channel, evil: str) -> None:
    made = variant(from_name=evil, subject="{{ customer.first_name }}" + evil, preview_text=evil)
    message = made.prepare(ZOE._replace(first_name=evil, city=evil), date=DATE)
    assert [outcome.verdict for outcome in channel.send([message])] == [Verdict.ACCEPTED]
    wire, parsed = read(mailbox.delivered(1)[0])
    assert verdicts(wire) == [True, True]
    assert parsed["Bcc"] is None
    assert parsed["X-Evil"] is None
    own = {
        "return-path", "x-original-to", "delivered-to", "received", "dkim-signature", "from", "to", "subject", "date",
        "message-id", "mime-version", "content-type", "list-id", "list-unsubscribe", "list-unsubscribe-post",
        "feedback-id",
    }  # fmt: skip
    assert {name.lower() for name in parsed} == own


def test_an_alert_says_that_a_program_wrote_it(mailbox: Postfix, channel: Channel, database: str) -> None:
    alert = Message(
        "evt_1", "Zwölf Jobs sind tot", "Näheres:", "https://app.example/x", {}, sender_email="a@acme.example"
    )
    assert [each.verdict for each in channel.send([alert_mail.compose("zoe@example.com", alert)])] == [
        Verdict.ACCEPTED
    ]
    wire, parsed = read(mailbox.delivered(1)[0])
    assert verdicts(wire) == [True, True]
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Subject"] == "Zwölf Jobs sind tot"


def test_an_address_that_is_not_there_is_refused_for_good(mailbox: Postfix, channel: Channel) -> None:
    nobody = variant().prepare(ZOE._replace(email="nobody@example.com"), date=DATE)
    zoe = variant().prepare(ZOE, date=DATE)
    outcomes = {outcome.verdict: outcome for outcome in channel.send([nobody._replace(delivery_id=1), zoe])}
    assert set(outcomes) == {Verdict.PERMANENT, Verdict.ACCEPTED}
    refused = outcomes[Verdict.PERMANENT]
    assert (refused.delivery_id, refused.code, refused.refused_address) == (1, 550, True)
    assert len(mailbox.delivered(1)) == 1
