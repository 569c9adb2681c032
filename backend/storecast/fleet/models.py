"""The table of processes: one row each, written over by its heartbeat."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from storecast.db.base import Base


class FleetProcess(Base):
    __tablename__ = "fleet_processes"
    __table_args__ = (CheckConstraint("kind in ('api', 'edge', 'relay', 'worker', 'beat')", name="kind"),)
    personal_data: ClassVar[tuple[str, ...]] = ()

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int] = mapped_column(Integer)
    queues: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    slots: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    busy: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rss_bytes: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[str] = mapped_column(server_default=text("''"))
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    # Jobs finished since the process started.
    done: Mapped[int] = mapped_column(server_default=text("0"))
