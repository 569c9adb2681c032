"""Deliveries that never came: what polling finds changed, and no delivery has told of.

Shopify does not guarantee delivery. Whoever polls by ``updated_at`` hands over what was new to it; each change is
counted once, whatever polls overlap.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.webhooks import erased, objects
from storecast.webhooks import missed_repository as repository
from storecast.webhooks.schemas import MissedDay

GRACE = timedelta(minutes=15)
"""Most deliveries take seconds; the first four of Shopify's retries fall into a quarter of an hour."""

ROUNDING = timedelta(seconds=2)
"""Payloads of webhooks and answers of the API may round the same instant differently."""

KEEP_COUNTS = timedelta(days=90)


def note_polled(
    session: Session,
    shop_id: ShopId,
    kind: str,
    seen: Sequence[tuple[str, datetime]],
    now: datetime,
) -> int:
    """Count what a poll found that no delivery has told of; returns how many changes were missed.

    ``kind`` is the resource, such as ``orders``; ``seen`` are global ids with Shopify's ``updated_at``. Left out is
    what changed before the installation, and what changed so lately that its delivery may still be on its way: polls
    overlap by more than `GRACE`, so that a later one sees it again.
    """
    installed_at = shops.get(session, shop_id).installed_at
    ripe = {gid: at for gid, at in seen if at <= now - GRACE and (installed_at is None or at > installed_at)}
    # Whom we have erased is missed by nobody, and no mark may name them.
    for gid in erased.find(session, shop_id, ripe):
        del ripe[gid]
    if not ripe:
        return 0
    told = objects.newest_reports(session, shop_id, ripe)
    unknown = {gid: at for gid, at in ripe.items() if gid not in told or told[gid] < at - ROUNDING}
    objects.note_missed(session, shop_id, unknown)
    repository.add(session, shop_id, now.date(), kind, polled=len(ripe), missed=len(unknown))
    return len(unknown)


def list_days(session: Session, shop_id: ShopId, *, since: datetime) -> list[MissedDay]:
    """The counts by day and family, newest first."""
    return [
        MissedDay(day=row.day, family=row.family, polled=row.polled, missed=row.missed)
        for row in repository.list_days(session, shop_id, since=since.date())
    ]


def count(session: Session, shop_id: ShopId | None, *, now: datetime) -> int:
    """How many changes were missed today and yesterday (UTC), in one shop or in all."""
    return repository.count(session, shop_id, since=(now - timedelta(days=1)).date())


def forget(session: Session, *, now: datetime) -> None:
    """Delete old counts of every shop."""
    repository.delete(session, before=(now - KEEP_COUNTS).date())
