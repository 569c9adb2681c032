"""Reads that are written once and run for most requests, past SQLAlchemy's execution of statements.

A page of fifty rows takes it four times as long as the driver beneath. The statement is still SQLAlchemy's, the
transaction the session's, and errors are the ones that SQLAlchemy would raise; rows are named tuples.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_DIALECT: Dialect = dialect.dialect()  # type: ignore[no-untyped-call]


class Reading:
    """A statement whose parameters are all named: what is written into it is the same for every call."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement

    @cached_property
    def _written(self) -> tuple[str, dict[str, Any]]:
        compiled = self._statement.compile(dialect=_DIALECT)
        return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}

    def rows(self, session: Session, values: Mapping[str, Any]) -> list[Any]:
        """The rows, in the session's transaction, after what is not written of it yet."""
        session.flush()
        return self.rows_by(session.connection(), values)

    def rows_by(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows by a connection."""
        text, constants = self._written
        raw: Any = connection.connection.dbapi_connection
        try:
            with raw.cursor(row_factory=namedtuple_row) as cursor:
                found: list[Any] = cursor.execute(text, {**constants, **values}).fetchall()
        except psycopg.Error as error:
            raise DBAPIError.instance(text, None, error, psycopg.Error, hide_parameters=True) from error
        return found
