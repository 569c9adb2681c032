"""The inbox: one durable row per delivery, written before the 2xx."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id


class InboxEntry(Base):
    """A webhook as it arrived. ``webhook_id`` is unique per delivery and the same on Shopify's retries."""

    __tablename__ = "webhook_inbox"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'dead')", name="state"),
        Index("ix_webhook_inbox_pending", "shop_id", "id", postgresql_where=text("state = 'pending'")),
        Index("ix_webhook_inbox_event_id", "event_id"),
        Index("ix_webhook_inbox_received_at", "shop_id", "received_at"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("body",)

    id: Mapped[Id]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    shop_domain: Mapped[str]
    webhook_id: Mapped[str] = mapped_column(unique=True)
    event_id: Mapped[str | None]
    topic: Mapped[str]
    api_version: Mapped[str | None]
    triggered_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    body: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]
