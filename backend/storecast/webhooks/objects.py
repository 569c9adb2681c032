"""What deliveries have told of objects: the newest report per aspect, and who is gone for good.

Shopify promises neither order nor single delivery, and a retry carries the old payload. A report loses against one
that is newer by the payload's own instant, or by X-Shopify-Triggered-At where these are equal (they have seconds, and
an object changes twice in one). Drains of a shop take turns, so nobody else writes its marks meanwhile.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.webhooks import objects_repository as repository
from storecast.webhooks.objects_repository import GONE, Mark


@dataclass(slots=True)
class Known:
    """The marks of the objects of one batch, with what the batch adds to them, and whom of it an erasure has ended."""

    marks: dict[tuple[str, str], Mark] = field(default_factory=dict)
    changed: dict[tuple[str, str], Mark] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, session: Session, shop_id: ShopId, gids: Collection[str]) -> "Known":
        """Read the marks of these objects in one statement."""
        return cls({(mark.gid, mark.aspect): mark for mark in repository.list_marks(session, shop_id, gids)})

    def is_gone(self, gid: str) -> bool:
        """Whether the object has been deleted."""
        return (gid, GONE) in self.marks

    def is_stale(self, gid: str, aspect: str, at: datetime, triggered_at: datetime | None) -> bool:
        """Whether something newer on this aspect has been applied."""
        known = self.marks.get((gid, aspect))
        if known is None or at > known.at:
            return False
        if at < known.at:
            return True
        return bool(triggered_at and known.triggered_at and triggered_at < known.triggered_at)

    def note(self, gid: str, aspect: str, at: datetime, triggered_at: datetime | None) -> None:
        """Remember a report that was applied."""
        mark = Mark(gid, aspect, at, triggered_at)
        self.marks[gid, aspect] = self.changed[gid, aspect] = mark

    def end(self, gid: str, at: datetime) -> None:
        """Remember that the object is gone; its other marks mean nothing from here on."""
        self.marks[gid, GONE] = Mark(gid, GONE, at, None)
        self.changed = {key: mark for key, mark in self.changed.items() if key[0] != gid}

    def save(self, session: Session, shop_id: ShopId) -> None:
        """Write what the batch added, in one statement."""
        if self.changed:
            repository.write_marks(session, shop_id, self.changed.values())


def bury(session: Session, shop_id: ShopId, gid: str, *, at: datetime, heir_gid: str | None = None) -> None:
    """Record that Shopify deleted an object, or merged it into another: nothing brings it back."""
    repository.bury(session, shop_id, gid, at=at, heir_gid=heir_gid)


def find_gone(session: Session, shop_id: ShopId, gids: Collection[str]) -> dict[str, str | None]:
    """Which of these objects are gone, each with the one that it was merged into, if it was."""
    return repository.find_gone(session, shop_id, gids)


def drop_gone(session: Session, shop_id: ShopId, staged: str) -> None:
    """Take out of a staging table (column ``gid``) what was deleted: a bulk result shows the shop as it was before."""
    repository.drop_gone(session, shop_id, staged)


def forget(session: Session, *, before: datetime) -> int:
    """Delete the marks that are too old for any delivery to meet them, in every shop; returns how many."""
    return repository.delete_marks(session, before=before)


def newest_reports(session: Session, shop_id: ShopId, gids: Iterable[str]) -> dict[str, datetime]:
    """When the newest report of these objects that a delivery brought was true; the ends of objects count."""
    return repository.newest_reports(session, shop_id, list(gids))


def told_since(session: Session, shop_id: ShopId, aspect: str, since: datetime) -> list[str]:
    """The objects of which a delivery reported on this aspect what was true then or later."""
    return repository.told_since(session, shop_id, aspect, since)


def note_missed(session: Session, shop_id: ShopId, changes: Mapping[str, datetime]) -> None:
    """Remember what a poll has counted, so that the next one does not count it again."""
    repository.write_marks(
        session, shop_id, [Mark(gid, repository.MISSED, at, None) for gid, at in changes.items()]
    )
