"""The running mail catcher: what smtplib sends is kept, counted and readable; the faults do what they say."""

import asyncio
import smtplib
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.mail.faults import FaultsNotUnderstood, MailFaults, read_faults
from simulator.mail.reading import read_mail
from simulator.mail.server import MailCatcher
from simulator.mail.smtp import Envelope
from simulator.mail.store import MailStats, MailStore, MessageNotFound


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    """A catcher on a free port and a unix socket, in a thread of its own as smtplib blocks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    catcher = MailCatcher(tmp_path)
    start = catcher.start(port=0, unix_path=tmp_path / "smtp.sock")
    asyncio.run_coroutine_threadsafe(start, loop).result(10)
    yield catcher
    asyncio.run_coroutine_threadsafe(catcher.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def message(to: str = "ann@example.com", number: int = 1, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Shop <shop@example.com>"
    mail["To"] = to
    mail["Subject"] = headers.get("subject", f"Hello {number}")
    mail["Message-ID"] = f"<{number}@example.com>"
    mail.set_content("Plain words\n.\n..leading dots")
    mail.add_alternative('<p>Hi <a href="https://x.example/c/1?a=1&amp;b=2">go</a></p>', subtype="html")
    return mail


def test_smtplib_delivers_and_the_text_is_unchanged(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port or 0) as client:
        client.send_message(message())
    [row] = catcher.store.list_messages()
    assert (row.subject, row.recipients, row.sender) == ("Hello 1", ("ann@example.com",), "shop@example.com")
    content = read_mail(catcher.store.get(row.id)[1])
    assert content.text.splitlines() == ["Plain words", ".", "..leading dots"]
    assert content.links == ("https://x.example/c/1?a=1&b=2",)
    assert ("Message-ID", "<1@example.com>") in content.headers


def test_pipelined_messages_over_a_unix_socket_are_committed_and_answered_in_order(
    catcher: MailCatcher, tmp_path: Path
) -> None:
    one = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c%d@x>\r\nDATA\r\nMessage-ID: <%d@x>\r\n\r\nhi\r\n.\r\n"
    wire = b"EHLO me\r\n" + b"".join(one % (n, n) for n in range(300)) + b"QUIT\r\n"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(tmp_path / "smtp.sock"))
        client.sendall(wire)
        answers = b"".join(iter(lambda: client.recv(65536), b""))
    assert answers.count(b"250 2.0.0 Caught") == 300
    assert answers.endswith(b"221 2.0.0 Bye\r\n")
    assert catcher.store.stats() == MailStats(messages=300, distinct_recipients=300, duplicates=0)


def test_stats_count_a_message_id_seen_twice_as_one_duplicate(tmp_path: Path) -> None:
    store = MailStore(tmp_path / "mail.sqlite3")
    store.add(
        [
            Envelope("", (f"{to}@x",), b"Message-ID: <%d@x>\r\n\r\n" % n)
            for n, to in ((1, "a"), (1, "a"), (2, "b"))
        ]
    )
    store.add([Envelope("", ("a@x",), b"\r\nno headers"), Envelope("", ("a@x",), b"\r\nno headers")])
    assert store.stats() == MailStats(messages=5, distinct_recipients=2, duplicates=1)


def test_list_is_newest_first_pages_by_id_and_finds_words(tmp_path: Path) -> None:
    store = MailStore(tmp_path / "mail.sqlite3")
    store.add([Envelope("", (f"p{n}@example.com",), b"Subject: 100%% off_%d\r\n\r\n" % n) for n in range(5)])
    assert [row.id for row in store.list_messages(limit=2)] == [5, 4]
    assert [row.id for row in store.list_messages(limit=2, before=4)] == [3, 2]
    assert [row.id for row in store.list_messages(search="P3@")] == [4]
    assert store.list_messages(search="1__% off") == []
    assert store.count(search="off_2") == 1
    assert [row.id for row in store.list_messages(recipient="P0@example.com")] == [1]


def test_folded_and_encoded_subjects_are_readable(tmp_path: Path) -> None:
    store = MailStore(tmp_path / "mail.sqlite3")
    head = b"X: 1\r\nsubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n from\r\n\tus\r\nMESSAGE-ID:\r\n <f@x>\r\n"
    raw = head + b"\r\nSubject: no\r\n"
    store.add([Envelope("", ("a@x",), raw)])
    [row] = store.list_messages()
    assert (row.subject, row.message_id) == ("Grüße from us", "<f@x>")


def test_get_of_an_unknown_message_raises(tmp_path: Path) -> None:
    with pytest.raises(MessageNotFound):
        MailStore(tmp_path / "mail.sqlite3").get(1)


def test_refused_recipient_is_not_stored(catcher: MailCatcher) -> None:
    catcher.set_faults(read_faults({"reject": [{"pattern": "*@bounce.example", "code": 550}]}))
    with smtplib.SMTP("127.0.0.1", catcher.port or 0) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.send_message(message(to="Ann@BOUNCE.example"))
    assert catcher.store.count() == 0


def test_refusal_at_data_is_not_stored(catcher: MailCatcher) -> None:
    catcher.set_faults(read_faults({"reject": [{"pattern": "*", "code": 451, "at": "data"}]}))
    with (
        smtplib.SMTP("127.0.0.1", catcher.port or 0) as client,
        pytest.raises(smtplib.SMTPDataError) as refusal,
    ):
        client.send_message(message())
    assert refusal.value.smtp_code == 451
    assert catcher.store.count() == 0


def test_refused_connections_get_421(catcher: MailCatcher) -> None:
    catcher.set_faults(read_faults({"refuse_connections": True}))
    with pytest.raises(smtplib.SMTPConnectError) as refusal:
        smtplib.SMTP("127.0.0.1", catcher.port or 0)
    assert refusal.value.smtp_code == 421


def test_a_lost_answer_stores_the_message_once_and_breaks_the_connection(catcher: MailCatcher) -> None:
    catcher.set_faults(read_faults({"lose_answers": 1}))
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        smtplib.SMTP("127.0.0.1", catcher.port or 0).send_message(message())
    with smtplib.SMTP("127.0.0.1", catcher.port or 0) as client:
        client.send_message(message())
    assert catcher.store.stats() == MailStats(messages=2, distinct_recipients=1, duplicates=1)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"speed": 1},
        {"delay_ms": -1},
        {"delay_ms": True},
        {"reject": {}},
        {"reject": [{"code": 550}]},
        {"reject": [{"pattern": "*", "code": 250}]},
        {"reject": [{"pattern": "*", "at": "never"}]},
        {"reject": [{"pattern": "*", "text": "a\r\n250 ok"}]},
    ],
)
def test_faults_that_make_no_sense_are_refused(body: object) -> None:
    with pytest.raises(FaultsNotUnderstood):
        read_faults(body)


def test_faults_read_back_as_written() -> None:
    body = {
        "reject": [{"pattern": "*@x", "code": 450, "text": "4.2.0 later", "at": "data"}],
        "delay_ms": 5,
        "refuse_connections": True,
        "lose_answers": 2,
    }
    assert read_faults(body).as_json() == body
    assert read_faults({}) == MailFaults()


HEADERS = st.sampled_from(
    [b"From", b"To", b"Subject", b"Content-Type", b"Content-Transfer-Encoding", b"Date"]
)
VALUES = st.binary(max_size=40) | st.sampled_from(
    [
        b"multipart/mixed",
        b'multipart/alternative; boundary="',
        b"text/html; charset=nope",
        b"base64",
        b"=?x?q?=ff?=",
        b"<@>",
    ]
)


@given(st.lists(st.tuples(HEADERS, VALUES), max_size=5), st.binary(max_size=80))
def test_any_bytes_can_be_read(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    raw = b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body
    content = read_mail(raw)
    assert isinstance(content.html, str)
    assert isinstance(content.text, str)
