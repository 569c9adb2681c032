"""A shop's sending domains: their keys, the records to publish, and what DNS says of them.

    unverified → verified ⇄ failing

A domain is verified when the public half of one of our keys is found under it, which only its owner can publish; each
shop has keys of its own, so two shops may have the same domain. A pair of keys goes pending → active → retiring: it
signs from the moment it is found, and the pair before it stays published while mail signed with it is under way.
What could not be asked leaves everything as it was.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.sealing import Sealer
from storecast.kit.types import ShopId
from storecast.messaging import dkim, dmarc, headers, spf
from storecast.messaging import sending_domains_repository as repository
from storecast.messaging.dkim import DkimKey
from storecast.messaging.errors import (
    DnsUnavailable,
    RotationUnderWay,
    SendingDomainTaken,
    SendingDomainUnknown,
    TooManySendingDomains,
)
from storecast.messaging.models import DkimKeyPair, SendingDomain
from storecast.messaging.resolver import Resolver

log = structlog.get_logger(__name__)

UnitOfWork = Callable[[], AbstractContextManager[Session]]

MAX_DOMAINS = 20

OVERLAP = timedelta(days=7)
"""Longer than servers try to deliver (RFC 5321 §4.5.4.1: four to five days): mail is verified when it arrives."""

SHOWN_RECORDS = 5
"""Of what was found in place of the right record: enough to see what is wrong."""

State = Literal["ok", "missing", "wrong", "unknown"]
Code = Literal["dkim_rsa", "dkim_ed25519", "spf", "dmarc"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of a domain as it ended; ``unknown``: DNS did not answer."""

    code: Code
    state: State
    name: str
    problem: str | None = None
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A text record to publish."""

    purpose: Code
    name: str
    value: str
    optional: bool
    key_state: str | None = None


@dataclass(frozen=True, slots=True)
class SenderStanding:
    """What is known of the domain that a From address is under; ``domain`` None: the shop has none for it."""

    author: str
    domain: str | None
    state: str | None
    findings: dict[str, dict[str, object]]
    aligned: bool
    dmarc_policy: str | None
    checked_at: datetime | None
    signed_by: Literal["storecast", "provider"] = "storecast"
    provider: str | None = None
    """Of several channels one that makes messages anew and signs them itself."""


@dataclass(frozen=True, slots=True)
class _Survey:
    """Everything that one look at DNS brought home."""

    found_pairs: frozenset[int]
    ed25519_pairs: frozenset[int]
    findings: tuple[Finding, ...]
    dmarc: dmarc.Standing | None


@lru_cache(maxsize=2)
def _sealer(*keys: str) -> Sealer:
    return Sealer(keys, DkimKeyPair.sealed.purpose)


def sealer() -> Sealer:
    """Seals private keys; the owner is the shop."""
    settings = get_settings()
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    return _sealer(*[key.get_secret_value() for key in keys if key is not None])


# What people do.


def add(session: Session, shop_id: ShopId, name: str, *, actor: str) -> SendingDomain:
    """A new domain with its first keys; nothing is signed with them before they are found in DNS."""
    domain = headers.find_domain(name)
    if domain is None:
        fault = FieldError("/domain", "This is not a domain name.", "domain_invalid")
        raise Invalid("The domain is not valid.", errors=[fault])
    if repository.find_by_name(session, shop_id, [domain]) is not None:
        raise SendingDomainTaken(domain=domain)
    if repository.count(session, shop_id) >= MAX_DOMAINS:
        raise TooManySendingDomains(limit=MAX_DOMAINS)
    row = SendingDomain(shop_id=shop_id, public_id=public_id("dom"), domain=domain)
    repository.add(session, row)
    repository.add(session, _new_pair(shop_id, row.id, 1))
    audit.record(session, shop_id, actor, "sending_domain_added", row.public_id, domain=domain)
    return row


def rotate(session: Session, shop_id: ShopId, domain_id: str, *, actor: str) -> SendingDomain:
    """Make new keys; the ones before sign on until the new ones are found."""
    row = _lock(session, shop_id, domain_id)
    pairs = repository.keys(session, shop_id, row.id)
    if any(pair.state == "pending" for pair in pairs):
        raise RotationUnderWay
    number = max((pair.number for pair in pairs), default=0) + 1
    repository.add(session, _new_pair(shop_id, row.id, number))
    audit.record(session, shop_id, actor, "sending_domain_keys_made", row.public_id, number=number)
    return row


def remove(session: Session, shop_id: ShopId, domain_id: str, *, actor: str) -> None:
    """Forget the domain and its keys; mail from it goes unsigned from now on."""
    row = _lock(session, shop_id, domain_id)
    audit.record(session, shop_id, actor, "sending_domain_removed", row.public_id, domain=row.domain)
    repository.remove(session, row)


def get(session: Session, shop_id: ShopId, domain_id: str) -> SendingDomain:
    """The domain; raises SendingDomainUnknown."""
    row = repository.find(session, shop_id, domain_id)
    if row is None:
        raise SendingDomainUnknown
    return row


def list_all(session: Session, shop_id: ShopId) -> Sequence[SendingDomain]:
    """The shop's domains by name."""
    return repository.list_all(session, shop_id)


def keys(session: Session, row: SendingDomain) -> Sequence[DkimKeyPair]:
    """The domain's key pairs, the newest first."""
    return repository.keys(session, ShopId(row.shop_id), row.id)


def records(row: SendingDomain, pairs: Sequence[DkimKeyPair]) -> list[DnsRecord]:
    """What the owner of the domain has to publish, or keep published."""
    made = []
    for pair in pairs:
        for code, selector, value in _published(pair):
            name = f"{selector}._domainkey.{row.domain}"
            made.append(DnsRecord(code, name, value, code == "dkim_ed25519", pair.state))
    include = get_settings().spf_include
    mechanism = f"include:{include}" if include else "mx"
    made.append(DnsRecord("spf", row.domain, f"v=spf1 {mechanism} ~all", optional=False))
    # Without pct, which RFC 9989 removed.
    made.append(DnsRecord("dmarc", f"_dmarc.{row.domain}", "v=DMARC1; p=none", optional=False))
    return made


# What DNS says.


def check(unit_of_work: UnitOfWork, shop_id: ShopId, domain_id: str, resolver: Resolver) -> None:
    """Ask DNS and write down what it says; call it outside any transaction."""
    with unit_of_work() as session:
        row = get(session, shop_id, domain_id)
        domain, pairs = row.domain, list(repository.keys(session, shop_id, row.id))
    survey = _survey(domain, pairs, resolver)
    with unit_of_work() as session:
        locked = repository.lock(session, shop_id, domain_id)
        if locked is not None:
            _record(session, shop_id, locked, survey)


def check_all(unit_of_work: UnitOfWork, shop_id: ShopId, resolver: Resolver) -> int:
    """Check every domain of the shop, and forget keys whose time is over; returns how many were checked."""
    with unit_of_work() as session:
        ids = [row.public_id for row in repository.list_all(session, shop_id)]
    for domain_id in ids:
        try:
            check(unit_of_work, shop_id, domain_id, resolver)
        except SendingDomainUnknown:  # removed in between
            continue
    with unit_of_work() as session:
        repository.drop_retired(session, shop_id, now=utcnow())
    return len(ids)


def _survey(domain: str, pairs: Sequence[DkimKeyPair], resolver: Resolver) -> _Survey:
    """Ask for everything; what is shown of the keys is about the pair that signs after this."""
    asked = {
        pair: [
            _key(code, f"{selector}._domainkey.{domain}", value, resolver)
            for code, selector, value in _published(pair)
        ]
        for pair in pairs
        if pair.state != "retiring"
    }
    rsa = frozenset(pair.number for pair, (first, _second) in asked.items() if first.state == "ok")
    ed25519 = frozenset(pair.number for pair, (_first, second) in asked.items() if second.state == "ok")
    # A pending pair that is found takes over; until then the active one counts.
    signing = max(asked, key=_takes_over(rsa))
    standing, dmarc_finding = _dmarc(domain, resolver)
    findings = (*asked[signing], _spf(domain, resolver), dmarc_finding)
    return _Survey(rsa, ed25519, findings, standing)


def _takes_over(found: frozenset[int]) -> Callable[[DkimKeyPair], tuple[bool, bool]]:
    return lambda pair: (pair.state == "pending" and pair.number in found, pair.state == "active")


def _published(pair: DkimKeyPair) -> tuple[tuple[Code, str, str], tuple[Code, str, str]]:
    return (
        ("dkim_rsa", pair.rsa_selector, pair.rsa_record),
        ("dkim_ed25519", pair.ed25519_selector, pair.ed25519_record),
    )


def _key(code: Code, name: str, value: str, resolver: Resolver) -> Finding:
    try:
        texts = resolver.txt(name)
    except DnsUnavailable as error:
        return Finding(code, "unknown", name, str(error))
    if not texts:
        return Finding(code, "missing", name)
    # RFC 6376 §3.6.2.2: more than one record under a selector is undefined.
    if len(texts) == 1 and _key_of(texts[0]) == _key_of(value):
        return Finding(code, "ok", name)
    return Finding(code, "wrong", name, "several" if len(texts) > 1 else "other_key", _shown(texts))


def _key_of(record: str) -> str:
    tags = (part.partition("=") for part in record.split(";"))
    return "".join(next((value for name, _equals, value in tags if name.strip() == "p"), "").split())


def _spf(domain: str, resolver: Resolver) -> Finding:
    try:
        result = spf.check(domain, get_settings().spf_include, resolver)
    except DnsUnavailable as error:
        return Finding("spf", "unknown", domain, str(error))
    if result.problem is None:
        return Finding("spf", "ok", domain, None, _shown(result.records))
    state: State = "missing" if result.problem == "missing" else "wrong"
    return Finding("spf", state, domain, result.problem, _shown(result.records))


def _dmarc(domain: str, resolver: Resolver) -> tuple[dmarc.Standing | None, Finding]:
    name = f"_dmarc.{domain}"
    try:
        standing = dmarc.discover(domain, resolver)
    except DnsUnavailable as error:
        return None, Finding("dmarc", "unknown", name, str(error))
    if standing.record is None:
        return standing, Finding("dmarc", "missing", name)
    return standing, Finding(
        "dmarc", "ok", f"_dmarc.{standing.record.domain}", None, _shown([standing.record.text])
    )


def _shown(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text.replace("\x00", "")[:500] for text in texts[:SHOWN_RECORDS])


def _record(session: Session, shop_id: ShopId, row: SendingDomain, survey: _Survey) -> None:
    now = utcnow()
    pairs = repository.keys(session, shop_id, row.id)
    pending = next((pair for pair in pairs if pair.state == "pending"), None)
    active = next((pair for pair in pairs if pair.state == "active"), None)
    if pending is not None and pending.number in survey.found_pairs:
        if active is not None:
            active.state, active.retires_at = "retiring", now + OVERLAP
            session.flush()
        pending.state, pending.activated_at = "active", now
        active = pending
    states = {finding.code: finding.state for finding in survey.findings}
    if active is not None and states.get("dkim_ed25519") != "unknown":
        active.ed25519_published = active.number in survey.ed25519_pairs
    before = row.state
    if active is not None and active.number in survey.found_pairs:
        row.state, row.verified_at = "verified", row.verified_at or now
    elif row.state == "verified" and states.get("dkim_rsa") in {"missing", "wrong"}:
        row.state = "failing"
    if survey.dmarc is not None:
        row.dmarc_policy = survey.dmarc.policy
        row.dkim_strict = survey.dmarc.record is not None and survey.dmarc.record.dkim_strict
    row.checks = [asdict(finding) for finding in survey.findings]
    row.checked_at = now
    if row.state != before:
        log.info("sending_domain_changed", shop_id=shop_id, domain=row.domain, state=row.state)
        audit.record(session, shop_id, "storecast", f"sending_domain_{row.state}", row.public_id)


# What sending asks.


def signing_keys(session: Session, shop_id: ShopId) -> dict[str, list[DkimKey]]:
    """The private keys to sign with, by domain."""
    made: dict[str, list[DkimKey]] = {}
    for domain, pair in repository.signing_keys(session, shop_id):
        sealed = [(pair.rsa_selector, pair.rsa_private)]
        if pair.ed25519_published:
            sealed.append((pair.ed25519_selector, pair.ed25519_private))
        made[domain] = [
            DkimKey(domain, selector, dkim.from_pem(sealer().open(shop_id, private)))
            for selector, private in sealed
        ]
    return made


def signing_version(session: Session, shop_id: ShopId) -> tuple[tuple[int, bool], ...]:
    """Changes whenever `signing_keys` would."""
    pairs = repository.signing_keys(session, shop_id)
    return tuple((pair.id, pair.ed25519_published) for _domain, pair in pairs)


def standing(session: Session, shop_id: ShopId, from_email: str) -> SenderStanding:
    """What the send gate has to know of a From address."""
    author = from_email.rpartition("@")[2].lower()
    row = repository.find_by_name(session, shop_id, _names_over(author))
    if row is None:
        return SenderStanding(author, None, None, {}, aligned=False, dmarc_policy=None, checked_at=None)
    findings = {str(each["code"]): each for each in row.checks if isinstance(each, dict)}
    return SenderStanding(
        author=author,
        domain=row.domain,
        state=row.state,
        findings=findings,
        # A domain and those under it are one organisation, unless its policy asks for the very same name.
        aligned=author == row.domain or not row.dkim_strict,
        dmarc_policy=row.dmarc_policy,
        checked_at=row.checked_at,
    )


def covering(domains: Sequence[str], author: str) -> str | None:
    """The longest of the domains that the From domain is, or is under."""
    known = set(domains)
    return next((name for name in _names_over(author) if name in known), None)


def _names_over(domain: str) -> list[str]:
    labels = domain.lower().split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _new_pair(shop_id: ShopId, domain_id: int, number: int) -> DkimKeyPair:
    rsa, ed25519 = dkim.new_key("rsa"), dkim.new_key("ed25519")
    seal = sealer().seal
    return DkimKeyPair(
        shop_id=shop_id,
        domain_id=domain_id,
        number=number,
        rsa_private=seal(shop_id, dkim.to_pem(rsa)),
        ed25519_private=seal(shop_id, dkim.to_pem(ed25519)),
        rsa_record=dkim.public_record(rsa),
        ed25519_record=dkim.public_record(ed25519),
    )


def _lock(session: Session, shop_id: ShopId, domain_id: str) -> SendingDomain:
    row = repository.lock(session, shop_id, domain_id)
    if row is None:
        raise SendingDomainUnknown
    return row
