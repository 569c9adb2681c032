"""The inbox: one durable row per delivery, written before the 2xx; and what they have told of objects."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant
from storecast.kit.sealing import SealedColumns


class InboxEntry(Base):
    """A webhook as it arrived. ``webhook_id`` is unique per delivery and the same on Shopify's retries.

    The drain writes what the edge has no time for: the object that the delivery is about (``object_gid``), and what
    became of it (``outcome``): applied, stale (something newer was known), gone (its object was deleted before) or
    unhandled (nobody takes the topic).
    """

    __tablename__ = "webhook_inbox"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'dead')", name="state"),
        CheckConstraint("outcome IN ('applied', 'stale', 'gone', 'unhandled')", name="outcome"),
        Index("ix_webhook_inbox_pending", "shop_id", "id", postgresql_where=text("state = 'pending'")),
        Index("ix_webhook_inbox_event_id", "event_id"),
        Index("ix_webhook_inbox_received_at", "shop_id", "received_at"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("body", "object_gid")

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
    object_gid: Mapped[str | None]
    outcome: Mapped[str | None]
    replayed_at: Mapped[datetime | None]


class ObjectMark(Tenant, Base):
    """The newest report on one aspect of one object that was applied; by it a later, older one is known as stale.

    The aspect ``gone`` says that Shopify deleted the object, for good: ids are never given out again. ``heir_gid`` is
    the customer that it was merged into.
    """

    __tablename__ = "webhook_marks"
    __table_args__ = (Index("ix_webhook_marks_noted_at", "noted_at"),)
    personal_data: ClassVar[tuple[str, ...]] = ("gid", "aspect", "heir_gid")

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    gid: Mapped[str] = mapped_column(primary_key=True)
    aspect: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    triggered_at: Mapped[datetime | None]
    heir_gid: Mapped[str | None]
    noted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ErasedObject(Tenant, Base):
    """A tombstone: somebody who was erased, or what was theirs, as a digest under the shop's `ErasureKey`.

    It says nothing of a person: ids are numbers in a row, which is why a digest without a key would not do.
    """

    __tablename__ = "erased_objects"
    personal_data: ClassVar[tuple[str, ...]] = ()

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ErasureKey(Tenant, Base):
    """The key of a shop's tombstones, sealed: whoever reads the database alone cannot try out ids."""

    __tablename__ = "erasure_keys"
    personal_data: ClassVar[tuple[str, ...]] = ()
    sealed: ClassVar[SealedColumns] = SealedColumns("erasure-key", ("key",))

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[bytes]


class MissedCount(Tenant, Base):
    """How many changed objects polling found on a day (UTC), and how many of these no delivery had told of."""

    __tablename__ = "webhook_misses"
    personal_data: ClassVar[tuple[str, ...]] = ()

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    family: Mapped[str] = mapped_column(primary_key=True)
    polled: Mapped[int]
    missed: Mapped[int]
