"""The audit log's table."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id


class AuditEntry(Base):
    """One action; ``hash`` covers the entry and the hash before it, so that a removed entry shows."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_shop_id", "shop_id", "id"),)
    personal_data: ClassVar[tuple[str, ...]] = ("actor",)

    id: Mapped[Id]
    # None: what was done to the installation as a whole; a chain of its own.
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, object]]
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]
