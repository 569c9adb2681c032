"""The doors that mail comes back through: the webhook of each of a shop's channels, and the mail of the installation.

A channel's address holds a secret of its own and its bytes must be signed by the provider beside that. An answer of 2xx
means that what was told is on disk. What is refused has changed nothing.
"""

import hmac
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import lru_cache

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.db.reading import Reading
from storecast.db.session import look
from storecast.kit.sealing import SealBroken
from storecast.kit.types import ShopId
from storecast.messaging import returned, sending_channels
from storecast.messaging.errors import ReturnRefused, ReturnsAddressUnknown, ReturnUnreadable
from storecast.messaging.models import SendingChannel
from storecast.messaging.returned import Counts
from storecast.messaging.returns import mail, sns
from storecast.messaging.returns.providers import READERS, ses_reports
from storecast.messaging.returns.reports import Forged, Report, Unreadable
from storecast.messaging.sending_channels import address_codes
from storecast.resilience.guard import process_guard

log = structlog.get_logger(__name__)

UnitOfWork = Callable[[], AbstractContextManager[Session]]

WITHOUT_SECRET = frozenset({"smtp", "postmark"})
"""Notifications prove themselves by the code in them; Postmark offers no signature, and a password at best."""

_SHOP_OF = Reading(select(SendingChannel.shop_id).where(SendingChannel.public_id == bindparam("channel_id")))


def find_shop(channel_id: str, code: str) -> ShopId:
    """Whose channel an address is; raises ReturnsAddressUnknown for one that we did not give out."""
    given = code.encode("utf-8", "replace")
    if not any(hmac.compare_digest(known.encode(), given) for known in address_codes(channel_id)):
        raise ReturnsAddressUnknown
    found = look(_SHOP_OF, {"channel_id": channel_id})
    if found is None:
        raise ReturnsAddressUnknown
    return ShopId(found[0])


def receive(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    channel_id: str,
    headers: Mapping[str, str],
    raw: bytes,
    *,
    now: datetime,
) -> Counts:
    """What a channel's provider, or whoever takes in its mail, tells; raises ReturnRefused and ReturnUnreadable."""
    with unit_of_work() as session:
        row = sending_channels.get(session, shop_id, channel_id)
        kind, secret = row.kind, _secret(shop_id, row)
    try:
        reports = _read(kind, headers, raw, secret, now)
    except Forged as refused:
        log.warning("return_refused", shop_id=shop_id, channel=channel_id, reason=str(refused))
        raise ReturnRefused(f"Not taken: {refused}.") from refused
    except Unreadable as unreadable:
        log.info("return_unreadable", shop_id=shop_id, channel=channel_id, reason=str(unreadable))
        if kind == "smtp":
            # An absence note in the mailbox of returns is nobody's mistake, and would come again for ever.
            return Counts(ignored=1)
        raise ReturnUnreadable(f"Not taken: {unreadable}.") from unreadable
    if not reports:
        return Counts()
    with unit_of_work() as session:
        return returned.take(session, shop_id, reports, source="mail" if kind == "smtp" else kind, now=now)


def receive_mail(
    unit_of_work: Callable[[ShopId], UnitOfWork], raw: bytes, *, envelope_to: str, now: datetime
) -> Counts:
    """A mail of whichever shop its code names. Raises Unreadable; a mail that carries no code of ours is ignored."""
    report = mail.read(raw, envelope_to=envelope_to)
    tracked = returned.find_delivery(report)
    if tracked is None:
        return Counts(ignored=1)
    shop_id = ShopId(tracked.shop_id)
    with unit_of_work(shop_id)() as session:
        return returned.take(session, shop_id, [report], source="mail", now=now)


def _read(kind: str, headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> list[Report]:
    if kind not in WITHOUT_SECRET and not secret:
        raise Forged("nothing is set up to verify it with")
    if kind == "smtp":
        return [mail.read(raw)]
    if kind != "ses":
        return READERS[kind](headers, raw, secret, now)
    amazon = _amazon(get_settings().provider_origin)
    notice = sns.verify(raw, secret, now, amazon.certificate)
    if notice.confirm_url is not None:
        amazon.get(notice.confirm_url)
        return []
    return list(ses_reports(notice.message))


def _secret(shop_id: ShopId, row: SendingChannel) -> str:
    if row.returns_secret is None:
        return ""
    try:
        return sending_channels.sealer().open(shop_id, row.returns_secret)
    except SealBroken as broken:
        raise ReturnRefused("Not taken: what it is verified with does not open; enter it again.") from broken


@lru_cache(maxsize=2)
def _amazon(origin: str | None) -> sns.Amazon:
    return sns.Amazon(process_guard(), origin.replace("{provider}", "sns") if origin else None)
