"""Shops and their tokens."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Timestamps
from storecast.kit.sealing import SealedColumns


class Shop(Timestamps, Base):
    """A tenant. The row outlives an uninstall, so that privacy topics and a reinstall find it."""

    __tablename__ = "shops"
    __table_args__ = (
        CheckConstraint("state IN ('installed', 'uninstalled', 'frozen', 'closed')", name="state"),
        CheckConstraint("pixel_state IN ('inactive', 'active', 'error')", name="pixel_state"),
        CheckConstraint("pixel_reason IN ('scopes_missing', 'not_deployed', 'refused')", name="pixel_reason"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ("email", "sender_name", "sender_email")

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str | None]
    currency: Mapped[str] = mapped_column(server_default="USD")
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    plan: Mapped[str | None]
    development_store: Mapped[bool] = mapped_column(server_default=text("false"))
    storefront_url: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="installed")
    # Since when Shopify does not serve a frozen or closed shop.
    unavailable_since: Mapped[datetime | None]
    scopes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    # When Shopify last changed them, by its own clock: notices overtake one another.
    scopes_changed_at: Mapped[datetime | None]
    # What the merchant wants; the state below says what is.
    pixel_wanted: Mapped[bool] = mapped_column(server_default=text("true"))
    pixel_gid: Mapped[str | None]
    pixel_key: Mapped[str] = mapped_column(unique=True)
    pixel_state: Mapped[str] = mapped_column(server_default="inactive")
    pixel_error: Mapped[str | None]
    pixel_reason: Mapped[str | None]
    pixel_checked_at: Mapped[datetime | None]
    sender_name: Mapped[str | None]
    sender_email: Mapped[str | None]
    # Whether files of contacts may ask for confirmation, and who subscribes again here has confirmed it.
    double_opt_in: Mapped[bool] = mapped_column(server_default=text("false"))
    click_window_days: Mapped[int] = mapped_column(server_default=text("5"))
    open_window_days: Mapped[int] = mapped_column(server_default=text("1"))
    installed_at: Mapped[datetime | None]
    uninstalled_at: Mapped[datetime | None]


class ShopToken(Base):
    """The encrypted offline token of a shop; both halves change in one commit."""

    __tablename__ = "shop_tokens"
    __table_args__ = (CheckConstraint("state IN ('valid', 'reauthorize')", name="state"),)
    personal_data: ClassVar[tuple[str, ...]] = ()
    sealed: ClassVar[SealedColumns] = SealedColumns("shop-tokens", ("access_token", "refresh_token"))

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    access_token: Mapped[bytes]
    refresh_token: Mapped[bytes | None]
    scopes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    expires_at: Mapped[datetime | None]
    refresh_expires_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    state: Mapped[str] = mapped_column(server_default="valid")
    lease_id: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
