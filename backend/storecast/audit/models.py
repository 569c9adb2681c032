"""The audit log's table, and the log of who looked at people's data."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant


class AuditEntry(Base):
    """One action; ``hash`` covers the entry and the hash before it, so that a removed entry shows.

    Of the subject and the detail the chain covers a salted digest: a law may ask for what they say to be erased, and
    without the salt nobody can guess it back from the digest. An entry without a salt has been erased.
    """

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
    salt: Mapped[bytes | None]
    content_digest: Mapped[bytes]
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]


class PersonalDataAccess(Tenant, Base):
    """Somebody was shown data of people: who, which view, whose, and of how many.

    No chain and no lock: a list that is looked at costs one insert in the transaction that read it.
    """

    __tablename__ = "personal_data_access"
    __table_args__ = (
        Index("ix_personal_data_access_shop_id", "shop_id", "id"),
        {"postgresql_partition_by": "RANGE (at)"},
    )
    personal_data: ClassVar[tuple[str, ...]] = ("actor",)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True, server_default=text("now()"))
    shop_id: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str]
    # What was looked at: customers, recipients, export, payload.
    view: Mapped[str]
    # Ids of ours and of Shopify's only; never what people are called.
    subject: Mapped[str]
    people: Mapped[int] = mapped_column(Integer)
