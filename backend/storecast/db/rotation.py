"""Re-encryption of every sealed column under the newest key, while the app runs.

Rows are read in batches without a lock and each is written by one statement that only matches the ciphertext that was
read: whoever wrote the row in between, such as a renewal of a token, has sealed it anew and keeps it. A run that was
killed is simply run again. What opens under no known key is counted and left as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect, select, tuple_, update
from sqlalchemy.orm import Session

from storecast.db.base import Base
from storecast.kit.sealing import SealedColumns, Sealer

BATCH = 200
"""Rows a transaction: about 50 ms of cryptography, so that a row's writers wait less than that."""

UnitOfWork = Callable[[], AbstractContextManager[Session]]


@dataclass(slots=True)
class ColumnReport:
    """Ciphertexts of one column by the key that opens them, before and after."""

    table: str
    column: str
    newest: int = 0
    old: int = 0
    unknown: list[str] = field(default_factory=list)
    """Primary keys of rows that no known key opens."""
    rotated: int = 0
    overtaken: int = 0
    """Written anew by somebody else meanwhile."""

    @property
    def left(self) -> int:
        """How many still need an old key."""
        return self.old - self.rotated - self.overtaken


def sealed_models(base: type[Base]) -> list[tuple[type[Base], SealedColumns]]:
    """Every model that declares sealed columns, by table name."""
    models = [mapper.class_ for mapper in base.registry.mappers if hasattr(mapper.class_, "sealed")]
    return [(model, model.sealed) for model in sorted(models, key=lambda model: model.__tablename__)]


def rotate(
    unit_of_work: UnitOfWork,
    base: type[Base],
    secrets: Sequence[str],
    *,
    dry_run: bool = False,
    batch: int = BATCH,
) -> Iterator[ColumnReport]:
    """Rotate every sealed column under the first of the secrets; a report for each. Needs to see all shops."""
    for model, sealed in sealed_models(base):
        sealer = Sealer(secrets, sealed.purpose)
        for column in sealed.columns:
            report = ColumnReport(model.__tablename__, column)
            after: tuple[Any, ...] = ()
            while True:
                with unit_of_work() as session:
                    rows = _page(session, model, column, after, batch)
                    _rotate_page(session, model, column, sealer, rows, report, dry_run=dry_run)
                if len(rows) < batch:
                    break
                after = rows[-1][:-1]
            yield report


def _page(
    session: Session, model: type[Base], column: str, after: tuple[Any, ...], batch: int
) -> list[tuple[Any, ...]]:
    """The next rows in the order of the primary key: the key, then the ciphertext."""
    key = inspect(model).primary_key
    query = select(*key, getattr(model, column)).where(getattr(model, column).is_not(None))
    if after:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [tuple(row) for row in session.execute(query.order_by(*key).limit(batch))]


def _rotate_page(
    session: Session,
    model: type[Base],
    column: str,
    sealer: Sealer,
    rows: Sequence[tuple[Any, ...]],
    report: ColumnReport,
    *,
    dry_run: bool,
) -> None:
    key = inspect(model).primary_key
    for row in rows:
        values, ciphertext = row[:-1], row[-1]
        number = sealer.key_of(ciphertext)
        if number is None:
            report.unknown.append(",".join(map(str, values)))
        elif number == 0:
            report.newest += 1
        else:
            report.old += 1
            if not dry_run:
                written = session.execute(
                    update(model)
                    .where(*(part == value for part, value in zip(key, values, strict=True)))
                    .where(getattr(model, column) == ciphertext)
                    .values({column: sealer.rotate(ciphertext)})
                    .returning(*key)
                    .execution_options(synchronize_session=False)
                ).first()
                if written is not None:
                    report.rotated += 1
                else:
                    report.overtaken += 1
