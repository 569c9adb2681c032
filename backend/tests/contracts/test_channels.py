"""The battery that every channel passes, and what is SMTP's own."""

from collections.abc import Callable, Iterator

import pytest

from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.channels.protocol import Channel, ChannelUnavailable, Outcome, Verdict
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import parse
from storecast.messaging.compose import Prepared
from tests.contracts.smtp_server import HANG_UP, SmtpServer, serving

Kit = tuple[Channel, Callable[[], list[str]]]


def prepared(number: int, *, body: bytes = b"hello\r\n") -> Prepared:
    return Prepared(
        number,
        f"b+{number}@shop.example",
        f"c{number}@example.com",
        b"Subject: %d\r\n\r\n%b" % (number, body),
    )


def refusal(rcpt_to: str) -> str | None:
    """What every server of the battery says to some recipients."""
    number = int(rcpt_to.partition("@")[0].removeprefix("c"))
    if number % 10 == 3:
        return "550 5.1.1 no such user"
    if number % 10 == 4:
        return "451 4.3.0 try later"
    return None


def smtp_refusal(verb: str, line: str) -> str | None:
    return refusal(line.partition("<")[2].partition(">")[0]) if verb == "RCPT" else None


def capture_refusal(message: Prepared) -> Outcome | None:
    answer = refusal(message.rcpt_to)
    if answer is None:
        return None
    verdict = Verdict.PERMANENT if answer.startswith("5") else Verdict.TEMPORARY
    gone = verdict is Verdict.PERMANENT
    return Outcome(message.delivery_id, verdict, int(answer[:3]), answer[4:], refused_address=gone)


@pytest.fixture(params=["capture", "smtp pipelined", "smtp step by step"])
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    if request.param == "capture":
        capture = CaptureChannel(refuse=capture_refusal)
        yield capture, lambda: [message.rcpt_to for message in capture.messages]
        return
    server = SmtpServer(pipelining="pipelined" in request.param, script=smtp_refusal)
    with serving(server):
        channel = SmtpChannel(parse(f"{server.url}?connections=3"))
        yield channel, lambda: [message.rcpt_to for message in server.messages]
        channel.close()


def test_every_message_gets_exactly_one_outcome(kit: Kit) -> None:
    channel, received = kit
    outcomes = sorted(channel.send(prepared(number) for number in range(100)))

    assert [outcome.delivery_id for outcome in outcomes] == list(range(100))
    by_number = {outcome.delivery_id: outcome for outcome in outcomes}
    assert by_number[13] == Outcome(13, Verdict.PERMANENT, 550, "5.1.1 no such user", refused_address=True)
    assert by_number[14] == Outcome(14, Verdict.TEMPORARY, 451, "4.3.0 try later")
    accepted = [outcome.delivery_id for outcome in outcomes if outcome.verdict is Verdict.ACCEPTED]
    assert accepted == [number for number in range(100) if number % 10 not in {3, 4}]
    assert sorted(received()) == sorted(f"c{number}@example.com" for number in accepted)


def test_an_empty_batch_is_no_work(kit: Kit) -> None:
    channel, received = kit
    assert list(channel.send([])) == []
    assert received() == []


def test_batches_follow_one_another(kit: Kit) -> None:
    channel, received = kit
    for start in (0, 100, 200):
        assert len(list(channel.send([prepared(start)]))) == 1
    assert sorted(received()) == ["c0@example.com", "c100@example.com", "c200@example.com"]


def test_an_error_of_the_messages_loses_no_outcome(kit: Kit) -> None:
    channel, received = kit

    def failing() -> Iterator[Prepared]:
        yield prepared(0)
        yield prepared(1)
        raise RuntimeError("render")

    outcomes: list[Outcome] = []
    with pytest.raises(RuntimeError, match="render"):
        outcomes.extend(channel.send(failing()))
    assert sorted(received()) == ["c0@example.com", "c1@example.com"]


def test_smtp_unreachable_takes_nothing() -> None:
    taken = []

    def messages() -> Iterator[Prepared]:
        taken.append(1)
        yield prepared(0)

    channel = SmtpChannel(parse("smtp://127.0.0.1:1"))
    with pytest.raises(ChannelUnavailable):
        channel.send(messages())
    channel.close()
    assert taken == []


@pytest.mark.parametrize("pipelining", [True, False])
def test_smtp_keeps_its_connections_and_the_bytes(pipelining: bool) -> None:
    body = b".\r\n..two\r\nend of it"
    with serving(SmtpServer(pipelining=pipelining)) as server:
        channel = SmtpChannel(parse(f"{server.url}?connections=1"))
        for number in range(3):
            list(channel.send([prepared(number, body=body)]))
        channel.close()
    assert server.connections == 1
    assert {message.data for message in server.messages} == {
        b"Subject: %d\r\n\r\n.\r\n..two\r\nend of it\r\n" % number for number in range(3)
    }
    assert [message.mail_from for message in server.messages] == [f"b+{n}@shop.example" for n in range(3)]


@pytest.mark.parametrize("pipelining", [True, False])
def test_smtp_a_drop_after_the_body_is_unknown_and_the_rest_goes_on(pipelining: bool) -> None:
    def script(verb: str, line: str) -> str | None:
        return HANG_UP if verb == "BODY" and line == "c5@example.com" else None

    with serving(SmtpServer(pipelining=pipelining, script=script)) as server:
        channel = SmtpChannel(parse(f"{server.url}?connections=1"))
        outcomes = {
            outcome.delivery_id: outcome.verdict for outcome in channel.send(map(prepared, range(10)))
        }
        channel.close()
    assert outcomes[5] is Verdict.UNKNOWN
    # The envelope that was pipelined behind the lost body was never delivered by anybody.
    expected = dict.fromkeys(range(10), Verdict.ACCEPTED) | {5: Verdict.UNKNOWN}
    if pipelining:
        expected[6] = Verdict.TEMPORARY
    assert outcomes == expected
    assert server.connections == 2
    assert len(server.messages) == len({message.rcpt_to for message in server.messages})


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_smtp_a_drop_before_the_body_can_be_repeated(verb: str, pipelining: bool) -> None:
    seen = []

    def script(said: str, _line: str) -> str | None:
        seen.append(said)
        return HANG_UP if said == verb and seen.count(verb) == 3 else None

    with serving(SmtpServer(pipelining=pipelining, script=script)) as server:
        channel = SmtpChannel(parse(f"{server.url}?connections=1"))
        outcomes = list(channel.send(map(prepared, range(6))))
        channel.close()
    verdicts = {outcome.delivery_id: outcome.verdict for outcome in outcomes}
    assert verdicts == dict.fromkeys(range(6), Verdict.ACCEPTED) | {2: Verdict.TEMPORARY}
    assert len(server.messages) == 5


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("verb", "answer", "verdict", "gone"),
    [
        ("MAIL", "553 5.7.1 sender refused", Verdict.PERMANENT, False),
        ("RCPT", "550 5.7.1 policy", Verdict.PERMANENT, False),
        ("DATA", "452 4.3.1 disk full", Verdict.TEMPORARY, False),
        ("BODY", "554 5.6.0 content", Verdict.PERMANENT, False),
        ("BODY", "421 4.7.0 too many", Verdict.TEMPORARY, False),
        ("RCPT", "550 5.1.1 unknown", Verdict.PERMANENT, True),
    ],
)
def test_smtp_refusals_of_each_step(
    verb: str, answer: str, verdict: Verdict, gone: bool, pipelining: bool
) -> None:
    seen = []

    def script(said: str, _line: str) -> str | None:
        seen.append(said)
        return answer if said == verb and seen.count(verb) == 2 else None

    with serving(SmtpServer(pipelining=pipelining, script=script)) as server:
        channel = SmtpChannel(parse(f"{server.url}?connections=1"))
        outcomes = {outcome.delivery_id: outcome for outcome in channel.send(map(prepared, range(4)))}
        channel.close()
    assert outcomes[1] == Outcome(1, verdict, int(answer[:3]), answer[4:], gone)
    assert sorted(outcomes) == [0, 1, 2, 3]
    others = {outcomes[number].verdict for number in (0, 3)}
    assert others == {Verdict.ACCEPTED}


def test_smtp_a_server_that_hung_up_while_idle_costs_nothing() -> None:
    def script(verb: str, line: str) -> str | None:
        return "421 4.4.2 idle" if verb == "BODY" and line == "c0@example.com" else None

    with serving(SmtpServer(script=script)) as server:
        channel = SmtpChannel(parse(f"{server.url}?connections=1"))
        first = list(channel.send([prepared(0)]))
        second = list(channel.send([prepared(1)]))
        channel.close()
    assert [outcome.verdict for outcome in first] == [Verdict.TEMPORARY]
    assert [outcome.verdict for outcome in second] == [Verdict.ACCEPTED]


def test_smtp_a_refused_greeting_is_unavailable() -> None:
    with serving(
        SmtpServer(script=lambda verb, _line: "554 go away" if verb == "GREETING" else None)
    ) as server:
        channel = SmtpChannel(parse(server.url))
        with pytest.raises(ChannelUnavailable, match="554 go away"):
            channel.connect()
        channel.close()


def test_smtp_starttls_that_is_not_offered_is_unavailable() -> None:
    with serving(SmtpServer()) as server:
        channel = SmtpChannel(parse(f"smtp+starttls://127.0.0.1:{server.port}"))
        with pytest.raises(ChannelUnavailable, match="STARTTLS"):
            channel.connect()
        channel.close()
    assert server.messages == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://x", "no SMTP scheme"),
        ("smtp://", "no host"),
        ("smtp://user:secret@mail.example", "needs TLS"),
        ("smtp+unix://", "path"),
        ("smtp://x?connections=0", "between"),
    ],
)
def test_a_wrong_smtp_url_says_why(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(url)
