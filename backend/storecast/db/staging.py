"""Staging tables: rows arrive by binary COPY in a temporary table, one statement then carries them on.

COPY straight into a table under row-level security is refused by PostgreSQL, and it could not skip stale rows. The
table stays with its connection (to make five of them for a chunk takes as long as to COPY it), but is emptied at
commit, so that a pooled connection never carries one shop's rows to another's transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from psycopg import Connection as PsycopgConnection
from psycopg import sql
from psycopg.errors import UniqueViolation
from sqlalchemy import TextClause
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storecast.db.planning import planned

WORK_MEM = "32MB"
"""A chunk's sorts and hashes stay in memory; there are few of them at once."""

ATTEMPTS = 5
"""Each one that is lost to another transaction finds that one's row the next time; so many losses are no accident."""


@dataclass(frozen=True, slots=True)
class Staging:
    """A staging table: its name and its columns with their PostgreSQL types, in the order of a row.

    Of rows that agree in all of ``key`` the one with the highest ``version`` is kept, of equal ones the last. Without
    a key rows are passed on one by one as they come, however many.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...] = ()
    version: str | None = None

    def fill(self, session: Session, rows: Iterable[Sequence[Any]]) -> int:
        """Make the table hold exactly these rows, one for each key; returns how many it holds."""
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
            for column, kind in self.columns.items()
        )
        connection = raw_connection(session)
        count = 0
        with connection.cursor() as cursor:
            table = sql.Identifier(self.name)
            create = "CREATE TEMPORARY TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS"
            cursor.execute(sql.SQL(create).format(table, columns))
            if cursor.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(table)).rowcount:
                cursor.execute(sql.SQL("TRUNCATE {}").format(table))
            names = sql.SQL(", ").join(sql.Identifier(column) for column in self.columns)
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, names)
            # The rows are not held: twenty thousand live tuples keep the garbage collector busy.
            key = itemgetter(*map(list(self.columns).index, self.key)) if self.key else None
            keys = set()
            with cursor.copy(statement) as copy:
                copy.set_types(list(self.columns.values()))
                write_row = copy.write_row
                for count, row in enumerate(rows, 1):  # noqa: B007  # how many there were
                    write_row(row)
                    if key is not None:
                        keys.add(key(row))
            if key is not None and len(keys) < count:
                cursor.execute(self._drop_older())
                return len(keys)
        return count

    def _drop_older(self) -> sql.Composed:
        """Of rows with one key leave the newest: a new table's rows lie in the order in which they came."""
        table, keys = sql.Identifier(self.name), sql.SQL(", ").join(map(sql.Identifier, self.key))
        newest = [sql.SQL("{} DESC").format(sql.Identifier(self.version))] if self.version else []
        return sql.SQL(
            "DELETE FROM {} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ("
            "SELECT ctid, row_number() OVER (PARTITION BY {} ORDER BY {}) AS place FROM {}) AS placed WHERE place > 1))"
        ).format(table, keys, sql.SQL(", ").join([*newest, sql.SQL("ctid DESC")]), table)

    def values(self) -> str:
        """A FROM item of the same shape for a single row given as bound parameters named like the columns."""
        fields = ", ".join(f"CAST(:{column} AS {kind}) AS {column}" for column, kind in self.columns.items())
        return f"(SELECT {fields})"


@dataclass(frozen=True, slots=True)
class Upsert:
    """How reports go into a table: as new rows, or as changes of rows that they are about and differ from.

    ``inserted`` are a new row's columns as SQL over the source, ``changed`` those of a known one, in which ``EXCLUDED``
    is the row that would have been inserted and the table's name the stored one; so in ``guard``, without which a
    stored row stays. ``touched`` tables have ``updated_at``. A row that would stay the same is not written: no lock,
    no new version of it, nothing to vacuum. ``returned`` are expressions by name over a written row, beside its ``id``.
    """

    table: str
    inserted: Mapping[str, str]
    changed: Mapping[str, str]
    guard: str = "true"
    key: tuple[str, ...] = ("gid",)
    touched: bool = True
    returned: Mapping[str, str] = field(default_factory=dict)

    def few(self, source: str) -> str:
        """``INSERT … ON CONFLICT`` of a FROM clause: it never loses a race, whatever else writes these rows."""
        return (
            f"INSERT INTO {self.table} (shop_id, {', '.join(self.inserted)}) {self._offered(source, 'shop_id')} "
            f"ON CONFLICT (shop_id, {', '.join(self.key)}) DO UPDATE SET {self._changes} WHERE {self._differs}"
        )

    def many(self, staging: Staging, joined: str = "", *, also: str = "") -> str:
        """The same for a staging table, ``newest``, whose keys differ, for `carry_on`; selects how many rows it wrote.

        What is stored is looked up first. Rows that stay as they are cost no more than that, and new ones two thirds of
        what ``ON CONFLICT`` takes. ``joined`` goes on with the FROM clause; ``also`` is a further part of the
        statement, and sees what is ``returned`` of all ``written``.
        """
        columns = ", ".join(self.inserted)
        into = f"INSERT INTO {self.table} (shop_id, {columns}) SELECT :shop_id, {columns} FROM found"
        return f"""
        WITH found AS MATERIALIZED (
          SELECT excluded.*, {self.table}.id IS NULL AS is_new
          FROM ({self._offered(f"{staging.name} AS newest {joined}")}) AS excluded
          LEFT JOIN {self._stored(staging)}
          WHERE {self.table}.id IS NULL OR ({self._differs})
        ), added AS (
          {into} WHERE is_new RETURNING {self.returning}
        ), changed AS (
          {into} WHERE NOT is_new
          ON CONFLICT (shop_id, {", ".join(self.key)}) DO UPDATE SET {self._changes} WHERE {self._differs}
          RETURNING {self.returning}
        ), written AS (
          SELECT * FROM added UNION ALL SELECT * FROM changed
        ){f", {also}" if also else ""}
        SELECT count(*) FROM written
        """

    def _stored(self, staging: Staging) -> str:
        rows = stored(self.table, {column: f"SELECT {column} FROM {staging.name}" for column in self.key})
        return f"{rows} ON " + " AND ".join(f"{self.table}.{each} = excluded.{each}" for each in self.key)

    def _offered(self, source: str, *before: str) -> str:
        fields = [f":{column}" for column in before]
        fields += [f"{value} AS {column}" for column, value in self.inserted.items()]
        return f"SELECT {', '.join(fields)} FROM {source}"

    @property
    def returning(self) -> str:
        """What follows the word."""
        return ", ".join(["id", *(f"{value} AS {name}" for name, value in self.returned.items())])

    @property
    def _changes(self) -> str:
        values = [f"{column} = {value}" for column, value in self.changed.items()]
        return ", ".join([*values, "updated_at = now()"] if self.touched else values)

    @property
    def _differs(self) -> str:
        stored = ", ".join(f"{self.table}.{column}" for column in self.changed)
        return f"({self.guard}) AND ({stored}) IS DISTINCT FROM ({', '.join(self.changed.values())})"


def carry_on(session: Session, statement: TextClause, values: Mapping[str, Any]) -> int:
    """Run the statement of `Upsert.many`; returns the rows written.

    It looks once whether a row is there. Another transaction's insert that comes between makes it fail with a unique
    violation, and is found by the next attempt.
    """
    connection = session.connection()
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            with connection.begin_nested():
                written: int = connection.execute(statement, values).scalar_one()
                return written
        except IntegrityError as error:
            if not (attempts_left and isinstance(error.orig, UniqueViolation)):
                raise
    raise AssertionError("unreachable")


def stored(table: str, keys: Mapping[str, str]) -> str:
    """A FROM item named like the table: the shop's rows whose columns are each among what a SELECT finds.

    It is one walk through the index over these columns, past what stands between the keys (PostgreSQL 17 on; earlier
    ones look each key up), and half of what a join that looks up row by row takes. A planner that thinks a shop's rows
    few (it is new, or the table was empty a minute ago) takes any index over shops, and would read all of the shop:
    without sorting (see `probing`) only that index has the order.
    """
    among = " AND ".join(f"{column} = ANY (ARRAY({found}))" for column, found in keys.items())
    order = ", ".join(("shop_id", *keys))
    return (
        f"(SELECT * FROM {table} WHERE shop_id = :shop_id AND {among} ORDER BY {order} OFFSET 0) AS {table}"
    )


def look_up(table: str, keys: Mapping[str, str]) -> str:
    """A join with the row of the shop whose columns have these values, nulls where there is none; for single rows.

    It goes by the index over these columns, see `stored`: BETWEEN keeps the order from being a matter of course.
    """
    found = " AND ".join(f"{table}.{column} BETWEEN {value} AND {value}" for column, value in keys.items())
    order = ", ".join(f"{table}.{column}" for column in keys)
    return (
        f"LEFT JOIN LATERAL (SELECT * FROM {table} WHERE {table}.shop_id = :shop_id AND {found} "
        f"ORDER BY {order} LIMIT 1) AS {table} ON true"
    )


_PROBING = {
    "enable_mergejoin": "off",
    "enable_nestloop": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_incremental_sort": "off",
    "work_mem": WORK_MEM,
}


@contextmanager
def probing(session: Session) -> Iterator[None]:
    """Inside, rows of a staging table find the others by index, and are joined with them by hash.

    A chunk is small beside the tables that it goes into, so that reading one of these whole costs ever more a row, and
    large enough for a loop over it to take forever. The planner cannot know either: to ANALYZE every chunk for it takes
    as long as to COPY the chunk.
    """
    with planned(session, _PROBING):
        yield


def raw_connection(session: Session) -> PsycopgConnection[Any]:
    """The psycopg connection under the session's transaction."""
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, PsycopgConnection):
        raise TypeError("the session is not on psycopg")
    return connection
