"""Staging tables: rows arrive by binary COPY in a temporary table, one statement then carries them on.

COPY straight into a table under row-level security is refused by PostgreSQL, and it could not skip stale rows. The
table is dropped at commit, so that a pooled connection never carries one shop's rows to another's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection as PsycopgConnection
from psycopg import sql
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Staging:
    """A staging table: its name and its columns with their PostgreSQL types, in the order of a row."""

    name: str
    columns: Mapping[str, str]

    def fill(self, session: Session, rows: Iterable[Sequence[Any]]) -> int:
        """Make the table hold exactly these rows; returns how many there were."""
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
            for column, kind in self.columns.items()
        )
        connection = raw_connection(session)
        with connection.cursor() as cursor:
            table = sql.Identifier(self.name)
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(table))
            # The ordinal tells the later of two rows with one key.
            cursor.execute(
                sql.SQL(
                    "CREATE TEMPORARY TABLE {} (n bigint GENERATED ALWAYS AS IDENTITY, {}) ON COMMIT DROP"
                ).format(table, columns)
            )
            names = sql.SQL(", ").join(sql.Identifier(column) for column in self.columns)
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, names)
            count = 0
            with cursor.copy(statement) as copy:
                copy.set_types(list(self.columns.values()))
                for row in rows:
                    copy.write_row(row)
                    count += 1
            # Without statistics the planner takes a new table for a tiny one and loops over it.
            cursor.execute(sql.SQL("ANALYZE {}").format(table))
        return count

    def values(self) -> str:
        """A FROM item of the same shape for a single row given as bound parameters named like the columns."""
        fields = ", ".join(f"CAST(:{column} AS {kind}) AS {column}" for column, kind in self.columns.items())
        return f"(SELECT 0 AS n, {fields})"


def raw_connection(session: Session) -> PsycopgConnection[Any]:
    """The psycopg connection under the session's transaction."""
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, PsycopgConnection):
        raise TypeError("the session is not on psycopg")
    return connection
