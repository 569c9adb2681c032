"""The people who have opened the app of a shop."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Tenant, Timestamps


class ShopMember(Tenant, Timestamps, Base):
    """A member of the shop's staff; ``shopify_user_id`` is the ``sub`` of an ID token."""

    __tablename__ = "shop_members"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'admin', 'marketer', 'viewer', 'operator')", name="role"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("shopify_user_id", "email", "name")

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    shopify_user_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    last_seen_at: Mapped[datetime]


class IdempotencyKey(Tenant, Base):
    """The answer to a creating call that named a key, kept to be given again; ``status`` is null while it is made."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
    personal_data: ClassVar[tuple[str, ...]] = ("caller",)

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    caller: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[bytes | None]
    created_at: Mapped[datetime]
