"""The people who have opened the app of a shop, and the keys by which programs come in."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, Timestamps
from storecast.kit.sealing import SealedColumns


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
    # Shopify says so: whoever owns the store's account owns the app there, and no member can change that.
    account_owner: Mapped[bool] = mapped_column(server_default=text("false"))
    last_seen_at: Mapped[datetime]
    # Kept rather than deleted: Shopify would let the person in again, and they would be a new member.
    removed_at: Mapped[datetime | None]
    # Browser sessions that began before are over.
    signed_out_at: Mapped[datetime | None]


class ApiKey(Tenant, Base):
    """A program's way in. The secret is shown once and 256 random bits, so that its plain SHA-256 tells nothing."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("scopes <@ ARRAY['read', 'edit', 'send', 'operate', 'manage']", name="scopes"),
        CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
        Index("ix_api_keys_shop_id", "shop_id", "id"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("created_by",)

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    name: Mapped[str]
    scopes: Mapped[list[str]]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    rotated_from: Mapped[str | None]


class IdempotencyKey(Tenant, Base):
    """The answer to a creating call that named a key, kept to be given again; ``status`` is null while it is made."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
    personal_data: ClassVar[tuple[str, ...]] = ("caller",)
    # Some answers show a secret once.
    sealed: ClassVar[SealedColumns] = SealedColumns("idempotency-answers", ("answer",))

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    caller: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[bytes | None]
    created_at: Mapped[datetime]
