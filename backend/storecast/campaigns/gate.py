"""The send gate: pure judgement over facts that others gathered. Red (stop) keeps the button off, yellow asks."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from storecast.campaigns.return_rates import (
    COMPLAINTS_JUDGED_FROM,
    MAX_COMPLAINT_SHARE,
    MAX_RETURNED_SHARE,
    RETURNS_JUDGED_FROM,
    Returned,
    is_over,
)
from storecast.campaigns.schemas import Audience, Check, Level
from storecast.campaigns.split import Split
from storecast.messaging import compose, headers, sandbox
from storecast.messaging.compose import Content
from storecast.messaging.sending_domains import SenderStanding

CLIP_BYTES = 102_000
"""Gmail shows no more of a message than this and hides the rest, the unsubscribe link with it."""

BULK_RECIPIENTS = 5_000
"""From about so many a day on, Gmail, Yahoo and Outlook refuse what has no DMARC policy."""

RECENT_DAYS = 30
"""What the last sendings are: receivers forget about as slowly."""

_PLACEHOLDER_HOSTS = ("example.com", "example.org", "example.net")


def judge(
    content: Content,
    *,
    has_segment: bool,
    audience: Audience,
    lacking: Mapping[str, int],
    urls: Sequence[str],
    sender: SenderStanding | None = None,
    strictness: Literal["stop", "ask"] = "stop",
    transactional: bool = False,
) -> list[Check]:
    """Every check with its level; ``lacking`` counts recipients without a value that the content prints.

    ``sender`` is what is known of the From domain, None where nobody minds; ``strictness`` is the level of what
    receivers refuse mail for. A ``transactional`` message needs no way to unsubscribe, and is asked about instead.
    """
    faults = compose.faults(content)
    broken = [
        {"field": field, "line": fault.line, "column": fault.column, "message": fault.message}
        for field, found in faults.items()
        for fault in found
    ]
    checks = [
        Check(code="segment", level="ok" if has_segment else "stop"),
        _audience(has_segment, audience),
        Check(code="subject", level="ok" if content.subject.strip() else "stop"),
        Check(code="sender", level="ok" if headers.find_address(content.from_email) else "stop"),
        Check(code="content", level="ok" if content.html.strip() else "stop"),
        Check(code="preview_text", level="ok" if content.preview_text.strip() else "ask"),
        Check(code="template", level="stop" if broken else "ok", facts={"errors": broken} if broken else {}),
    ]
    if sender is not None and headers.find_address(content.from_email):
        checks += _sender_checks(sender, strictness, audience.recipients, transactional=transactional)
    if not broken:
        checks += [_size(content), _missing(lacking), _placeholders(urls)]
        checks.append(Check(code="transactional", level="ask") if transactional else _unsubscribe(content))
    return checks


def worst(
    checks: Sequence[Check], others: Sequence[Check], version: int, language: str | None = None
) -> list[Check]:
    """The checks, each as bad as it is in either version; where the other one is worse its facts say which it is."""
    found = {check.code: check for check in others}
    which = {"version": version} | ({"language": language} if language else {})
    return [
        found[check.code].model_copy(update={"facts": {**found[check.code].facts, **which}})
        if check.code in found and _LEVELS[found[check.code].level] > _LEVELS[check.level]
        else check
        for check in checks
    ]


_LEVELS: Mapping[Level, int] = {"ok": 0, "ask": 1, "stop": 2}


def spoken(readers: Mapping[str, int]) -> Check:
    """How many recipients read each language; one that nobody reads is perhaps written wrongly."""
    return Check(
        code="languages", level="ask" if 0 in readers.values() else "ok", facts={"readers": dict(readers)}
    )


FEWEST_IN_TEST = 500
"""A version that fewer people get says little: a fifth more clicks than 5 % shows with some 8,000 recipients each."""


def test_size(split: Split, recipients: int) -> Check:
    """Whether every version goes to enough people to tell anything."""
    smallest = recipients * split.share_percent * min(split.weights) // (100 * sum(split.weights))
    facts = {"smallest": smallest, "enough": FEWEST_IN_TEST}
    return Check(code="test_size", level="ok" if smallest >= FEWEST_IN_TEST else "ask", facts=facts)


def returns(returned: Returned, *, transactional: bool) -> list[Check]:
    """What became of the shop's last mail: how much was called spam, how much went to addresses that do not exist.

    Above the half of what a sending is stopped for it is asked about, above the whole it waits. A message that people
    must get is asked about at worst.
    """
    worst_level: Level = "ask" if transactional else "stop"
    rates = (
        ("complaint_rate", returned.complained, MAX_COMPLAINT_SHARE, COMPLAINTS_JUDGED_FROM),
        ("bounce_rate", returned.bounced, MAX_RETURNED_SHARE, RETURNS_JUDGED_FROM),
    )
    checks = []
    for code, count, share, judged_from in rates:
        level: Level = "ok"
        if is_over(count, returned.accepted, share, judged_from):
            level = worst_level
        elif is_over(count, returned.accepted, share / 2, judged_from):
            level = "ask"
        facts: dict[str, Any] = {"returned": count, "window_days": RECENT_DAYS}
        if level != "ok":
            facts |= {
                "messages": returned.accepted,
                "percent": round(100 * count / max(returned.accepted, 1), 2),
                "limit_percent": 100 * share,
            }
        checks.append(Check(code=code, level=level, facts=facts))
    return checks


def exclusions(audience: Audience) -> Check:
    """How many of those who were chosen are left out, and why; asked about when it is more than a third."""
    excluded = audience.members - audience.recipients
    facts = {
        "members": audience.members,
        "excluded": excluded,
        "percent": round(100 * excluded / max(audience.members, 1)),
        "reasons": {each.reason: each.count for each in audience.exclusions},
    }
    return Check(code="exclusions", level="ask" if 3 * excluded > audience.members else "ok", facts=facts)


def waits(recipients: int, waiting: Mapping[str, int]) -> Check:
    """How many get it later than it is sent, and why; asked about when it is more than a third.

    ``policy_expired`` among the reasons counts those who would have to wait for longer than the campaign does.
    """
    later = sum(waiting.values())
    facts = {"recipients": recipients, "waiting": later, "reasons": dict(waiting)}
    return Check(code="waits", level="ask" if 3 * later > recipients else "ok", facts=facts)


test_size.__test__ = False  # type: ignore[attr-defined]  # it is no test of ours


def _sender_checks(
    sender: SenderStanding, strictness: Literal["stop", "ask"], recipients: int, *, transactional: bool
) -> list[Check]:
    """What receivers ask of a bulk sender, by what DNS said last."""
    if sender.domain is None:
        return [Check(code="sender_domain", level=strictness, facts={"domain": sender.author})]
    facts: dict[str, Any] = {
        "domain": sender.domain,
        "checked_at": sender.checked_at and sender.checked_at.isoformat(),
    }
    if sender.state == "unverified":
        return [Check(code="sender_domain", level=strictness, facts=facts | {"state": sender.state})]
    policy = sender.dmarc_policy
    without_policy: Level = strictness if recipients >= BULK_RECIPIENTS else "ask"
    by_provider = sender.signed_by == "provider"
    dkim: Level = "ok" if by_provider or _passed(sender, "dkim_rsa") else strictness
    signed = {"by": sender.signed_by, "provider": sender.provider}
    return [
        Check(code="sender_domain", level="ok", facts=facts),
        # Receivers want both, but only DKIM goes along when mail is forwarded: it alone keeps the button off.
        Check(code="spf", level="ok" if _passed(sender, "spf") else "ask", facts=_found(sender, "spf")),
        Check(code="dkim", level=dkim, facts=_found(sender, "dkim_rsa") | signed),
        Check(
            code="dmarc",
            level="ok" if policy else without_policy,
            facts=_found(sender, "dmarc") | {"policy": policy},
        ),
        Check(
            code="alignment",
            level="ok" if sender.aligned else strictness,
            facts={"from": sender.author, "domain": sender.domain},
        ),
        # What a provider signs is not known here; our own signature covers both headers.
        *(
            [Check(code="unsubscribe_signed", level="ask" if by_provider else "ok", facts=signed)]
            if not transactional
            else []
        ),
    ]


def _passed(sender: SenderStanding, code: str) -> bool:
    return sender.findings.get(code, {}).get("state") == "ok"


def _found(sender: SenderStanding, code: str) -> dict[str, Any]:
    finding = sender.findings.get(code, {})
    return {name: finding.get(name) for name in ("state", "name", "problem", "found")}


def _audience(has_segment: bool, audience: Audience) -> Check:
    facts = {"members": audience.members, "recipients": audience.recipients}
    stop = has_segment and audience.recipients == 0
    return Check(code="recipients", level="stop" if stop else "ok", facts=facts)


def _unsubscribe(content: Content) -> Check:
    linked = not content.html.strip() or "unsubscribe_url" in sandbox.variables(content.html)
    return Check(code="unsubscribe_link", level="ok" if linked else "stop")


def _size(content: Content) -> Check:
    size = len(content.html.encode())
    return Check(
        code="size",
        level="ask" if size > CLIP_BYTES else "ok",
        facts={"bytes": size, "limit_bytes": CLIP_BYTES},
    )


def _missing(lacking: Mapping[str, int]) -> Check:
    return Check(code="merge_values", level="ask" if lacking else "ok", facts={"missing": dict(lacking)})


def _placeholders(urls: Sequence[str]) -> Check:
    found = [url for url in urls if (urlsplit(url).hostname or "").endswith(_PLACEHOLDER_HOSTS)]
    return Check(code="links", level="ask" if found else "ok", facts={"placeholders": found} if found else {})
