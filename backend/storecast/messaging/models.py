"""Addresses that must not be written to."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Tenant


class Suppression(Tenant, Base):
    """One address of one shop. It is kept as a digest, so that it outlives the erasure of the customer."""

    __tablename__ = "suppressions"
    __table_args__ = (
        CheckConstraint("reason IN ('unsubscribed', 'hard_bounce', 'complaint', 'manual')", name="reason"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    email_digest: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
