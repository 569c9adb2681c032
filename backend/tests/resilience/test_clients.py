"""The wired clients against real sockets: what opens a circuit, what does not, and what an open one costs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import redis
from pydantic import SecretStr

from storecast.config.settings import Shopify
from storecast.messaging.channels.protocol import ChannelUnavailable, Verdict
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import parse
from storecast.messaging.compose import Prepared
from storecast.resilience.budget import Budgets
from storecast.resilience.circuit import Circuit, CircuitOpen, Circuits, Policy
from storecast.resilience.guard import Guard
from storecast.shopify import bulk
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import GrantRefused, ShopifyUnreachable, ShopUnavailable, Throttled
from storecast.shopify.oauth import TokenEndpoint
from storecast.shopify.throttle import CostThrottle
from tests.contracts.smtp_server import HANG_UP, SmtpServer, serving
from tests.simulated_shopify import SHOP, simulated_world

Answer = tuple[int, dict[str, str], bytes]

OK: Answer = (200, {}, b'{"data": {"shop": {"id": "1"}}}')


@dataclass
class Host:
    """An HTTP server that gives one answer until it is told another."""

    answer: Answer = OK
    asked: int = 0
    port: int = 0
    paths: list[str] = field(default_factory=list)


@contextmanager
def listening(host: Host) -> Iterator[Host]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            host.asked += 1
            host.paths.append(self.path)
            status, headers, body = host.answer
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", host.port), Handler)
    host.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """A guard over a real Redis at a time of the test's own."""

    clock: Clock
    circuits: Circuits
    guard: Guard
    http: httpx.Client
    slept: list[float] = field(default_factory=list)

    def admin(self, port: int) -> AdminClient:
        return AdminClient(
            shopify(port),
            "acme.myshopify.com",
            "shpat_1",
            http=self.http,
            throttle=CostThrottle(),
            guard=self.guard,
            sleep=self.slept.append,
        )

    def tokens(self, port: int) -> TokenEndpoint:
        return TokenEndpoint(
            shopify(port), "acme.myshopify.com", http=self.http, guard=self.guard, sleep=self.slept.append
        )

    def only(self) -> Circuit:
        (circuit,) = self.circuits.list_all()
        return circuit


def shopify(port: int) -> Shopify:
    return Shopify(
        api_key="key",
        api_secret=SecretStr("secret"),
        api_secret_old=None,
        app_url="https://app.example",
        redirect_uri="https://app.example/auth/callback",
        api_version="2026-10",
        shop_origin=f"http://127.0.0.1:{port}/{{shop}}",
        app_bridge_url="",
        admin_frame_origins=[],
        scopes=[],
    )


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    clock = Clock()
    client = redis.Redis.from_url(redis_url)
    circuits = Circuits(client, policy=Policy(failures=4, first_open_s=10), clock=clock)
    with httpx.Client(timeout=5) as http:
        yield World(clock, circuits, Guard(circuits, Budgets(client, clock=clock)), http)
    client.close()


@pytest.fixture
def host() -> Iterator[Host]:
    with listening(Host()) as host:
        yield host


def test_a_failing_shop_is_left_alone_and_found_again(world: World, host: Host) -> None:
    client = world.admin(host.port)
    host.answer = (500, {}, b"")
    with pytest.raises(ShopifyUnreachable):
        client.execute("shop")
    assert (host.asked, world.only().state, world.only().last_error) == (4, "open", "HTTP 500")

    with pytest.raises(CircuitOpen) as refused:
        client.execute("shop")
    assert (host.asked, refused.value.retry_after) == (4, 10)

    host.answer = OK
    world.clock.now += 10
    assert client.execute("shop").data == {"shop": {"id": "1"}}
    assert (host.asked, world.only().state) == (5, "closed")


def test_all_clients_of_a_host_share_its_circuit(world: World, host: Host) -> None:
    host.answer = (502, {}, b"")
    with pytest.raises(ShopifyUnreachable):
        world.admin(host.port).execute("shop")
    with pytest.raises(CircuitOpen):
        world.tokens(host.port).refresh("shprt_1")
    assert host.asked == 4


@pytest.mark.parametrize(
    "answer",
    [
        (404, {}, b""),
        (402, {}, b""),
        (429, {"Retry-After": "1"}, b""),
        (200, {}, b'{"errors": [{"message": "t", "extensions": {"code": "THROTTLED"}}]}'),
    ],
)
def test_refusals_and_throttling_are_no_failures(world: World, host: Host, answer: Answer) -> None:
    host.answer = answer
    for _ in range(4):
        with pytest.raises((ShopUnavailable, ShopifyUnreachable, Throttled)):
            world.admin(host.port).execute("shop")
    assert world.circuits.list_all() == []
    # Nor does waiting as told use up the budget.
    assert world.guard.may_retry(f"127.0.0.1:{host.port}")


def test_a_refused_grant_is_no_failure(world: World, host: Host) -> None:
    host.answer = (400, {}, b'{"error": "invalid_grant"}')
    for _ in range(5):
        with pytest.raises(GrantRefused):
            world.tokens(host.port).refresh("shprt_1")
    assert world.circuits.list_all() == []


def test_nobody_listening_counts(world: World) -> None:
    with listening(Host()) as gone:
        port = gone.port
    with pytest.raises(ShopifyUnreachable):
        world.admin(port).execute("shop")
    assert (world.only().state, world.only().last_error) == ("open", "ConnectError")


def test_retries_come_out_of_the_budget(world: World, host: Host, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        lenient = Circuits(client, policy=Policy(failures=1000), clock=world.clock)
        world.guard = Guard(lenient, Budgets(client, capacity=4, share=0.1, clock=world.clock))
        host.answer = (503, {"Retry-After": "1"}, b"")
        for _ in range(10):
            with pytest.raises(ShopifyUnreachable):
                world.admin(host.port).execute("shop")
            with pytest.raises(ShopifyUnreachable):
                world.tokens(host.port).refresh("shprt_1")
    # Twenty first tries, four retries that were free and the one or two that twenty calls earn.
    assert 24 <= host.asked <= 26


def test_a_result_file_host_has_a_circuit_too(world: World, host: Host) -> None:
    url = f"http://127.0.0.1:{host.port}/result.jsonl"
    host.answer = (503, {}, b"")
    for _ in range(4):
        with pytest.raises(ShopifyUnreachable, match="503"):
            list(bulk.iter_lines(url, http=world.http, guard=world.guard))
    with pytest.raises(CircuitOpen):
        list(bulk.iter_lines(url, http=world.http, guard=world.guard))
    assert host.asked == 4
    assert world.only().service == "bulk_result"

    host.answer = (200, {}, b"one\ntwo\n")
    world.clock.now += 10
    lines = list(bulk.iter_lines(url, http=world.http, guard=world.guard))
    assert lines == [(b"one", 4), (b"two", 8)]
    assert world.only().state == "closed"


def test_a_result_that_never_begins_is_a_failure_and_its_resumes_are_retries(
    world: World, host: Host
) -> None:
    host.answer = (200, {"Content-Length": "100", "Connection": "close"}, b"")
    url = f"http://127.0.0.1:{host.port}/result.jsonl"
    with pytest.raises(CircuitOpen):
        list(bulk.iter_lines(url, http=world.http, guard=world.guard))
    assert (world.only().state, world.only().last_error) == ("open", "RemoteProtocolError")


def test_the_simulator_that_fails_for_a_while(database: str, world: World, tmp_path: Path) -> None:
    from storecast.config.settings import get_settings

    with simulated_world(tmp_path) as simulator:
        endpoint = TokenEndpoint(
            get_settings().shopify, SHOP, http=world.http, guard=world.guard, sleep=world.slept.append
        )
        simulator.control("faults", http_5xx=-1)
        for _ in range(2):
            with pytest.raises((ShopifyUnreachable, CircuitOpen)):
                endpoint.exchange_offline(simulator.id_token())
        assert world.only().state == "open"
        simulator.control("faults", http_5xx=0)
        with pytest.raises(CircuitOpen):
            endpoint.exchange_offline(simulator.id_token())
        world.clock.now += 10
        assert endpoint.exchange_offline(simulator.id_token()).access_token
        assert world.only().state == "closed"


def prepared(number: int) -> Prepared:
    return Prepared(
        number, f"b+{number}@shop.example", f"c{number}@example.com", b"Subject: x\r\n\r\nhello\r\n"
    )


@contextmanager
def mail(world: World, url: str) -> Iterator[SmtpChannel]:
    channel = SmtpChannel(parse(f"{url}?connections=2"), world.guard)
    try:
        yield channel
    finally:
        channel.close()


def test_an_open_mail_circuit_takes_no_message(world: World) -> None:
    with serving(SmtpServer()) as server:
        url = server.url
    taken: list[int] = []

    def messages() -> Iterator[Prepared]:
        taken.append(1)
        yield prepared(0)

    with mail(world, url) as channel:
        for _ in range(4):
            with pytest.raises(ChannelUnavailable, match="cannot be reached"):
                channel.connect()
        with pytest.raises(ChannelUnavailable, match="left alone for 10 seconds"):
            channel.connect()
        with pytest.raises(ChannelUnavailable, match="left alone for 10 seconds"):
            channel.send(messages())
        assert taken == []
        assert world.only().service == "smtp"

        with serving(SmtpServer(port=server.port)) as back:
            world.clock.now += 10
            assert [each.verdict for each in channel.send([prepared(1)])] == [Verdict.ACCEPTED]
            assert [message.rcpt_to for message in back.messages] == ["c1@example.com"]
    assert world.only().state == "closed"


def test_a_circuit_that_others_opened_stops_a_connected_channel_before_its_batch(world: World) -> None:
    taken: list[int] = []

    def messages() -> Iterator[Prepared]:
        taken.append(1)
        yield prepared(0)

    with serving(SmtpServer()) as server, mail(world, server.url) as channel:
        channel.connect()
        for _ in range(4):
            world.guard.failed(f"127.0.0.1:{server.port}", "smtp", "elsewhere")
        with pytest.raises(ChannelUnavailable, match="left alone"):
            channel.send(messages())
        assert (taken, server.messages) == ([], [])


def test_a_mail_server_that_takes_batches_and_answers_nothing_opens_the_circuit(world: World) -> None:
    def script(verb: str, _line: str) -> str | None:
        return HANG_UP if verb == "MAIL" else None

    with serving(SmtpServer(script=script)) as server, mail(world, server.url) as channel:
        for number in range(4):
            outcomes = list(channel.send([prepared(number)]))
            assert [each.verdict for each in outcomes] == [Verdict.TEMPORARY]
        with pytest.raises(ChannelUnavailable, match="left alone"):
            channel.send([prepared(9)])


@pytest.mark.parametrize(
    ("verb", "answer", "state"),
    [
        ("GREETING", "421 4.3.2 not now", "open"),
        ("GREETING", "554 nobody home", "open"),
        ("GREETING", "421 4.7.0 too many connections from you", None),
        ("EHLO", "550 5.7.1 not you", None),
    ],
)
def test_only_a_server_that_serves_nobody_has_failed(
    world: World, verb: str, answer: str, state: str | None
) -> None:
    script = lambda said, _line: answer if said == verb else None  # noqa: E731  # the server's whole part
    with serving(SmtpServer(script=script)) as server, mail(world, server.url) as channel:
        for _ in range(4):
            with pytest.raises(ChannelUnavailable, match="answered"):
                channel.connect()
    assert [each.state for each in world.circuits.list_all()] == ([state] if state else [])


def test_messages_that_are_refused_are_no_failures(world: World) -> None:
    script = lambda said, _line: "550 5.7.1 policy" if said == "RCPT" else None  # noqa: E731  # as above
    with serving(SmtpServer(script=script)) as server, mail(world, server.url) as channel:
        for _ in range(5):
            verdicts = {each.verdict for each in channel.send(map(prepared, range(5)))}
            assert verdicts == {Verdict.PERMANENT}
    assert world.circuits.list_all() == []
