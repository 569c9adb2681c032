"""The table of attributions: at most one credited message per order and model."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base, Tenant


class Attribution(Tenant, Base):
    """The credit of one order. The primary key is the promise that revenue is never counted twice."""

    __tablename__ = "attributions"
    __table_args__ = (
        CheckConstraint("kind in ('click', 'open', 'code')", name="kind"),
        CheckConstraint("amount_minor >= 0", name="amount_minor"),
        CheckConstraint("touch_at <= ordered_at", name="touch_at"),
        Index("ix_attributions_shop_id_campaign_id", "shop_id", "campaign_id", "ordered_at"),
        Index("ix_attributions_shop_id_ordered_at", "shop_id", "ordered_at"),
    )
    personal_data: ClassVar[tuple[str, ...]] = ()

    order_id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    campaign_id: Mapped[int]
    delivery_id: Mapped[int]
    customer_id: Mapped[int | None]
    kind: Mapped[str]
    touch_at: Mapped[datetime]
    ordered_at: Mapped[datetime]
    amount_minor: Mapped[int]
    currency: Mapped[str]
