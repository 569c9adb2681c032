"""Recording and checking of who did what."""

import hashlib

import orjson
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId

GENESIS = bytes(32)


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
    entry = AuditEntry(
        shop_id=shop_id,
        at=utcnow(),
        actor=actor,
        action=action,
        subject=subject,
        detail=dict(detail),
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
        if entry.prev_hash != previous or entry.hash != _digest(entry):
            return entry.id
        previous = entry.hash
    return None


def count(session: Session, shop_id: ShopId | None) -> int:
    """How many entries the shop's log has."""
    return session.scalar(select(func.count()).where(AuditEntry.shop_id == shop_id)) or 0


def _digest(entry: AuditEntry) -> bytes:
    content = [entry.shop_id, entry.at, entry.actor, entry.action, entry.subject, entry.detail]
    options = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
    return hashlib.sha256(entry.prev_hash + orjson.dumps(content, option=options)).digest()
