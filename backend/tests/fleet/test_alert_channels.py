"""Alerts on their way out, to real receivers; and where they must not go."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from storecast.config.settings import Settings
from storecast.entrypoints.modules import register_jobs
from storecast.fleet import alert_channels
from storecast.fleet.alert_channels import Message, TargetRefused, check_target, masked, send
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent, Retryable
from storecast.resilience.guard import process_guard
from tests.conftest import ENVIRONMENT, environment
from tests.contracts.smtp_server import SmtpServer, serving
from tests.fleet.webhook_receiver import WebhookReceiver, receiving

MESSAGE = Message(
    id="alert_7",
    subject="Firing: <queues> & more",
    text="queue depth is 12,000 jobs.",
    link="https://app.example/tasks?state=staged&q=queue%3Abulk",
    facts={"type": "alert.fired", "data": {"value": 12000.0}},
)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def production() -> Iterator[None]:
    """Settings as in production; no server is behind them, since nothing may come as far."""
    values = {
        **ENVIRONMENT,
        "DATABASE_URL": "postgresql:///none",
        "REDIS_URL": "unix:///none",
        "CELERY_BROKER_URL": "memory://",
        "STORECAST_ENVIRONMENT": "production",
        "APP_SECRET_KEY": secrets.token_hex(32),
        "SESSION_SECRET_KEY": secrets.token_hex(32),
        "SHOPIFY_API_SECRET": secrets.token_hex(32),
        "SHOPIFY_APP_URL": "https://app.storecast.dev",
    }
    with environment(values):
        yield


def test_a_webhook_is_signed_as_standard_webhooks_says(receiver: WebhookReceiver) -> None:
    secret = alert_channels.new_secret()
    send("webhook", f"{receiver.url}/hook?team=1", secret, MESSAGE)
    (post,) = receiver.posts
    assert (post.path, post.headers["content-type"], post.headers["webhook-id"]) == (
        "/hook?team=1",
        "application/json",
        "alert_7",
    )
    assert post.headers["host"] == receiver.url.removeprefix("http://")
    # Reckoned here from the specification, not with the sender's function.
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"alert_7.{post.headers['webhook-timestamp']}.".encode() + post.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert post.headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(post.headers["webhook-timestamp"]) - utcnow().timestamp()) < 60
    assert json.loads(post.body) == {
        "type": "alert.fired",
        "data": {"value": 12000.0},
        "subject": MESSAGE.subject,
        "link": MESSAGE.link,
    }


def test_the_signature_of_the_specifications_example() -> None:
    headers = alert_channels.signature_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        at=1614265330,
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_chat_gets_escaped_text_with_a_link(receiver: WebhookReceiver) -> None:
    send("slack", receiver.url, None, MESSAGE)
    (post,) = receiver.posts
    assert json.loads(post.body) == {
        "text": "*Firing: &lt;queues&gt; &amp; more*\nqueue depth is 12,000 jobs.\n"
        "<https://app.example/tasks?state=staged&amp;q=queue%3Abulk|Open in Storecast>"
    }
    assert "webhook-signature" not in post.headers


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, Retryable),
        (503, Retryable),
        (429, Retryable),
        (408, Retryable),
        (404, Permanent),
        (400, Permanent),
    ],
)
def test_the_answer_decides_whether_it_is_sent_again(
    receiver: WebhookReceiver, status: int, error: type[Exception]
) -> None:
    receiver.answers = [status]
    with pytest.raises(error, match=f"The receiver answered {status}"):
        send("slack", receiver.url, None, MESSAGE)
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver: WebhookReceiver, status: int) -> None:
    receiver.answers, receiver.location = [status], f"{receiver.url}/metadata"
    with pytest.raises(Permanent, match=f"The receiver answered {status}"):
        send("slack", receiver.url, None, MESSAGE)
    assert [post.path for post in receiver.posts] == ["/"]


def test_nobody_there_is_worth_another_try(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Retryable, match="cannot be reached"):
        send("slack", f"http://127.0.0.1:{port}/", None, MESSAGE)
    with pytest.raises(Retryable, match="cannot be resolved"):
        send("slack", "http://nowhere.invalid/", None, MESSAGE)


def test_a_receiver_that_answers_byte_by_byte_is_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_channels, "TOTAL_S", 0.3)
    done = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not done.wait(0.02):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        try:
            with pytest.raises(Retryable, match="cannot be reached"):
                send("slack", f"http://127.0.0.1:{server.getsockname()[1]}/", None, MESSAGE)
        finally:
            done.set()
            thread.join()


def test_a_receiver_that_fails_is_left_alone_and_its_host_is_not_for_others(
    receiver: WebhookReceiver,
) -> None:
    receiver.answers = [500] * 20
    for _ in range(12):
        with pytest.raises(Retryable) as refused:
            send("slack", receiver.url, None, MESSAGE)
        # The job's own curve decides, which lasts for hours.
        assert refused.value.retry_after is None
    assert len(receiver.posts) == 5
    assert "left alone" in refused.value.detail
    with process_guard().call("127.0.0.1", "something else"):
        pass


PRIVATE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25lo]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[fd00:ec2::254]/",
    "https://localhost/",
    "https://localhost./",
]


@pytest.mark.parametrize("kind", ["slack", "webhook"])
@pytest.mark.parametrize("url", PRIVATE)
def test_in_production_nothing_goes_to_a_private_address(production: None, url: str, kind: str) -> None:
    with pytest.raises((TargetRefused, Retryable)) as refused:
        send(kind, url, alert_channels.new_secret(), MESSAGE)
    assert refused.value.detail in (
        "The address belongs to a private network.",
        "The receiver's name cannot be resolved.",
        "This is not a web address.",
    )


def test_in_production_a_receiver_that_listens_on_the_loopback_address_hears_nothing(
    receiver: WebhookReceiver, production: None
) -> None:
    with pytest.raises(TargetRefused):
        send("slack", receiver.url.replace("http://", "https://"), None, MESSAGE)
    with pytest.raises(TargetRefused, match="https"):
        send("slack", receiver.url, None, MESSAGE)
    assert receiver.posts == []


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.215.14", "10.0.0.7")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(TargetRefused, match="private network"):
        send("slack", "https://rebinding.example.net/", None, MESSAGE)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "ftp://hooks.example.com/",
        "https://",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:x/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX: y",
        "https://häkchen.example.com/",
        "https://[::1",
        "https://169.254.169.254/",
        "javascript:alert(1)",
        "https://hooks.example.com/" + "a" * 2000,
    ],
)
def test_an_address_of_the_wrong_form_is_refused_before_it_is_kept(production: None, url: str) -> None:
    with pytest.raises(TargetRefused):
        check_target("webhook", url)


def test_a_name_that_cannot_be_one_is_refused(settings: Settings) -> None:
    with pytest.raises(TargetRefused):
        send("slack", "http://a..b/", None, MESSAGE)


@pytest.mark.parametrize(
    "address", ["", "ann", "ann@", "@b.example", "a b@c.example", "a@b", "a@b.example\r\nBcc: x@y.example",
                "ann@exämple.com", "a@b..example", "<a@b.example>", "a@b.example,c@d.example", "a" * 65 + "@b.example"]
)  # fmt: skip
def test_what_is_no_address_gets_no_mail(address: str) -> None:
    with pytest.raises(TargetRefused):
        check_target("email", address)


def test_good_targets_are_taken_and_shown_masked(production: None) -> None:
    check_target("email", "ann.lee+ops@mail.example.com")
    check_target("slack", "https://hooks.slack.com/services/T0/B0/secret")
    assert masked("email", "ann.lee+ops@mail.example.com") == "a…@mail.example.com"
    assert masked("slack", "https://hooks.slack.com/services/T0/B0/secret") == "https://hooks.slack.com/…"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate of localhost that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(utcnow() - timedelta(days=1))
        .not_valid_after(utcnow() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_the_certificate_must_be_the_names_though_the_connection_goes_to_an_address(
    settings: Settings, certificate: Path
) -> None:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        with pytest.raises(Retryable, match="cannot be reached"):
            send("slack", f"https://localhost:{server.getsockname()[1]}/", None, MESSAGE)
        thread.join()
    assert asked == ["localhost"]


@pytest.fixture
def smtp(settings: Settings) -> Iterator[SmtpServer]:
    register_jobs()
    with (
        serving(SmtpServer()) as server,
        environment(
            {**os.environ, "STORECAST_SMTP_URL": server.url, "SHOPIFY_APP_URL": "https://app.example"}
        ),
    ):
        yield server


def test_mail_is_plain_text_from_the_app_itself(smtp: SmtpServer) -> None:
    text = "“Wörter”\n.a line that begins with a dot\n" + "long " * 40
    send(
        "email",
        "ann@mail.example",
        None,
        Message("alert_7", "Firing: Größe\r\nBcc: x@y.example", text, "https://l", {}),
    )
    (received,) = smtp.messages
    assert (received.mail_from, received.rcpt_to) == ("alerts@app.example", "ann@mail.example")
    mail = message_from_bytes(received.data, policy=policy.default)
    assert (mail["From"], mail["To"], mail["Message-ID"], mail["Bcc"]) == (
        "Storecast <alerts@app.example>",
        "ann@mail.example",
        "<alert_7@app.example>",
        None,
    )
    assert mail["Subject"] == "Firing: Größe Bcc: x@y.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines()[:2] == ["“Wörter”", ".a line that begins with a dot"]
    assert mail.get_content().splitlines()[2:5] == ["long " * 40, "", "https://l"]


def test_a_shops_mail_comes_from_its_sender(smtp: SmtpServer) -> None:
    message = Message("t", "s", "x", "l", {}, sender_name='Acme, "Inc"', sender_email="news@acme.example")
    send("email", "ann@mail.example", None, message)
    (received,) = smtp.messages
    assert received.mail_from == "news@acme.example"
    mail = message_from_bytes(received.data, policy=policy.default)
    assert mail["From"].addresses[0].display_name == 'Acme, "Inc"'


@pytest.mark.parametrize(
    ("answer", "error"), [("450 4.2.0 later", Retryable), ("550 5.1.1 nobody", Permanent)]
)
def test_the_mail_server_decides_whether_it_is_sent_again(
    smtp: SmtpServer, answer: str, error: type[Exception]
) -> None:
    smtp.script = lambda verb, _line: answer if verb == "RCPT" else None
    with pytest.raises(error, match=answer):
        send("email", "ann@mail.example", None, MESSAGE)
    assert smtp.messages == []


def test_a_mail_server_that_is_away_is_worth_another_try(settings: Settings) -> None:
    register_jobs()
    with pytest.raises(Retryable):
        send("email", "ann@mail.example", None, MESSAGE)
