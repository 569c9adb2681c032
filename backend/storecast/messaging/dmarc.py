"""DMARC as receivers find it: the record, the tree walk, the organisational domain and alignment (RFC 9989).

The tree walk takes the place of the public suffix list: nothing has to be downloaded to know what a domain belongs to.
"""

from dataclasses import dataclass
from typing import Literal

from storecast.messaging.resolver import Resolver

Policy = Literal["none", "quarantine", "reject"]

MAX_LABELS = 7
"""A name of more labels is walked from its last seven, so that no walk asks more than eight questions (§4.10)."""

_POLICIES: tuple[Policy, ...] = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Record:
    """One valid record and where it stands."""

    domain: str
    policy: Policy
    subdomain_policy: Policy
    dkim_strict: bool
    spf_strict: bool
    public_suffix: Literal["y", "n", "u"]
    testing: bool
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What receivers find for a domain. ``record`` is the one that they apply, None when there is none."""

    organizational_domain: str
    record: Record | None
    policy: Policy | None


def parse(domain: str, texts: list[str]) -> Record | None:
    """The record among a name's texts; none when there is no valid one, or more than one (§4.10)."""
    found = [text for text in texts if _version(text)]
    if len(found) != 1:
        return None
    tags = _tags(found[0])
    # A record with an unknown policy, or without one, counts as p=none (§4.7).
    policy = _policy(tags.get("p")) or "none"
    psd = tags.get("psd", "u").lower()
    return Record(
        domain=domain,
        policy=policy,
        subdomain_policy=_policy(tags.get("sp")) or policy,
        dkim_strict=tags.get("adkim", "r").lower() == "s",
        spf_strict=tags.get("aspf", "r").lower() == "s",
        public_suffix="y" if psd == "y" else "n" if psd == "n" else "u",
        testing=tags.get("t", "n").lower() == "y",
        text=found[0],
    )


def discover(domain: str, resolver: Resolver) -> Standing:
    """Where the domain stands; raises DnsUnavailable."""
    walked = _walk(domain, resolver)
    organizational = _organizational(domain, walked)
    by_domain = {record.domain: record for record in walked}
    own = by_domain.get(domain)
    if own is not None:
        return Standing(organizational, own, _in_force(own, own.policy))
    # §4.10.1: the organisational domain's, then that of the public suffix over it.
    above = by_domain.get(organizational) or next(
        (record for record in walked if record.public_suffix == "y"), None
    )
    if above is None:
        return Standing(organizational, None, None)
    return Standing(organizational, above, _in_force(above, above.subdomain_policy))


def organizational_domain(domain: str, resolver: Resolver) -> str:
    """The domain under one hand that the name belongs to; raises DnsUnavailable."""
    return _organizational(domain, _walk(domain, resolver))


def aligned(author: str, authenticated: str, *, strict: bool, resolver: Resolver) -> bool:
    """Whether an authenticated domain speaks for the From domain (§4.9); raises DnsUnavailable."""
    if author == authenticated:
        return True
    if strict:
        return False
    return organizational_domain(author, resolver) == organizational_domain(authenticated, resolver)


def _walk(domain: str, resolver: Resolver) -> list[Record]:
    """The valid records from the domain upwards; one that names its place in the tree ends the walk (§4.10)."""
    labels = domain.split(".")
    targets = [labels]
    rest = labels[-MAX_LABELS:] if len(labels) > MAX_LABELS else labels[1:]
    while rest:
        targets.append(rest)
        rest = rest[1:]
    found = []
    for target in targets:
        name = ".".join(target)
        record = parse(name, resolver.txt(f"_dmarc.{name}"))
        if record is not None:
            found.append(record)
            if record.public_suffix != "u":
                break
    return found


def _organizational(domain: str, walked: list[Record]) -> str:
    for record in walked:
        if record.public_suffix == "n":
            return record.domain
        if record.public_suffix == "y" and record.domain != domain:
            depth = record.domain.count(".") + 2
            return ".".join(domain.split(".")[-depth:])
    return walked[-1].domain if walked else domain


def _in_force(record: Record, policy: Policy) -> Policy:
    """``t=y`` asks receivers for the next milder policy (§4.7)."""
    return _POLICIES[max(_POLICIES.index(policy) - 1, 0)] if record.testing else policy


def _version(text: str) -> bool:
    name, _equals, value = text.partition(";")[0].partition("=")
    return name.strip() == "v" and value.strip() == "DMARC1"


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _equals, value in pairs if name.strip()}


def _policy(text: str | None) -> Policy | None:
    lower = (text or "").lower()
    return next((policy for policy in _POLICIES if policy == lower), None)
