"""The table of suggested segments: a group of a shop's buyers as it was when last found.

A shop has a rule tree only once here. Suggestions that became a segment stay, so that nobody makes a second of them.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Id, Tenant


class MicroSegment(Tenant, Base):
    """One group; ``segment_id`` is the segment that it was saved as, until that is deleted."""

    __tablename__ = "micro_segments"
    __table_args__ = (
        UniqueConstraint("public_id", name="uq_micro_segments_public_id"),
        Index("ix_micro_segments_shop_id_rules", "shop_id", text("md5(rules::text)"), unique=True),
        # Deleting a segment looks for who points at it.
        Index("ix_micro_segments_segment_id", "segment_id"),
    )
    # Sums and means over at least a handful of people, and rules that name none.
    personal_data: ClassVar[tuple[str, ...]] = ()

    id: Mapped[Id]
    public_id: Mapped[str]
    label: Mapped[str]
    number: Mapped[int] = mapped_column(SmallInteger)
    rules: Mapped[dict[str, object]]
    customers: Mapped[int]
    facts: Mapped[dict[str, object]]
    found_at: Mapped[datetime]
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segments.id", ondelete="SET NULL"))
