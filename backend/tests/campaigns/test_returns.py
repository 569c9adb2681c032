"""Mail that comes back to a campaign: by webhook, by a mail server's pipe, in the answer of the server itself."""

import base64
import io
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storecast.campaigns import reading, returns
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.return_rates import Returned, too_many_returns
from storecast.customers.jobs import WriteConsent
from storecast.customers.models import Customer
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.cli import main
from storecast.events.models import MessageEvent
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import returned, sending_channels
from storecast.messaging import service as messaging
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import parse
from storecast.messaging.delivery import tokens
from storecast.messaging.jobs import ReturnsRecorded
from storecast.messaging.models import MessageReturn, Suppression
from storecast.messaging.returned import Reply
from storecast.messaging.returns import sns
from storecast.messaging.returns.reports import Forged, Unreadable
from storecast.messaging.sending_channels_schemas import ChannelInput
from storecast.shops.models import Shop
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.messaging import notifications as n
from tests.messaging.postfix import running
from tests.messaging.test_compose import DATE, ZOE, variant

UnitOfWork = Callable[[], AbstractContextManager[Session]]


@pytest.fixture
def sent(uow: UnitOfWork, shop_id: ShopId, frozen: Campaign) -> list[MessageDelivery]:
    """Twelve deliveries that servers took three days ago, of a campaign that is sending still."""
    with uow() as session:
        session.execute(
            update(MessageDelivery).values(state="accepted", accepted_at=utcnow() - timedelta(days=3))
        )
        return list(session.scalars(select(MessageDelivery).order_by(MessageDelivery.id)))


@pytest.fixture
def doors(client: TestClient) -> TestClient:
    return client


def code(row: MessageDelivery, *, shop_id: int | None = None) -> bytes:
    return tokens().raw(shop_id or row.shop_id, row.campaign_id, row.id)


def path(row: MessageDelivery) -> str:
    return f"b+{code(row).hex()}@acme.example"


def add_channel(uow: UnitOfWork, shop_id: ShopId, **given: Any) -> str:
    """A channel; the path that its returns come to."""
    with uow() as session:
        made = sending_channels.add(
            session, shop_id, ChannelInput.model_validate({"title": "Channel", **given}), actor="user:7"
        )
        return urlsplit(sending_channels.returns_url(made.public_id)).path


def relay(uow: UnitOfWork, shop_id: ShopId) -> str:
    return add_channel(uow, shop_id, kind="smtp", config={"host": "smtp.acme.example"})


def postmark(uow: UnitOfWork, shop_id: ShopId) -> str:
    return add_channel(uow, shop_id, kind="postmark", secret="token", returns_secret="pass")


AUTH = {"Authorization": "Basic " + base64.b64encode(b"storecast:pass").decode()}


def event(row: MessageDelivery, number: int, kind: str = "HardBounce", text: str = "") -> bytes:
    return orjson.dumps(
        {
            "RecordType": "SpamComplaint" if kind == "SpamComplaint" else "Bounce",
            "Type": kind,
            "ID": number,
            "Details": text,
            "Email": "somebody.else@example.com",
            "Metadata": {"token": code(row).hex()},
        }
    )


def suppressed(uow: UnitOfWork) -> dict[bytes, tuple[str, str]]:
    with uow() as session:
        return {row.email_digest: (row.reason, row.source) for row in session.scalars(select(Suppression))}


def known(uow: UnitOfWork) -> list[tuple[int, str, str]]:
    """What is recorded: delivery, verdict, source."""
    with uow() as session:
        query = select(MessageReturn.delivery_id, MessageReturn.verdict, MessageReturn.source)
        found = session.execute(query.order_by(MessageReturn.id))
        return [(delivery_id, verdict, source) for delivery_id, verdict, source in found]


def events(uow: UnitOfWork) -> list[tuple[int, str]]:
    with uow() as session:
        query = select(MessageEvent.delivery_id, MessageEvent.kind)
        found = session.execute(query.order_by(MessageEvent.occurred_at, MessageEvent.id))
        return [(delivery_id, kind) for delivery_id, kind in found]


def nothing_happened(uow: UnitOfWork) -> bool:
    return not suppressed(uow) and not known(uow) and not events(uow)


def test_a_hard_bounce_ends_the_mail_to_the_address_that_it_went_to(
    doors: TestClient, uow: UnitOfWork, shop_id: ShopId, sent: list[MessageDelivery]
) -> None:
    door = postmark(uow, shop_id)
    told = event(sent[0], 1, text="smtp;550 5.1.1 user unknown")
    answer = doors.post(door, content=told, headers=AUTH)
    assert (answer.status_code, answer.json()) == (200, {"recorded": 1, "repeated": 0, "ignored": 0})
    assert suppressed(uow) == {messaging.digest(sent[0].email or ""): ("hard_bounce", "postmark")}
    assert (known(uow), events(uow)) == ([(sent[0].id, "hard", "postmark")], [(sent[0].id, "bounce")])
    with uow() as session:
        assert outbox.pending(session, ReturnsRecorded) == [ReturnsRecorded(sent[0].campaign_id)]

    # Told again, nothing changes; nor when the mail server tells of it too, but for the record of that.
    assert doors.post(door, content=told, headers=AUTH).json() == {"recorded": 0, "repeated": 1, "ignored": 0}
    mail = n.filled(n.POSTFIX_UNKNOWN, path=path(sent[0]))
    assert doors.post(relay(uow, shop_id), content=mail).json()["recorded"] == 1
    assert len(suppressed(uow)) == 1
    assert events(uow) == [(sent[0].id, "bounce")]


def test_a_complaint_unsubscribes_and_outranks_what_was_there(
    doors: TestClient, uow: UnitOfWork, shop_id: ShopId, sent: list[MessageDelivery]
) -> None:
    door = postmark(uow, shop_id)
    doors.post(door, content=event(sent[0], 1), headers=AUTH)
    answer = doors.post(door, content=event(sent[0], 2, "SpamComplaint"), headers=AUTH)
    assert answer.json()["recorded"] == 1
    assert [reason for reason, _source in suppressed(uow).values()] == ["complaint"]
    assert events(uow) == [(sent[0].id, "bounce"), (sent[0].id, "complaint")]
    with uow() as session:
        customer = session.get_one(Customer, sent[0].customer_id)
        assert customer.email_state == "unsubscribed"
        assert outbox.pending(session, WriteConsent) == [WriteConsent(customer.gid, "email")]
    # A bounce that is told later is no graver.
    doors.post(door, content=event(sent[0], 3), headers=AUTH)
    assert [reason for reason, _source in suppressed(uow).values()] == ["complaint"]


def test_what_is_not_proven_changes_nothing(
    doors: TestClient, uow: UnitOfWork, shop_id: ShopId, other_shop: Shop, sent: list[MessageDelivery]
) -> None:
    door, mail_door = postmark(uow, shop_id), relay(uow, shop_id)
    mailgun = add_channel(uow, shop_id, kind="mailgun", config={"domain": "mg.acme.example"}, secret="s")
    told = event(sent[0], 1)
    forged = path(sent[0])[:-14] + "0@acme.example"
    refused = {
        "no password": (door, told, {}, 403),
        "wrong password": (door, told, {"Authorization": "Basic c3RvcmVjYXN0Og=="}, 403),
        "another secret address": (door[:-1] + ("0" if door[-1] != "0" else "1"), told, AUTH, 404),
        "no such channel": ("/returns/chn_x/" + "0" * 32, told, AUTH, 404),
        "not set up": (mailgun, told, {}, 403),
        "no JSON": (door, b"{", AUTH, 422),
        "no id": (door, b'{"RecordType": "Bounce", "Type": "HardBounce"}', AUTH, 422),
        "too large": (door, b" " * (2 * 1024 * 1024 + 1), AUTH, 413),
        "forged code": (mail_door, n.filled(n.POSTFIX_UNKNOWN, path=forged), {}, 200),
        "no code": (mail_door, n.filled(n.POSTFIX_UNKNOWN, path="news@acme.example"), {}, 200),
        "an absence note": (mail_door, n.filled(n.ABSENCE, path=path(sent[0])), {}, 200),
        "a delay": (mail_door, n.filled(n.POSTFIX_DELAYED, path=path(sent[0])), {}, 200),
    }  # fmt: skip
    for why, (address, body, headers, status) in refused.items():
        answer = doors.post(address, content=body, headers=headers)
        assert answer.status_code == status, why
        assert "recorded" not in answer.json() or answer.json() == {
            "recorded": 0,
            "repeated": 0,
            "ignored": 1,
        }
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert doors.request(method, door, headers=AUTH).status_code in {404, 405}
    assert nothing_happened(uow)

    # The neighbour's own door, with a code of this shop and with one that names deliveries which they do not have.
    other = ShopId(other_shop.id)
    with tenant_session(other) as session:
        made = sending_channels.add(
            session, other, ChannelInput(kind="postmark", title="P", secret="t", returns_secret="pass"), actor="user:7"
        )  # fmt: skip
        theirs = urlsplit(sending_channels.returns_url(made.public_id)).path
    assert doors.post(theirs, content=told, headers=AUTH).json() == {
        "recorded": 0,
        "repeated": 0,
        "ignored": 1,
    }
    elsewhere = orjson.dumps(orjson.loads(told) | {"Metadata": {"token": code(sent[0], shop_id=other).hex()}})
    assert doors.post(theirs, content=elsewhere, headers=AUTH).json()["ignored"] == 1
    assert doors.post(door, content=elsewhere, headers=AUTH).json()["ignored"] == 1
    assert nothing_happened(uow)
    with platform_session() as session:
        told_of = select(func.count()).where(OutboxJob.name == ReturnsRecorded.name)
        assert session.scalar(told_of) == 0


def test_a_pipe_of_the_mail_server_needs_no_shop(
    uow: UnitOfWork,
    sent: list[MessageDelivery],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def pipe(raw: bytes, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
        return main(["returns", *arguments]), capsys.readouterr().out.strip()

    unnamed = n.filled(n.EXCHANGE_UNKNOWN, path="news@acme.example")
    assert pipe(unnamed) == (0, "recorded 0, repeated 0, ignored 1")
    assert nothing_happened(uow)
    assert pipe(unnamed, "--to", path(sent[0])) == (0, "recorded 1, repeated 0, ignored 0")
    assert pipe(n.filled(n.YAHOO_COMPLAINT, path=path(sent[1]))) == (0, "recorded 1, repeated 0, ignored 0")
    assert pipe(b"hello")[0] == 0
    assert pipe(b"x" * 3_000_000) == (0, "ignored: the mail is too large")
    assert known(uow) == [(sent[0].id, "hard", "mail"), (sent[1].id, "complaint", "mail")]


def test_what_a_real_server_sends_back_suppresses(
    uow: UnitOfWork,
    sent: list[MessageDelivery],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Not under pytest's own folder, which is closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="storecast-postfix-"))
    folder.chmod(0o755)
    message = variant().prepare(ZOE, date=DATE)
    message = message._replace(mail_from=path(sent[0]), rcpt_to="ghost@example.com")
    try:
        with running(folder) as server:
            channel = SmtpChannel(parse(server.url))
            assert [outcome.code for outcome in channel.send([message])] == [250]
            channel.close()
            (notification,) = server.delivered(1, "returns")
    finally:
        shutil.rmtree(folder)
    assert b"report-type=delivery-status" in notification
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(notification)))
    assert main(["returns"]) == 0
    assert capsys.readouterr().out.strip() == "recorded 1, repeated 0, ignored 0"
    assert known(uow) == [(sent[0].id, "hard", "mail")]
    assert suppressed(uow) == {messaging.digest(sent[0].email or ""): ("hard_bounce", "mail")}


def test_soft_bounces_suppress_once_they_add_up(
    uow: UnitOfWork, shop_id: ShopId, sent: list[MessageDelivery]
) -> None:
    now, email = utcnow(), "c1@example.com"

    def bounce(number: int, at: datetime, text: str = "552 5.2.2 mailbox full") -> set[str]:
        reply = Reply(number, sent[0].customer_id, email, 552, text, refused_address=False)
        with uow() as session:
            returned.take_replies(session, shop_id, sent[0].campaign_id, [reply], now=at)
        return {reason for reason, _source in suppressed(uow).values()}

    # A block blames the sender and counts for nothing; the same delivery counts once.
    for number in range(5):
        assert bounce(900 + number, now, "550 5.7.1 blocked by policy") == set()
    assert bounce(1, now - timedelta(days=1)) == set()
    assert bounce(1, now - timedelta(hours=2)) == set()
    assert bounce(2, now - timedelta(hours=1)) == set()
    assert bounce(3, now) == {"soft_bounces"}

    # Lifted, they start anew.
    with uow() as session:
        assert messaging.lift_suppression(session, shop_id, email)
    assert bounce(4, now) == set()
    assert bounce(5, now) == set()
    assert bounce(6, now) == {"soft_bounces"}


def test_mail_that_arrived_since_wipes_soft_bounces_out(
    uow: UnitOfWork, shop_id: ShopId, sent: list[MessageDelivery]
) -> None:
    now = utcnow()
    arrived, came_back = sent[0], sent[1]

    def bounce(row: MessageDelivery, delivery_id: int, days: int) -> None:
        reply = Reply(delivery_id, row.customer_id, row.email or "", 552, "5.2.2 full", refused_address=False)
        with uow() as session:
            returned.take_replies(session, shop_id, 1, [reply], now=now - timedelta(days=days))

    # Taken three days ago by both servers; from the second one it came back.
    bounce(came_back, came_back.id, 2)
    for row in (arrived, came_back):
        for days in (5, 4, 0):
            bounce(row, row.id * 100 + days, days)
    assert list(suppressed(uow)) == [messaging.digest(came_back.email or "")]


def test_a_campaign_stops_when_too_many_complain(
    doors: TestClient, uow: UnitOfWork, shop_id: ShopId, sent: list[MessageDelivery], campaign_id: str
) -> None:
    door = postmark(uow, shop_id)

    def judged() -> tuple[str, str | None]:
        with uow() as session:
            returns.judge_returns(session, shop_id, sent[0].campaign_id)
        with uow() as session:
            campaign = reading.get(session, shop_id, campaign_id)
            return campaign.state, campaign.pause_reason

    for number, row in enumerate(sent[:2]):
        doors.post(door, content=event(row, number, "SpamComplaint"), headers=AUTH)
    assert judged() == ("sending", None)
    doors.post(door, content=event(sent[2], 3, "SpamComplaint"), headers=AUTH)
    assert judged() == ("paused", "complaint_rate: 3 of 12 recipients called it spam")


@pytest.mark.parametrize(
    ("accepted", "bounced", "complained", "reason"),
    [
        (1_000, 50, 3, None),
        (1_000, 0, 4, "complaint_rate: 4 of 1000 recipients called it spam"),
        (10, 0, 2, None),
        (1_000, 51, 0, "bounce_rate: 51 of 1000 addresses do not exist"),
        (100, 19, 0, None),
    ],
)
def test_thresholds(accepted: int, bounced: int, complained: int, reason: str | None) -> None:
    assert too_many_returns(Returned(accepted, bounced, complained)) == reason


# Amazon signs with a certificate that lies on its own host.

TOPIC = "arn:aws:sns:eu-central-1:123456789012:bounces"
AMAZON = rsa.generate_private_key(65537, 2048)
CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc.pem"


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(AMAZON.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 12, 31, tzinfo=UTC))
        .sign(AMAZON, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def signed(version: str = "2", **changes: Any) -> bytes:
    """A message as SNS posts it; changes are signed as well."""
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": "{}",
        "Timestamp": utcnow().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **changes,
    }
    lines = "".join(
        f"{field}\n{envelope[field]}\n"
        for field in (
            "Message",
            "MessageId",
            "Subject",
            "SubscribeURL",
            "Timestamp",
            "Token",
            "TopicArn",
            "Type",
        )
        if field in envelope
    )
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  # Amazon's first version
    signature = AMAZON.sign(lines.encode(), padding.PKCS1v15(), digest)
    return orjson.dumps({**envelope, "Signature": base64.b64encode(signature).decode()})


def test_amazons_messages_are_verified_over_all_that_they_say() -> None:
    now, asked = utcnow(), []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return certificate()

    for version in ("1", "2"):
        assert sns.verify(signed(version, Message="hello"), TOPIC, now, fetch) == ("hello", None)
    confirm = {"Type": "SubscriptionConfirmation", "Token": "t"}
    url = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    assert sns.verify(signed(SubscribeURL=url, **confirm), TOPIC, now, fetch).confirm_url == url
    assert set(asked) == {CERTIFICATE_URL}

    asked.clear()
    tampered = orjson.dumps(orjson.loads(signed()) | {"Message": "evil"})
    foreign = [
        "https://sns.eu-central-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/x.pem",
        "http://sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/x.pem",
        "https://[::1/x.pem",
    ]
    for raw in (
        tampered,
        signed(TopicArn="arn:aws:sns:eu-central-1:999999999999:bounces"),
        signed("3"),
        signed(Timestamp=(now - timedelta(hours=26)).strftime("%Y-%m-%dT%H:%M:%S.000Z")),
        signed(SubscribeURL="https://evil.example/", **confirm),
        *(signed(SigningCertURL=url) for url in foreign),
        b"{}",
        b"[]",
        b"",
    ):
        with pytest.raises((Forged, Unreadable)):
            sns.verify(raw, TOPIC, now, fetch)
    with pytest.raises(Forged):
        sns.verify(signed(), "", now, fetch)
    assert set(asked) <= {CERTIFICATE_URL}
