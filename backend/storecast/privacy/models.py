"""The tables of privacy: what was asked for, by when and what was done; and the archives that answer data requests."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant
from storecast.kit.sealing import SealedColumns


class PrivacyRequest(Base):
    """One request. It outlives its shop's data: the domain, the dates and the counts stay as proof.

    ``subject`` holds what the person is known under while that is needed: of an erasure until it is done, so that one
    that was interrupted finds the rest; of a data request until its archive goes.
    """

    __tablename__ = "privacy_requests"
    __table_args__ = (
        CheckConstraint("kind in ('data_request', 'customer_redact', 'shop_redact')", name="kind"),
        CheckConstraint("state in ('received', 'done')", name="state"),
        Index("ix_privacy_requests_shop_id_received_at", "shop_id", "received_at"),
        Index("ix_privacy_requests_open", "due_at", postgresql_where=text("state = 'received'")),
        Index("uq_privacy_requests_webhook_id", "webhook_id", unique=True),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("customer_gid", "subject")
    sealed: ClassVar[SealedColumns] = SealedColumns("privacy-passphrase", ("passphrase",))

    id: Mapped[Id]
    # None: of a domain that Storecast does not know, about which it holds nothing.
    shop_id: Mapped[int | None]
    shop_domain: Mapped[str]
    # Shopify repeats deliveries: the delivery's id makes a request exist once. ``app:…``: the merchant asked.
    webhook_id: Mapped[str]
    kind: Mapped[str]
    customer_gid: Mapped[str | None]
    subject: Mapped[dict[str, object] | None]
    state: Mapped[str] = mapped_column(server_default=text("'received'"))
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    # Rows per table before and after: ``{"tables": {name: {"before": 3, "after": 0}}}``. Counts, never contents.
    result: Mapped[dict[str, object] | None]
    archive_bytes: Mapped[int | None]
    archive_until: Mapped[datetime | None]
    # Of the archive, and gone when it was shown.
    passphrase: Mapped[bytes | None]


class PrivacyArchive(Tenant, Base):
    """A piece of the encrypted archive that answers a data request."""

    __tablename__ = "privacy_archives"
    # Encrypted, but about a person all the same.
    personal_data: ClassVar[tuple[str, ...]] = ("body",)

    request_id: Mapped[int] = mapped_column(
        ForeignKey("privacy_requests.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[bytes]
