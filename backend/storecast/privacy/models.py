"""The table of privacy requests: what Shopify asked for, by when, and what was done."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id


class PrivacyRequest(Base):
    """One request. It outlives its shop's data: the shop id goes, the domain and the dates stay as proof."""

    __tablename__ = "privacy_requests"
    __table_args__ = (
        CheckConstraint("kind in ('data_request', 'customer_redact', 'shop_redact')", name="kind"),
        CheckConstraint("state in ('received', 'done')", name="state"),
        Index("ix_privacy_requests_shop_id_received_at", "shop_id", "received_at"),
        Index("uq_privacy_requests_webhook_id", "webhook_id", unique=True),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("customer_gid", "subject", "result")

    id: Mapped[Id]
    shop_id: Mapped[int | None]
    shop_domain: Mapped[str]
    # Shopify repeats deliveries; the id of the delivery makes a request exist once.
    webhook_id: Mapped[str]
    kind: Mapped[str]
    customer_gid: Mapped[str | None]
    # What Shopify named besides the gid (email, phone, order ids); erased when the request is done.
    subject: Mapped[dict[str, object] | None]
    state: Mapped[str] = mapped_column(server_default=text("'received'"))
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    result: Mapped[dict[str, object] | None]
