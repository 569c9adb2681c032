"""The table of segments: a named rule tree with the member count it had when last counted."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, Timestamps


class Segment(Tenant, Timestamps, Base):
    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("public_id", name="uq_segments_public_id"),
        Index("ix_segments_shop_id_name", "shop_id", text("lower(name)"), unique=True),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str]
    name: Mapped[str]
    rules: Mapped[dict[str, object]]
    member_count: Mapped[int | None]
    counted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
