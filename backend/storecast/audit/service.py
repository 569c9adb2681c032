"""Recording and checking of who did what.

The chain of a shop is ``hash = SHA-256(prev_hash + [shop, at, actor, action, content_digest])`` with ``content_digest =
SHA-256(salt + [subject, detail])``. Erasing an entry's content takes its salt with it and leaves the chain whole
(docs/adr/0016).
"""

import hashlib
import secrets

import orjson
from sqlalchemy import ColumnElement, Text, cast, func, or_, select, text, update
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId

GENESIS = bytes(32)

SALT_BYTES = 16
"""Far more than anybody can try: a digest alone must not give an e-mail address away."""

ERASED = "erased"
"""The subject of an entry whose content is gone."""


def record(
    session: Session, shop_id: ShopId | None, actor: str, action: str, subject: str, **detail: object
) -> None:
    """Append one entry in the caller's transaction; without a shop, to the log of the installation.

    Entries of one shop are serialised by an advisory lock until that commit: two writers that read the same last
    hash would fork the chain.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('audit'), :shop_id)"), {"shop_id": (shop_id or 0) % 2**31}
    )
    previous = session.scalar(
        select(AuditEntry.hash).where(AuditEntry.shop_id == shop_id).order_by(AuditEntry.id.desc()).limit(1)
    )
    salt = secrets.token_bytes(SALT_BYTES)
    entry = AuditEntry(
        shop_id=shop_id,
        at=utcnow(),
        actor=actor,
        action=action,
        subject=subject,
        detail=dict(detail),
        salt=salt,
        content_digest=_content_digest(salt, subject, detail),
        prev_hash=previous or GENESIS,
    )
    entry.hash = _digest(entry)
    session.add(entry)
    session.flush()


def broken_at(session: Session, shop_id: ShopId | None) -> int | None:
    """The id of the first entry that does not continue the chain, None when all do."""
    previous = GENESIS
    for entry in session.scalars(
        select(AuditEntry).where(AuditEntry.shop_id == shop_id).order_by(AuditEntry.id)
    ):
        if entry.prev_hash != previous or entry.hash != _digest(entry) or not _content_holds(entry):
            return entry.id
        previous = entry.hash
    return None


def count(session: Session, shop_id: ShopId | None) -> int:
    """How many entries the shop's log has."""
    return session.scalar(select(func.count()).where(AuditEntry.shop_id == shop_id)) or 0


def count_mentions(session: Session, shop_id: ShopId, expression: str) -> int:
    """How many entries of the shop and of the installation match the regular expression."""
    return session.scalar(select(func.count()).where(_mentions(shop_id, expression))) or 0


def erase_mentions(session: Session, shop_id: ShopId, expression: str) -> int:
    """Erase subject, detail and salt of the entries that match; the chain stays whole. Needs the retention role."""
    erased = (
        update(AuditEntry)
        .where(_mentions(shop_id, expression))
        .values(subject=ERASED, detail={}, salt=None)
        .execution_options(synchronize_session=False)
    )
    return session.execute(erased).rowcount  # type: ignore[attr-defined,no-any-return]


def _mentions(shop_id: ShopId, expression: str) -> ColumnElement[bool]:
    said = AuditEntry.subject + " " + cast(AuditEntry.detail, Text)
    of_shop = or_(AuditEntry.shop_id == shop_id, AuditEntry.shop_id.is_(None))
    return of_shop & AuditEntry.salt.is_not(None) & said.op("~*")(expression)


def _content_holds(entry: AuditEntry) -> bool:
    """Whether subject and detail are those that were recorded; of an erased entry, that nothing took their place."""
    if entry.salt is None:
        return entry.subject == ERASED and entry.detail == {}
    return entry.content_digest == _content_digest(entry.salt, entry.subject, entry.detail)


def _content_digest(salt: bytes, subject: str, detail: dict[str, object]) -> bytes:
    return hashlib.sha256(salt + _canonical([subject, detail])).digest()


def _digest(entry: AuditEntry) -> bytes:
    said = _canonical([entry.shop_id, entry.at, entry.actor, entry.action, entry.content_digest.hex()])
    return hashlib.sha256(entry.prev_hash + said).digest()


def _canonical(content: list[object]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
