"""The battery that every resolver passes: the real one in front of a real name server, and the fake."""

from collections.abc import Iterator

import pytest

from storecast.messaging.errors import DnsUnavailable
from storecast.messaging.resolver import DnsResolver, Resolver
from storecast.resilience.circuit import Circuits, Policy
from storecast.resilience.guard import Guard, make_redis
from tests.messaging.dns_server import NameServer, naming
from tests.messaging.fake_resolver import FakeResolver

LONG = "v=DKIM1; k=rsa; p=" + "A" * 400
TEXTS = {
    "acme.example": ["v=spf1 mx ~all", "google-site-verification=1"],
    "s1._domainkey.acme.example": [LONG],
    "empty.acme.example": [],
    "many.acme.example": [f"record {number} " + "x" * 90 for number in range(12)],
    "quoted.acme.example": ['a "quoted" text; with \\ all'],
    "target.example": ["found"],
}
ALIASES = {"alias.acme.example": "second.acme.example", "second.acme.example": "target.example"}
FAILING = {"broken.acme.example"}


@pytest.fixture(params=["dns", "fake"])
def resolver(request: pytest.FixtureRequest) -> Iterator[Resolver]:
    if request.param == "fake":
        yield FakeResolver(dict(TEXTS), dict(ALIASES), set(FAILING))
        return
    with naming(NameServer(dict(TEXTS), dict(ALIASES), set(FAILING))) as server:
        yield DnsResolver([server.address], try_s=0.5, total_s=2.0)


def test_every_record_of_a_name(resolver: Resolver) -> None:
    assert sorted(resolver.txt("acme.example")) == sorted(TEXTS["acme.example"])


def test_names_have_no_case(resolver: Resolver) -> None:
    assert sorted(resolver.txt("ACME.Example")) == sorted(TEXTS["acme.example"])


def test_long_texts_are_joined(resolver: Resolver) -> None:
    assert resolver.txt("s1._domainkey.acme.example") == [LONG]


def test_a_text_keeps_its_signs(resolver: Resolver) -> None:
    assert resolver.txt("quoted.acme.example") == TEXTS["quoted.acme.example"]


def test_an_answer_too_large_for_a_datagram_arrives(resolver: Resolver) -> None:
    assert sorted(resolver.txt("many.acme.example")) == sorted(TEXTS["many.acme.example"])


def test_aliases_are_followed(resolver: Resolver) -> None:
    assert resolver.txt("alias.acme.example") == ["found"]


@pytest.mark.parametrize("name", ["empty.acme.example", "nobody.example", "none.acme.example"])
def test_nothing_there_is_an_answer(resolver: Resolver, name: str) -> None:
    assert resolver.txt(name) == []


def test_a_server_that_fails_says_nothing_about_the_name(resolver: Resolver) -> None:
    with pytest.raises(DnsUnavailable):
        resolver.txt("broken.acme.example")


def test_a_server_that_is_silent_is_asked_twice_and_given_up() -> None:
    with naming(NameServer(silent={"quiet.example"})) as server:
        resolver = DnsResolver([server.address], try_s=0.1, total_s=0.15)
        with pytest.raises(DnsUnavailable):
            resolver.txt("quiet.example")
        assert len(server.asked) >= 2


def test_name_servers_that_stay_silent_are_left_alone(redis_url: str) -> None:
    guard = Guard(Circuits(make_redis(redis_url), policy=Policy(failures=2)), None)
    with naming(NameServer(silent={"quiet.example"})) as server:
        resolver = DnsResolver([server.address], guard, try_s=0.05, total_s=0.06)
        with pytest.raises(DnsUnavailable):
            resolver.txt("quiet.example")
        asked = len(server.asked)
        with pytest.raises(DnsUnavailable, match="does not answer"):
            resolver.txt("acme.example")
        assert len(server.asked) == asked


def test_an_impossible_name_is_not_asked_for() -> None:
    assert DnsResolver(["127.0.0.1:1"]).txt("a" * 64 + ".example") == []
