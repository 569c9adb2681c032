"""The audit log's table."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from storecast.db.base import Base, Id, Tenant


class AuditEntry(Tenant, Base):
    """One action; ``hash`` covers the entry and the hash before it, so that a removed entry shows."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_shop_id", "shop_id", "id"),)
    personal_data: ClassVar[tuple[str, ...]] = ("actor",)

    id: Mapped[Id]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, object]]
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]
