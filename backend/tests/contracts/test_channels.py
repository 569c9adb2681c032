"""The battery that every channel passes, and what is SMTP's own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from storecast.messaging import headers
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.channels.failover import FailoverChannel
from storecast.messaging.channels.http import HttpChannel, Provider
from storecast.messaging.channels.mailgun import Mailgun
from storecast.messaging.channels.pace import Pace, PacedChannel
from storecast.messaging.channels.postmark import Postmark
from storecast.messaging.channels.protocol import Channel, ChannelUnavailable, Outcome, Verdict
from storecast.messaging.channels.sendgrid import SendGrid
from storecast.messaging.channels.ses import Ses, sign_v4
from storecast.messaging.channels.signing import SigningChannel
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import parse
from storecast.messaging.compose import Prepared
from storecast.resilience.circuit import Circuits, Policy
from storecast.resilience.guard import Guard, make_redis
from tests.contracts import provider_servers
from tests.contracts.provider_servers import ProviderServer, providing
from tests.contracts.smtp_server import HANG_UP, SmtpServer, serving
from tests.messaging.test_compose import DATE, ZOE, parsed, part, variant
from tests.messaging.test_dkim import both, h_tags, verdicts

PROVIDERS = ("ses", "sendgrid", "mailgun", "postmark")


@dataclass
class Kit:
    """A channel, what came in at its other end, and how to have that end hang up or fall silent."""

    name: str
    channel: Channel
    received: Callable[[], list[str]]
    data: Callable[[], list[bytes | None]]
    hang_up_on: Callable[[set[str]], None]
    go_away: Callable[[], None]


def prepared(number: int, *, body: bytes = b"hello\r\n") -> Prepared:
    return Prepared(
        number,
        f"b+{number}@shop.example",
        f"c{number}@example.com",
        b"From: news@shop.example\r\nSubject: %d\r\n\r\n%b" % (number, body),
    )


def provider(kind: str, url: str) -> Provider:
    secret = provider_servers.SECRET
    match kind:
        case "ses":
            return Ses(url, provider_servers.REGION, provider_servers.ACCESS_KEY, secret)
        case "sendgrid":
            return SendGrid(url, secret)
        case "mailgun":
            return Mailgun(url, provider_servers.MAILGUN_DOMAIN, secret)
        case _:
            return Postmark(url, secret, "broadcast")


def refusal(rcpt_to: str) -> str | None:
    """What every server of the battery says to some recipients."""
    local = rcpt_to.partition("@")[0].removeprefix("c")
    number = int(local) if local.isdigit() else 0
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


def provider_refusal(kind: str) -> Callable[[str], provider_servers.Reply | None]:
    def script(rcpt_to: str) -> provider_servers.Reply | None:
        answer = refusal(rcpt_to)
        if answer is None:
            return None
        return (provider_servers.REFUSED if answer.startswith("5") else provider_servers.LATER)[kind]

    return script


def capture_kit() -> Kit:
    capture = CaptureChannel(refuse=capture_refusal)

    def lose(recipients: set[str]) -> None:
        def refuse(message: Prepared) -> Outcome | None:
            if message.rcpt_to in recipients:
                return Outcome(message.delivery_id, Verdict.UNKNOWN, 0, "lost")
            return None

        capture._refuse = refuse

    return Kit(
        "capture",
        capture,
        lambda: [message.rcpt_to for message in capture.messages],
        lambda: [message.data for message in capture.messages],
        lose,
        lambda: setattr(capture, "available", False),
    )


@pytest.fixture(params=["capture", "smtp pipelined", "smtp step by step", "failover", "paced", *PROVIDERS])
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    name = request.param
    if name == "capture":
        yield capture_kit()
        return
    if name in PROVIDERS:
        with providing(ProviderServer(name, provider_refusal(name))) as provided:
            http = HttpChannel(provider(name, provided.url), connections=3)

            def lose(recipients: set[str]) -> None:
                provided.script = lambda rcpt_to: provider_servers.HANG_UP if rcpt_to in recipients else None

            yield Kit(
                name,
                http,
                lambda: [taken.rcpt_to for taken in provided.messages],
                lambda: [taken.data for taken in provided.messages],
                lose,
                lambda: setattr(provided, "refuses_us", True),
            )
            http.close()
        return
    server = SmtpServer(pipelining=name != "smtp step by step", script=smtp_refusal)

    def drop(recipients: set[str]) -> None:
        server.script = lambda verb, line: HANG_UP if verb == "BODY" and line in recipients else None

    with serving(server):
        channel: Channel = SmtpChannel(parse(f"{server.url}?connections=3"))
        if name == "failover":
            channel = FailoverChannel([SmtpChannel(parse("smtp://127.0.0.1:1")), channel])
        elif name == "paced":
            channel = PacedChannel(channel, Pace(None, "test", 5_000))
        yield Kit(
            name,
            channel,
            lambda: [message.rcpt_to for message in server.messages],
            lambda: [message.data for message in server.messages],
            drop,
            lambda: setattr(
                server, "script", lambda verb, _line: "554 go away" if verb == "GREETING" else None
            ),
        )
        channel.close()


def test_every_message_gets_exactly_one_outcome(kit: Kit) -> None:
    outcomes = sorted(kit.channel.send(prepared(number) for number in range(100)))

    assert [outcome.delivery_id for outcome in outcomes] == list(range(100))
    by_number = {outcome.delivery_id: outcome for outcome in outcomes}
    for number in range(100):
        expected = {3: Verdict.PERMANENT, 4: Verdict.TEMPORARY}.get(number % 10, Verdict.ACCEPTED)
        assert by_number[number].verdict is expected
        assert by_number[number].code > 0
    if kit.name not in PROVIDERS:
        assert by_number[13] == Outcome(
            13, Verdict.PERMANENT, 550, "5.1.1 no such user", refused_address=True
        )
        assert by_number[14] == Outcome(14, Verdict.TEMPORARY, 451, "4.3.0 try later")
    accepted = [outcome.delivery_id for outcome in outcomes if outcome.verdict is Verdict.ACCEPTED]
    assert sorted(kit.received()) == sorted(f"c{number}@example.com" for number in accepted)


def test_an_empty_batch_is_no_work(kit: Kit) -> None:
    assert list(kit.channel.send([])) == []
    assert kit.received() == []


def test_batches_follow_one_another(kit: Kit) -> None:
    for start in (0, 100, 200):
        assert len(list(kit.channel.send([prepared(start)]))) == 1
    assert sorted(kit.received()) == ["c0@example.com", "c100@example.com", "c200@example.com"]


def test_a_closed_channel_can_be_used_again(kit: Kit) -> None:
    kit.channel.connect()
    kit.channel.close()
    kit.channel.close()
    kit.channel.connect()
    assert [outcome.verdict for outcome in kit.channel.send([prepared(0)])] == [Verdict.ACCEPTED]
    assert kit.received() == ["c0@example.com"]


def test_an_error_of_the_messages_loses_no_outcome(kit: Kit) -> None:
    def failing() -> Iterator[Prepared]:
        yield prepared(0)
        yield prepared(1)
        raise RuntimeError("render")

    outcomes: list[Outcome] = []
    with pytest.raises(RuntimeError, match="render"):
        outcomes.extend(kit.channel.send(failing()))
    assert sorted(kit.received()) == ["c0@example.com", "c1@example.com"]


def test_what_is_cut_after_the_body_is_unknown(kit: Kit) -> None:
    kit.hang_up_on({"c5@example.com", "c15@example.com"})
    outcomes = list(kit.channel.send(map(prepared, range(30))))
    verdicts_of = {outcome.delivery_id: outcome.verdict for outcome in outcomes}
    assert len(outcomes) == len(verdicts_of)
    doubtful = {number for number, verdict in verdicts_of.items() if verdict is Verdict.UNKNOWN}
    assert doubtful == {5, 15}
    accepted = [number for number, verdict in verdicts_of.items() if verdict is Verdict.ACCEPTED]
    assert sorted(kit.received()) == sorted(f"c{number}@example.com" for number in accepted)


def test_a_channel_that_will_not_have_us_takes_nothing(kit: Kit) -> None:
    kit.go_away()
    taken = []

    def messages() -> Iterator[Prepared]:
        taken.append(1)
        yield prepared(0)

    with pytest.raises(ChannelUnavailable):
        kit.channel.connect()
    with pytest.raises(ChannelUnavailable):
        list(kit.channel.send(messages()))
    assert (taken, kit.received()) == ([], [])


def test_the_message_arrives_as_it_was_made(kit: Kit) -> None:
    made = variant(subject="Grüße, {{ customer.first_name }}", reply_to="help@acme.example")
    message = made.prepare(ZOE, date=DATE)
    assert [outcome.verdict for outcome in kit.channel.send([message])] == [Verdict.ACCEPTED]
    assert kit.received() == ["zoe@example.com"]
    # Those who take fields make the message themselves; what they got is looked at below.
    assert kit.data() == [None if kit.name in {"sendgrid", "postmark"} else message.data]


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_gets_every_field(kind: str) -> None:
    made = variant(subject="Grüße, {{ customer.first_name }}", reply_to="help@acme.example")
    message = made.prepare(ZOE, date=DATE)
    with providing(ProviderServer(kind)) as server:
        channel = HttpChannel(provider(kind, server.url))
        list(channel.send([message]))
        channel.close()
    (taken,) = server.messages
    original = parsed(message.data)
    assert taken.subject == "Grüße, Zoë"
    assert taken.html.split() == part(original, "html").split()
    assert taken.text.split() == part(original, "plain").split()
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-ID", "Feedback-ID", "Message-ID"):
        assert "".join(taken.headers[name].split()) == "".join(str(original[name]).split())
    assert "news@acme.example" in taken.headers["From"]


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (429, Verdict.TEMPORARY),
        (500, Verdict.TEMPORARY),
        (503, Verdict.TEMPORARY),
        (504, Verdict.UNKNOWN),
        (400, Verdict.PERMANENT),
        (413, Verdict.PERMANENT),
    ],
)
def test_what_a_status_means(kind: str, status: int, verdict: Verdict) -> None:
    def script(rcpt_to: str) -> provider_servers.Reply | None:
        return (status, {}, {"message": "no"}) if rcpt_to == "c1@example.com" else None

    with providing(ProviderServer(kind, script)) as server:
        channel = HttpChannel(provider(kind, server.url), connections=1)
        outcomes = {outcome.delivery_id: outcome for outcome in channel.send(map(prepared, range(3)))}
        channel.close()
    assert (outcomes[1].verdict, outcomes[1].code) == (verdict, status)
    assert {outcomes[0].verdict, outcomes[2].verdict} == {Verdict.ACCEPTED}


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_that_asks_for_a_long_rest_gets_it(kind: str) -> None:
    def script(rcpt_to: str) -> provider_servers.Reply | None:
        return (429, {"Retry-After": "600"}, {}) if rcpt_to == "c1@example.com" else None

    with providing(ProviderServer(kind, script)) as server:
        channel = HttpChannel(provider(kind, server.url), connections=1)
        source = iter([prepared(number) for number in range(5)])
        outcomes = list(channel.send(source))
        assert [(outcome.delivery_id, outcome.verdict) for outcome in outcomes] == [
            (0, Verdict.ACCEPTED),
            (1, Verdict.TEMPORARY),
        ]
        assert outcomes[1].retry_after_s == 600
        assert [message.delivery_id for message in source] == [2, 3, 4]
        asked = server.requests
        with pytest.raises(ChannelUnavailable, match="wait"):
            channel.connect()
        assert server.requests == asked
        channel.close()


def test_a_short_rest_is_waited_for_inside_the_batch() -> None:
    seen: list[str] = []

    def script(rcpt_to: str) -> provider_servers.Reply | None:
        seen.append(rcpt_to)
        return (429, {"Retry-After": "0.05"}, {}) if len(seen) == 1 else None

    with providing(ProviderServer("mailgun", script)) as server:
        channel = HttpChannel(provider("mailgun", server.url), connections=1)
        outcomes = list(channel.send(map(prepared, range(3))))
        channel.close()
    assert [outcome.verdict for outcome in outcomes] == [Verdict.TEMPORARY, *[Verdict.ACCEPTED] * 2]


@pytest.mark.parametrize("kind", PROVIDERS)
def test_credentials_that_end_in_a_batch_fail_no_recipient(kind: str) -> None:
    with providing(ProviderServer(kind)) as server:
        channel = HttpChannel(provider(kind, server.url), connections=1)
        list(channel.send([prepared(0)]))
        server.refuses_us = True
        source = iter([prepared(number) for number in range(1, 5)])
        outcomes = list(channel.send(source))
        assert [(outcome.delivery_id, outcome.verdict) for outcome in outcomes] == [(1, Verdict.TEMPORARY)]
        assert len(list(source)) == 3
        with pytest.raises(ChannelUnavailable, match=r"40[13]"):
            channel.send([prepared(9)])
        channel.close()


@pytest.mark.parametrize(
    ("kind", "reply", "verdict", "gone"),
    [
        ("postmark", (422, {}, {"ErrorCode": 406, "Message": "inactive"}), Verdict.PERMANENT, True),
        ("postmark", (422, {}, {"ErrorCode": 401, "Message": "sender"}), Verdict.TEMPORARY, False),
        ("ses", (400, {}, {"__type": "com.x#SendingPausedException"}), Verdict.TEMPORARY, False),
        ("ses", (400, {}, {"__type": "AccountSuspendedException"}), Verdict.TEMPORARY, False),
    ],
)
def test_what_a_providers_own_codes_mean(
    kind: str, reply: provider_servers.Reply, verdict: Verdict, gone: bool
) -> None:
    with providing(ProviderServer(kind, lambda _rcpt_to: reply)) as server:
        channel = HttpChannel(provider(kind, server.url), connections=1)
        outcomes = list(channel.send([prepared(0), prepared(1)]))
        channel.close()
    assert (outcomes[0].verdict, outcomes[0].refused_address) == (verdict, gone)
    assert len(outcomes) == (2 if gone else 1)


def test_a_key_that_may_only_send_is_good_enough() -> None:
    refused = (
        403,
        {"x-amzn-ErrorType": "AccessDeniedException"},
        {"message": "not authorized: ses:GetAccount"},
    )
    with providing(ProviderServer("ses", probe=refused)) as server:
        channel = HttpChannel(provider("ses", server.url), connections=1)
        assert [outcome.verdict for outcome in channel.send([prepared(0)])] == [Verdict.ACCEPTED]
        channel.close()


def test_a_provider_that_cannot_be_reached_is_left_alone(redis_url: str) -> None:
    guard = Guard(Circuits(make_redis(redis_url), policy=Policy(failures=2)), None)
    channel = HttpChannel(provider("postmark", "http://127.0.0.1:1"), guard)
    for _try in range(2):
        with pytest.raises(ChannelUnavailable, match="cannot be reached"):
            channel.connect()
    with pytest.raises(ChannelUnavailable, match="left alone"):
        channel.connect()
    channel.close()


def test_a_signature_of_amazons_own_example() -> None:
    """The suite's get-vanilla: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""
    signed = sign_v4(
        "GET", "/", {"Host": "example.amazonaws.com"}, b"",
        at=datetime(2015, 8, 30, 12, 36, tzinfo=UTC), region="us-east-1", service="service",
        access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    )  # fmt: skip
    assert signed["Authorization"].endswith(
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_the_second_server_takes_what_the_first_left() -> None:
    first_script: list[str] = []

    def dying(verb: str, _line: str) -> str | None:
        first_script.append(verb)
        return "421 4.3.2 shutting down" if len(first_script) > 20 else None

    with serving(SmtpServer(script=dying)) as first, serving(SmtpServer()) as second:
        channel = FailoverChannel(
            [
                SmtpChannel(parse(f"{first.url}?connections=1")),
                SmtpChannel(parse(f"{second.url}?connections=1")),
            ]
        )
        outcomes = list(channel.send(map(prepared, range(30))))
        channel.close()
    numbers = [outcome.delivery_id for outcome in outcomes]
    assert sorted(numbers) == list(range(30))
    accepted = [outcome.delivery_id for outcome in outcomes if outcome.verdict is Verdict.ACCEPTED]
    arrived = [message.rcpt_to for message in first.messages + second.messages]
    assert sorted(arrived) == sorted(f"c{number}@example.com" for number in accepted)
    assert first.messages
    assert second.messages
    assert len(accepted) >= 28


def test_a_pace_is_kept_by_all_processes_together(redis_url: str) -> None:
    client = make_redis(redis_url)
    one, other = Pace(client, "relay", 100), Pace(client, "relay", 100)
    assert one.grain == 5
    waits = [pace.reserve(at_most_s=60) for pace in (one, other, one, other)]
    assert all(wait is not None for wait in waits)
    # Each reservation is 50 ms worth; what time passed in between is all that it may differ by.
    assert waits[0] == 0
    assert 0.1 < (waits[3] or 0) <= 0.15
    assert one.reserve(at_most_s=0.01) is None


def test_a_paced_batch_ends_before_its_lease() -> None:
    now = [0.0]
    capture = CaptureChannel()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(None, "relay", 2, clock=lambda: now[0])
    channel = PacedChannel(capture, pace, clock=lambda: now[0], sleep=sleep)
    source = iter([prepared(number) for number in range(100)])
    outcomes = list(channel.send(source))
    assert len(outcomes) == 41
    assert now[0] == pytest.approx(20.0)
    # What was not taken is still there for others.
    assert next(source).delivery_id == 41


def test_a_signing_channel_signs_its_domains_alone() -> None:
    capture = CaptureChannel()
    channel = SigningChannel(capture, {"acme.example": both()})
    from_under = variant(from_email="news@eu.acme.example").prepare(ZOE, date=DATE)
    from_elsewhere = variant(from_email="news@rival.example").prepare(ZOE, date=DATE)
    list(channel.send([variant().prepare(ZOE, date=DATE), from_under, from_elsewhere]))
    first, second, third = (message.data for message in capture.messages)
    assert verdicts(first) == [True, True]
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(h_tags(first)[0])
    assert verdicts(second) == [True, True]
    assert third == from_elsewhere.data
    assert headers.find_address(capture.messages[0].mail_from) == capture.messages[0].mail_from


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
        b"From: news@shop.example\r\nSubject: %d\r\n\r\n.\r\n..two\r\nend of it\r\n" % number
        for number in range(3)
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
