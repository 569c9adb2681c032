"""The SMTP conversation: the same bytes give the same outcome however they are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.mail.smtp import MAX_COMMAND_BYTES, Conversation, Envelope, Step


def talk(*packets: bytes, max_message_bytes: int = 1000) -> list[Step]:
    conversation = Conversation(max_message_bytes=max_message_bytes)
    return [step for packet in packets for step in conversation.feed(packet)]


def codes(steps: list[Step]) -> list[str]:
    return ["mail" if isinstance(step, Envelope) else step[:3].decode() for step in steps]


def mails(steps: list[Step]) -> list[Envelope]:
    return [step for step in steps if isinstance(step, Envelope)]


HELLO = b"EHLO me\r\n"
OPEN = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"


def test_pipelined_group_is_answered_in_order() -> None:
    steps = talk(HELLO + OPEN + b"Subject: hi\r\n\r\nhello\r\n.\r\nQUIT\r\n")
    assert codes(steps) == ["250", "250", "250", "354", "mail", "221"]
    assert mails(steps) == [Envelope("a@example.com", ("b@example.com",), b"Subject: hi\r\n\r\nhello\r\n")]


def test_ehlo_offers_what_senders_use() -> None:
    [reply] = talk(HELLO)
    assert isinstance(reply, bytes)
    words = {line[4:].split(b" ")[0] for line in reply.splitlines()}
    assert {b"PIPELINING", b"SIZE", b"8BITMIME", b"SMTPUTF8"} <= words
    assert [line[3:4] for line in reply.splitlines()][-1] == b" "


def test_empty_message_ends_at_its_first_line() -> None:
    assert mails(talk(HELLO + OPEN, b".\r", b"\nNOOP\r\n"))[0].raw == b""


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"..\r\n", b".\r\n"),
        (b"a\r\n..b\r\n", b"a\r\n.b\r\n"),
        (b"...\r\n..\r\n", b"..\r\n.\r\n"),
        (b"a\n.\nb\r\n", b"a\n.\nb\r\n"),
        (b"a\r\n.\nMAIL FROM:<x@y>\r\n", b"a\r\n\nMAIL FROM:<x@y>\r\n"),
    ],
)
def test_dots_are_unstuffed_and_bare_line_feeds_end_nothing(sent: bytes, kept: bytes) -> None:
    assert [mail.raw for mail in mails(talk(HELLO + OPEN + sent + b".\r\n"))] == [kept]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (b"MAIL FROM:<a@b>\r\n", ["503"]),
        (HELLO + b"RCPT TO:<a@b>\r\n", ["250", "503"]),
        (HELLO + b"MAIL FROM:<a@b>\r\nDATA\r\n", ["250", "250", "554"]),
        (HELLO + b"MAIL FROM:a@b\r\n", ["250", "501"]),
        (HELLO + b"MAIL FROM:<a@b> SIZE=1001\r\n", ["250", "552"]),
        (HELLO + b"MAIL FROM:<a@b> AUTH=<>\r\n", ["250", "555"]),
        (HELLO + b"MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n", ["250", "250"]),
        (HELLO + "MAIL FROM:<ä@b>\r\n".encode(), ["250", "553"]),
        (HELLO + b"MAIL FROM:<>\r\nRCPT TO:<>\r\n", ["250", "250", "501"]),
        (
            HELLO + b"MAIL FROM:<>\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\n",
            ["250", "250", "503", "250", "250"],
        ),
        (b"STARTTLS\r\nNOOP\r\nVRFY x\r\nHELO x\r\n", ["502", "250", "252", "250"]),
        (b"QUIT\r\nNOOP\r\n", ["221"]),
    ],
)
def test_replies(commands: bytes, expected: list[str]) -> None:
    assert codes(talk(commands)) == expected


def test_a_refused_recipient_leaves_the_others() -> None:
    conversation = Conversation(judge_recipient=lambda a: b"550 no\r\n" if a.startswith("bad") else None)
    steps = conversation.feed(
        HELLO + b"MAIL FROM:<>\r\nRCPT TO:<bad@x>\r\nRCPT TO:<good@x>\r\nDATA\r\nhi\r\n.\r\n"
    )
    assert codes(steps) == ["250", "250", "550", "250", "354", "mail"]
    assert mails(steps)[0].recipients == ("good@x",)


def test_an_oversize_message_is_refused_and_the_connection_goes_on() -> None:
    body = b"x" * 60 + b"\r\n"
    steps = talk(HELLO + OPEN, *[body] * 10, b".\r\nNOOP\r\n", max_message_bytes=100)
    assert codes(steps) == ["250", "250", "250", "354", "552", "250"]


LINE = st.binary(max_size=12).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
BODY = st.lists(LINE | st.sampled_from([b".", b"..", b".a", b""]), max_size=8).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)
LONG = b"NOOP " + b"x" * MAX_COMMAND_BYTES + b"\r\n"


@given(bodies=st.lists(BODY, min_size=1, max_size=3), cuts=st.lists(st.integers(0, 400), max_size=12))
def test_what_was_sent_arrives_however_packets_are_cut(bodies: list[bytes], cuts: list[int]) -> None:
    lines = [b"".join(_stuff(line) + b"\r\n" for line in body.split(b"\r\n")[:-1]) for body in bodies]
    wire = HELLO + b"".join(OPEN + body + b".\r\n" for body in lines) + b"QUIT\r\n"
    edges = sorted({0, len(wire), *(cut % len(wire) for cut in cuts)})
    steps = talk(*(wire[start:end] for start, end in pairwise(edges)))
    assert [mail.raw for mail in mails(steps)] == bodies
    assert steps == talk(wire)


def _stuff(line: bytes) -> bytes:
    return b"." + line if line.startswith(b".") else line


@given(
    wire=st.lists(
        st.sampled_from(
            [
                HELLO,
                OPEN,
                b".\r\n",
                b"\r\n.\r\n",
                b"\r",
                b"\n",
                b".",
                b"QUI",
                b"RSET\r\n",
                b"x" * 130,
                LONG,
                b"\xff\n",
            ]
        ),
        max_size=12,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 20_000), max_size=8),
)
def test_hostile_bytes_give_one_outcome_however_cut(wire: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(wire), *(cut % (len(wire) + 1) for cut in cuts)})
    packets = [wire[start:end] for start, end in pairwise(edges)]
    assert talk(*packets, max_message_bytes=100) == talk(wire, max_message_bytes=100)
