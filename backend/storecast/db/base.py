"""The declarative base: naming convention, column types and the mixins that every table is made of."""

from datetime import datetime
from typing import Annotated, ClassVar

from sqlalchemy import ARRAY, BigInteger, DateTime, ForeignKey, Identity, LargeBinary, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
"""The internal key of a table: never shown, never reused."""

Json = dict[str, object]


class Base(DeclarativeBase):
    """Root of every model; ``personal_data`` names the columns that say something about a person."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        str: Text,
        int: BigInteger,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text),
        dict: JSONB,
        dict[str, object]: JSONB,
        list[object]: JSONB,
    }
    personal_data: ClassVar[tuple[str, ...]] = ()


class Tenant:
    """A row that belongs to one shop; row-level security is switched on for every table with this mixin."""

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))


class TenantRow:
    """The same for tables that grow by the million: no foreign key to the shop.

    Its check is a third of what inserting a row costs (6 of 19 µs of an order's line). Row-level security ties the row
    to a shop all the same, and a shop's rows are erased table by table, never by a cascade.
    """

    shop_id: Mapped[int]


class Timestamps:
    """When the row was made and last changed, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
