"""What receivers read from DMARC and SPF records."""

import pytest

from storecast.messaging import dmarc, spf
from tests.messaging.fake_resolver import FakeResolver


def zone(**records: str | list[str]) -> FakeResolver:
    return FakeResolver({name: [text] if isinstance(text, str) else text for name, text in records.items()})


def dmarc_zone(records: dict[str, str]) -> FakeResolver:
    return FakeResolver({f"_dmarc.{name}": [text] for name, text in records.items()})


@pytest.mark.parametrize(
    ("records", "domain", "organizational", "policy"),
    [
        ({"acme.com": "v=DMARC1; p=reject"}, "acme.com", "acme.com", "reject"),
        ({"acme.com": "v=DMARC1; p=reject; sp=none"}, "mail.acme.com", "acme.com", "none"),
        ({"acme.com": "v=DMARC1; p=quarantine"}, "a.mail.acme.com", "acme.com", "quarantine"),
        ({"mail.acme.com": "v=DMARC1; p=none", "acme.com": "v=DMARC1; p=reject"}, "mail.acme.com", "acme.com", "none"),
        # A public suffix: the domain one label below is the organisation.
        ({"co.uk": "v=DMARC1; p=reject; psd=y"}, "mail.acme.co.uk", "acme.co.uk", "reject"),
        ({"co.uk": "v=DMARC1; psd=y", "acme.co.uk": "v=DMARC1; p=reject"}, "x.acme.co.uk", "acme.co.uk", "reject"),
        # psd=n ends the walk: what is below is an organisation of its own.
        ({"s.host.com": "v=DMARC1; psd=n", "host.com": "v=DMARC1; p=reject"}, "a.s.host.com", "s.host.com", "none"),
        ({}, "mail.acme.com", "mail.acme.com", None),
        # t=y asks for one step less.
        ({"acme.com": "v=DMARC1; p=reject; t=y"}, "acme.com", "acme.com", "quarantine"),
        ({"acme.com": "v=DMARC1; p=nonsense"}, "acme.com", "acme.com", "none"),
        ({"acme.com": "v=DMARC2; p=reject"}, "acme.com", "acme.com", None),
    ],
)  # fmt: skip
def test_discovery(records: dict[str, str], domain: str, organizational: str, policy: str | None) -> None:
    standing = dmarc.discover(domain, dmarc_zone(records))
    assert (standing.organizational_domain, standing.policy) == (organizational, policy)


def test_two_records_are_none() -> None:
    resolver = FakeResolver({"_dmarc.acme.com": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]})
    assert dmarc.discover("acme.com", resolver).record is None


def test_a_long_name_costs_eight_questions() -> None:
    resolver = dmarc_zone({})
    dmarc.discover(".".join("abcdefghijkl") + ".com", resolver)
    assert len(resolver.asked) == 8
    assert resolver.asked[1] == "_dmarc.g.h.i.j.k.l.com"


@pytest.mark.parametrize(
    ("author", "signer", "strict", "verdict"),
    [
        ("acme.com", "acme.com", True, True),
        ("mail.acme.com", "acme.com", False, True),
        ("acme.com", "mail.acme.com", False, True),
        ("mail.acme.com", "acme.com", True, False),
        ("acme.com", "rival.com", False, False),
    ],
)
def test_alignment(author: str, signer: str, strict: bool, verdict: bool) -> None:
    resolver = dmarc_zone({"acme.com": "v=DMARC1; p=none", "rival.com": "v=DMARC1; p=none"})
    assert dmarc.aligned(author, signer, strict=strict, resolver=resolver) is verdict


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ({}, "missing"),
        ({"acme.com": ["hello", "V=SPF1 include:relay.example -all"]}, None),
        ({"acme.com": ["v=spf1 include:o.example -all"], "o.example": ["v=spf1 include:relay.example ?all"]}, None),
        ({"acme.com": ["v=spf1 redirect=o.example"], "o.example": ["v=spf1 include:relay.example -all"]}, None),
        ({"acme.com": ["v=spf1 mx -all"]}, "not_included"),
        ({"acme.com": ["v=spf1 mx -all", "v=spf1 include:relay.example -all"]}, "several"),
        ({"acme.com": ["v=spf1 include:relay.example +all"]}, "lets_everybody"),
        ({"acme.com": ["v=spf1 include:relay.example all"]}, "lets_everybody"),
        ({"acme.com": ["v=spf1 redirect=o.example"], "o.example": ["v=spf1 +all"]}, "lets_everybody"),
        ({"acme.com": ["v=spf1 include:relay.example " + "a:x.example " * 10 + "-all"]}, "too_many_lookups"),
        # Two that include each other come to an end.
        ({"acme.com": ["v=spf1 include:b.ex -all"], "b.ex": ["v=spf1 include:b.ex -all"]}, "not_included"),
        ({"acme.com": ["v=spf10 include:relay.example -all"]}, "missing"),
    ],
)  # fmt: skip
def test_spf(records: dict[str, list[str]], problem: str | None) -> None:
    assert spf.check("acme.com", "relay.example", FakeResolver(records)).problem == problem


def test_without_a_required_include_any_record_will_do() -> None:
    assert spf.check("acme.com", None, zone(**{"acme.com": "v=spf1 a mx -all"})) == spf.Spf(
        ["v=spf1 a mx -all"], 2, None
    )
