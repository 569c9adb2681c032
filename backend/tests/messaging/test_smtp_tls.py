"""SMTP over TLS with a password: success, and everything that must end without a message or a secret given away."""

from pathlib import Path
from urllib.parse import quote

import pytest

from storecast.messaging.channels.protocol import ChannelUnavailable, Verdict
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import SmtpServer, parse, parse_all
from tests.messaging.test_compose import DATE, ZOE, variant
from tests.messaging.tls_relay import PASSWORD, USER, make_authority, relaying


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's certificate whose authority this process trusts, as it would the system's."""
    authority, server = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return server


def channel(scheme: str, port: int, *, password: str = PASSWORD, host: str = "127.0.0.1") -> SmtpChannel:
    credentials = f"{quote(USER, safe='')}:{quote(password, safe='')}"
    return SmtpChannel(parse(f"{scheme}://{credentials}@{host}:{port}?connections=1"))


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp+starttls", False), ("smtps", True)])
@pytest.mark.parametrize(("without", "used"), [((), "PLAIN"), (("PLAIN",), "LOGIN")])
def test_a_message_goes_out_encrypted_after_signing_in(
    certificate: Path, scheme: str, implicit: bool, without: tuple[str, ...], used: str
) -> None:
    message = variant().prepare(ZOE, date=DATE)
    with relaying(certificate, implicit=implicit, without=without) as relay:
        sending = channel(scheme, relay.port)
        outcomes = list(sending.send([message]))
        sending.close()
    assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED]
    assert relay.bodies == [message.data]
    assert relay.mechanisms == [used]
    if not implicit:
        assert relay.encrypted == [True]


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp+starttls", False), ("smtps", True)])
def test_a_wrong_password_takes_nothing(certificate: Path, scheme: str, implicit: bool) -> None:
    with relaying(certificate, implicit=implicit) as relay:
        sending = channel(scheme, relay.port, password="wrong")
        with pytest.raises(ChannelUnavailable, match="535"):
            sending.connect()
        sending.close()
    assert relay.bodies == []


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp+starttls", False), ("smtps", True)])
def test_a_stranger_with_a_certificate_of_their_own_gets_no_password(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str, implicit: bool
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    _authority, strangers = make_authority(other)
    with relaying(strangers, implicit=implicit) as relay:
        sending = channel(scheme, relay.port)
        with pytest.raises(ChannelUnavailable, match="certificate"):
            sending.connect()
        sending.close()
    assert (relay.mechanisms, relay.bodies) == ([], [])


def test_a_certificate_for_another_name_is_refused(certificate: Path) -> None:
    with relaying(certificate) as relay:
        sending = channel("smtp+starttls", relay.port, host="localhost")
        with pytest.raises(ChannelUnavailable, match="certificate"):
            sending.connect()
        sending.close()
    assert relay.mechanisms == []


def test_a_merchants_server_must_be_on_the_public_internet() -> None:
    inside = SmtpServer("localhost", 25, None, "none", None, None, 1, public_only=True)
    sending = SmtpChannel(inside)
    with pytest.raises(ChannelUnavailable, match="private network"):
        sending.connect()
    sending.close()


def test_several_servers_with_limits_of_their_own() -> None:
    one, other = parse_all("smtp://a.example?connections=2&per_second=50 smtps://b.example")
    assert (one.host, one.connections, one.per_second) == ("a.example", 2, 50)
    assert (other.host, other.security, other.per_second) == ("b.example", "tls", None)
    for wrong in ("", "smtp://a.example?per_second=0"):
        with pytest.raises(ValueError, match=r"empty|per_second"):
            parse_all(wrong)
