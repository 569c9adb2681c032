"""From a report to a verdict: a pure function, by enhanced status codes (RFC 3463, RFC 5248) before words.

A verdict of `HARD` ends the mail to an address for good, so it takes a code or words that say that the mailbox does
not exist. What blames the message or the sender is a `BLOCK`, and is nobody's address's fault.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from storecast.messaging.returns.reports import Happened, Report, Verdict

HALF_LIFE = timedelta(days=14)
"""A soft bounce of two weeks ago counts half."""

FORGOTTEN = timedelta(days=60)
"""One that is older counts for less than a sixteenth, and no more."""

TIRED_AT = 2.5
"""Three soft bounces within ten days, or four of a weekly letter in a row; one a month never gets there."""

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<!\d)([45]\d\d)(?=[ \-#:]|$)")

_GONE_WORDS = re.compile(
    r"user unknown|unknown user|no such (?:user|mailbox|recipient|person|address)|does ?n[o']t exist"
    r"|not (?:a )?(?:known|valid) (?:user|mailbox|recipient)|(?:invalid|unknown|unrouteable) (?:recipient|address)"
    r"|(?:account|mailbox|recipient|address|user)(?: \S+)? (?:is |has been )?"
    r"(?:disabled|deactivated|closed|not found|unknown|unavailable|inactive)"
    r"|recipient (?:address )?rejected: (?:user|undeliverable|access denied)|no mailbox here|unrouteable mail domain"
    r"|recipientnotfound|nullmx|null mx|host or domain name not found|domain (?:does not exist|not found)",
    re.IGNORECASE,
)
_FULL_WORDS = re.compile(
    r"quota|mailbox (?:is )?full|over ?quota|out of storage|insufficient (?:system )?storage", re.IGNORECASE
)
_BLOCK_WORDS = re.compile(
    r"spam|block(?:ed|list)|black ?list|reputation|dnsbl|\brbl\b|policy|dmarc|\bspf\b|dkim|unsolicited|banned"
    r"|not accepted from|sender (?:address )?rejected|content rejected|virus|rate limit|too many",
    re.IGNORECASE,
)

_BY_STATUS: dict[tuple[int, int], Verdict] = {
    (1, 1): Verdict.HARD,  # bad destination mailbox address
    (1, 2): Verdict.HARD,  # bad destination system address
    (1, 3): Verdict.HARD,  # bad destination mailbox address syntax
    (1, 4): Verdict.HARD,  # ambiguous
    (1, 6): Verdict.HARD,  # has moved, no forwarding address
    (1, 7): Verdict.BLOCK,  # the sender's address
    (1, 8): Verdict.BLOCK,
    (1, 9): Verdict.BLOCK,
    (1, 10): Verdict.HARD,  # null MX (RFC 7505); Exchange: recipient not found
    (2, 1): Verdict.HARD,  # mailbox disabled
    (2, 2): Verdict.SOFT,  # mailbox full
    (2, 3): Verdict.BLOCK,  # message too long
    (2, 4): Verdict.SOFT,
    (3, 4): Verdict.BLOCK,  # message too big for the system
    (4, 4): Verdict.HARD,  # unable to route: no such domain
    (4, 310): Verdict.HARD,  # Exchange: the domain does not exist
    (7, 13): Verdict.HARD,  # user account disabled (RFC 5248)
    (7, 17): Verdict.HARD,  # mailbox owner has changed (RFC 7293)
    (7, 18): Verdict.HARD,  # domain owner has changed
}
"""Of class 5, by subject and detail."""

_BY_SUBJECT: dict[int, Verdict] = {
    3: Verdict.SOFT,
    4: Verdict.SOFT,
    6: Verdict.BLOCK,
    7: Verdict.BLOCK,
}


def judge(report: Report) -> Verdict:
    """What the report means."""
    if report.happened is Happened.COMPLAINED:
        return Verdict.COMPLAINT
    if report.happened is Happened.DELAYED:
        return Verdict.NOTHING
    status = _status(report)
    if status is None:
        return _by_words(report)
    kind, subject, detail = status
    if kind == 2:
        return Verdict.NOTHING
    if kind == 4:
        # Tried until it was given up: the mailbox may be there next time.
        return Verdict.BLOCK if subject in (6, 7) else Verdict.SOFT
    known = _BY_STATUS.get((subject, detail))
    if known is not None:
        return known
    if (subject, detail) == (4, 1) and _GONE_WORDS.search(report.text):
        return Verdict.HARD  # Exchange Online, when it knows all of a domain's mailboxes
    return _BY_SUBJECT.get(subject) or _by_words(report)


def is_tired(soft_at: Sequence[datetime], *, success_at: datetime | None, now: datetime) -> bool:
    """Whether an address that bounced softly at these instants is to be left alone.

    Each counts half as much with every `HALF_LIFE`, and not at all before the last sign that mail arrives.
    """
    since = max(now - FORGOTTEN, success_at) if success_at else now - FORGOTTEN
    weights = [math.pow(0.5, max(now - at, timedelta(0)) / HALF_LIFE) for at in soft_at if at > since]
    return math.fsum(weights) >= TIRED_AT


def find_status(text: str) -> str | None:
    """The first enhanced status code of a reply."""
    found = _STATUS.search(text)
    return found[0] if found else None


def find_code(text: str) -> int | None:
    """The first reply code of SMTP in a text."""
    found = _CODE.search(text)
    return int(found[1]) if found else None


def _status(report: Report) -> tuple[int, int, int] | None:
    """The most telling code: a reporter that knows no better says x.0.0, and quotes who did."""
    named = [
        (int(found[1]), int(found[2]), int(found[3]))
        for source in (report.status or "", report.text)
        if (found := _STATUS.search(source))
    ]
    telling = [each for each in named if each[1:] != (0, 0)]
    return next(iter(telling or named), None)


def _by_words(report: Report) -> Verdict:
    """For codes that say nothing and servers that send none."""
    text = report.text
    if _FULL_WORDS.search(text):
        return Verdict.SOFT
    code = report.code or find_code(text)
    status = report.status or find_status(text) or ""
    final = status.startswith("5") or (not status.startswith("4") and (code is None or code >= 500))
    if final and _GONE_WORDS.search(text):
        return Verdict.HARD
    if _BLOCK_WORDS.search(text):
        return Verdict.BLOCK
    if report.says is not None:
        return report.says
    return Verdict.BLOCK if final and code is not None else Verdict.SOFT
