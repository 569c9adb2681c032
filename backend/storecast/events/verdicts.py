"""Who caused an open or a click: a person, a machine, or nobody can say.

Pure rules. A machine's events are kept and shown, but they start no automation and earn no revenue. When in
doubt the verdict is the one that claims less for the campaign.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

Verdict = Literal["human", "machine", "unknown"]

INSTANT = timedelta(seconds=1)
"""Nobody opens or clicks a message within a second of its acceptance; gateways that scan it do."""

BURSTS = ((3, timedelta(seconds=1)), (5, timedelta(seconds=5)))
"""So many different links of one message within so long are a scanner's work.

Seen in the field: 9–10 links in 1 s, and slower ones that take a link every half second. Nobody follows a link, comes
back and follows the next two more times in a second, or four more times in five.
"""

LONGEST_BURST = max(span for _, span in BURSTS)

# Programs that fetch on nobody's behalf: link scanners of mail gateways, previews of messengers, HTTP libraries. The
# proxies of Gmail and Yahoo are not among them: they fetch an image when somebody opens the message.
_MACHINES = re.compile(
    r"bot\b|bot/|crawler|spider|scanner|preview|headless|phantom|prefetch|lighthouse|uptime"
    r"|\bcurl/|\bwget/|python|\bgo-http-client|\bjava/|\bokhttp|\baxios/|node-fetch|libwww|apache-httpclient"
    r"|\bundici|\bgot/|guzzle|\bruby|\baiohttp|\bhttpx/|postmanruntime|\bdart/|^[^ ]+ cfnetwork/"
    r"|barracuda|mimecast|proofpoint|messagelabs|symantec|cloudmark|sophos|trendmicro|trend micro|fireeye|trellix"
    r"|forcepoint|ironport|fortinet|fortiguard|zscaler|bitdefender|kaspersky|checkpoint|vadesecure|netskope|mcafee"
    r"|paloalto|palo alto|urlscan|virustotal|phishtank|safebrowsing"
    r"|safelinks|existence discovery|google-safety|facebookexternalhit|whatsapp/|slack-imgproxy|slackbot",
    re.IGNORECASE,
)

# Apple's Mail Privacy Protection loads every image of every message by itself, under this bare name.
_APPLE_PRIVACY_PROXY = "Mozilla/5.0"

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class LinkClick:
    """A click as far as bursts are concerned."""

    delivery_id: int
    link_number: int
    at: datetime


def judge(user_agent: str | None, *, at: datetime, accepted_at: datetime | None) -> Verdict:
    """The verdict on one open or click by itself."""
    agent = (user_agent or "").strip()
    if agent == _APPLE_PRIVACY_PROXY or _MACHINES.search(agent):
        return "machine"
    if accepted_at is not None and at - accepted_at < INSTANT:
        return "machine"
    return "human" if agent else "unknown"


def bursts(clicks: Iterable[tuple[Key, LinkClick]]) -> set[Key]:
    """The keys of clicks that lie in one of `BURSTS`: so many links of one delivery within its span."""
    by_delivery: dict[int, list[tuple[Key, LinkClick]]] = {}
    for key, click in clicks:
        by_delivery.setdefault(click.delivery_id, []).append((key, click))
    found: set[Key] = set()
    for group in by_delivery.values():
        group.sort(key=lambda item: item[1].at)
        for links, span in BURSTS:
            found.update(_dense(group, links, span))
    return found


def _dense(group: Sequence[tuple[Key, LinkClick]], links: int, span: timedelta) -> Iterator[Key]:
    """The keys in a window of ``span`` that holds at least so many different links; the group is in order."""
    first = 0
    for last, (_key, click) in enumerate(group):
        while click.at - group[first][1].at > span:
            first += 1
        window = group[first : last + 1]
        if len({item.link_number for _, item in window}) >= links:
            yield from (key for key, _ in window)
