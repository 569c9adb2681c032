"""Segments with the sizes they had, and lists of customers that were uploaded."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant, TenantRow, Timestamps


class Segment(Tenant, Timestamps, Base):
    """A named rule tree with the member count it had when it was last counted."""

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


class SegmentSize(Tenant, Base):
    """How many members a segment had at the last count of a day, in the shop's calendar."""

    __tablename__ = "segment_sizes"
    personal_data: ClassVar[tuple[str, ...]] = ()

    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    member_count: Mapped[int]


class CustomerList(Tenant, Timestamps, Base):
    """A list of customers that was uploaded: how many rows it had, and what became of them."""

    __tablename__ = "customer_lists"
    __table_args__ = (
        UniqueConstraint("public_id", name="uq_customer_lists_public_id"),
        Index("ix_customer_lists_shop_id_name", "shop_id", text("lower(name)"), unique=True),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str]
    name: Mapped[str]
    row_count: Mapped[int]
    member_count: Mapped[int]
    refused_count: Mapped[int]


class CustomerListMember(TenantRow, Base):
    """A customer of an uploaded list."""

    __tablename__ = "customer_list_members"
    __table_args__ = (Index("ix_customer_list_members_customer_id", "customer_id"),)
    personal_data: ClassVar[tuple[str, ...]] = ("list_id",)

    list_id: Mapped[int] = mapped_column(
        ForeignKey("customer_lists.id", ondelete="CASCADE"), primary_key=True
    )
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)


class CustomerListRefusal(TenantRow, Base):
    """A row of an uploaded file that was refused. What it said is not kept: the file is the merchant's."""

    __tablename__ = "customer_list_refusals"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('encoding', 'unreadable', 'empty', 'broken_address', 'unknown_customer', 'duplicate')",
            name="reason",
        ),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    list_id: Mapped[int] = mapped_column(
        ForeignKey("customer_lists.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    reason: Mapped[str]
