"""Rows as they are handed out whole: pages of a table by Shopify's ids, each row one JSON object.

PostgreSQL makes the JSON: a page is text from the table to the caller. The order is that of the unique index over shop
and gid that every such table has. A page has a version, by which a copy of it is known to be as good as the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId


@dataclass(frozen=True, slots=True)
class Part:
    """Rows inside a row. ``belongs`` compares the part's row ``c`` with its owner's ``t``."""

    table: str
    belongs: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Stored:
    """A table to hand out. ``columns`` are SQL, the gid among them; ``:currency`` is the shop's.

    ``person`` tells the people apart whom the rows are about, None when they are about nobody.
    """

    table: str
    columns: tuple[str, ...]
    person: str | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of a row's values, in order."""
        return (*(column.rsplit(" AS ", 1)[-1] for column in self.columns), *self.parts)

    @cached_property
    def page(self) -> TextClause:
        """Gid and JSON of the rows after a gid."""
        parts = (
            f"(SELECT coalesce(json_agg(row_to_json(p)), '[]') FROM (SELECT {', '.join(part.columns)} "
            f"FROM {part.table} c WHERE c.shop_id = t.shop_id AND {part.belongs} ORDER BY c.id) p) AS {name}"
            for name, part in self.parts.items()
        )
        return text(
            f"SELECT r.gid, row_to_json(r)::text AS json FROM (SELECT {', '.join((*self.columns, *parts))} "
            f"FROM {self.table} t WHERE t.shop_id = :shop_id AND t.gid > :after "
            "ORDER BY t.gid LIMIT :limit) r ORDER BY r.gid"
        )

    @cached_property
    def version(self) -> TextClause:
        """What `version_of` asks: a row's id and the transaction that wrote it last are another after every write."""
        parts = (
            f"(SELECT string_agg(concat(c.id, '.', c.xmin), ' ' ORDER BY c.id) FROM {part.table} c "
            f"WHERE c.shop_id = t.shop_id AND {part.belongs})"
            for part in self.parts.values()
        )
        return text(
            "SELECT md5(string_agg(r.version, ',' ORDER BY r.gid)) AS digest, count(*) AS rows "
            f"FROM (SELECT t.gid, concat_ws('|', {', '.join(('t.id', 't.xmin', *parts))}) AS version "
            f"FROM {self.table} t WHERE t.shop_id = :shop_id AND t.gid > :after "
            "ORDER BY t.gid LIMIT :limit) r"
        )


class Row(NamedTuple):
    """A row: Shopify's id of it, and all of it as a JSON object."""

    gid: str
    json: str


class Version(NamedTuple):
    """A page's version, and how many rows it has."""

    digest: str
    rows: int


def read_page(
    session: Session, shop_id: ShopId, stored: Stored, *, currency: str, after: str, limit: int
) -> list[Row]:
    """Up to ``limit`` rows whose gid comes after ``after`` (empty: from the first on)."""
    values = {"shop_id": shop_id, "after": after, "limit": limit}
    if any(":currency" in column for column in stored.columns):
        values["currency"] = currency
    return [Row(row.gid, row.json) for row in session.execute(stored.page, values)]


def version_of(session: Session, shop_id: ShopId, stored: Stored, *, after: str, limit: int) -> Version:
    """The version of that page. Two equal ones have the same rows; every committed write makes another."""
    values = {"shop_id": shop_id, "after": after, "limit": limit}
    found = session.execute(stored.version, values).one()
    return Version(found.digest or "", found.rows)


def count_people(session: Session, shop_id: ShopId, stored: Stored) -> int:
    """How many people all rows together are about."""
    if stored.person is None:
        return 0
    query = text(f"SELECT count(DISTINCT {stored.person}) FROM {stored.table} WHERE shop_id = :shop_id")
    return session.scalar(query, {"shop_id": shop_id}) or 0
