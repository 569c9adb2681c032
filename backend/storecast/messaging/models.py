"""Addresses that must not be written to, the shop's look, and the templates that it keeps."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, Timestamps


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


class BrandKit(Tenant, Timestamps, Base):
    """The look of one shop's messages; see `brand.Brand`."""

    __tablename__ = "brand_kits"
    __table_args__ = (CheckConstraint("font IN ('system', 'serif', 'rounded', 'mono')", name="font"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    accent: Mapped[str]
    background: Mapped[str]
    font: Mapped[str]
    logo_url: Mapped[str | None]
    address: Mapped[str | None]


class SavedTemplate(Tenant, Timestamps, Base):
    """A template that the shop keeps, or a block of one. ``version`` guards edits.

    ``html`` is what is sent; ``mjml`` is its source when it was written in MJML.
    """

    __tablename__ = "saved_templates"
    __table_args__ = (
        CheckConstraint("kind IN ('template', 'block')", name="kind"),
        Index("uq_saved_templates_name", "shop_id", "kind", text("lower(name)"), unique=True),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    preview_text: Mapped[str] = mapped_column(server_default="")
    html: Mapped[str]
    mjml: Mapped[str | None]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
