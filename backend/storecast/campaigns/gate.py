"""The send gate: pure judgement over facts that others gathered. Red (stop) keeps the button off, yellow asks."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from storecast.campaigns.schemas import Audience, Check
from storecast.messaging import compose, headers, sandbox
from storecast.messaging.compose import Content

CLIP_BYTES = 102_000
"""Gmail shows no more of a message than this and hides the rest, the unsubscribe link with it."""

_PLACEHOLDER_HOSTS = ("example.com", "example.org", "example.net")


def judge(
    content: Content,
    *,
    has_segment: bool,
    audience: Audience,
    lacking: Mapping[str, int],
    urls: Sequence[str],
) -> list[Check]:
    """Every check with its level; ``lacking`` counts recipients without a value that the content prints."""
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
    if not broken:
        checks += [_unsubscribe(content), _size(content), _missing(lacking), _placeholders(urls)]
    return checks


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
