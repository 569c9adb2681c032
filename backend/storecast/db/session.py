"""Engines and sessions: one engine per role and process, one transaction per unit of work.

`tenant_session`, `platform_session` and `finish` are, with the raw ledger statements of `worker`, the only places that
commit. The tenant is set with SET LOCAL semantics at the start of each transaction, so that a pooled connection
never carries it over.
"""

import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar

import psycopg
from psycopg import pq
from psycopg.errors import DeadlockDetected
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

from storecast.config.settings import get_settings
from storecast.db.reading import Reading
from storecast.db.roles import TENANT_SETTING, Role
from storecast.kit.types import ShopId

T = TypeVar("T")

POOL_SIZE = 5
MAX_OVERFLOW = 15
"""FastAPI runs sync routes in up to 40 threads; more than 20 at work in one database at once only queue there."""

LOOKS = 5
"""Connections for `look`: each is in use for a fraction of a millisecond, and a process with more would only queue."""

IDLE_UNASKED_S = 30.0
"""A connection that rested for longer is asked whether it still leads anywhere: firewalls forget without a word."""

STATEMENT_TIMEOUT_MS = 60_000
"""A statement that runs longer holds locks that others wait for; bulk work comes in chunks well under this."""


def sqlalchemy_url(database_url: str) -> str:
    """The URL with psycopg 3 as its driver, whatever driver it names."""
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def make_engine(database_url: str, role: Role | None, **options: Any) -> Engine:
    """An engine whose connections run as ``role`` (None: the login itself, for migrations)."""
    # Statements here are short: to compile one that counts into fifty buckets takes longer than it runs.
    settings = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC -c jit=off"
    if role is not None:
        settings += f" -c role={role.value}"
    made = create_engine(
        sqlalchemy_url(database_url),
        connect_args={
            "options": settings,
            "connect_timeout": 5,
            "application_name": f"storecast {role or 'owner'}",
        },
        # An error's text ends in logs and in the history of jobs; what people are called does not belong there.
        hide_parameters=True,
        json_deserializer=_loads,
        **{"pool_size": POOL_SIZE, "max_overflow": MAX_OVERFLOW, **options},
    )
    _refuse_dead(made)
    return made


def _loads(raw: bytes) -> Any:
    """A JSON column's value; most are empty, and PostgreSQL writes none but UTF-8."""
    return {} if raw == b"{}" else json.loads(raw.decode())


def _refuse_dead(made: Engine) -> None:
    """Hand out no connection whose server is gone, without asking the server each time: that is a round trip.

    The end of a connection makes its socket readable, as does nothing else while it rests (but for a notice of changed
    settings, and then a new connection is no harm).
    """

    @event.listens_for(made, "checkin")
    def note(_connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info["rests_since"] = time.monotonic()

    @event.listens_for(made, "checkout")
    def refuse(connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
        rests_since = entry.info.get("rests_since")
        if rests_since is None:
            return
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        if poll.poll(0):
            raise DisconnectionError("the server has closed the connection")
        if time.monotonic() - rests_since > IDLE_UNASKED_S:
            try:
                made.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise DisconnectionError("the server does not answer") from error


_making = Lock()
# A child that is forked while another thread makes an engine would wait for that thread, which it does not have.
os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release)


def engine(role: Role) -> Engine:
    """This process's engine for a role; one, also when two threads ask first at the same time."""
    with _making:
        return _engine(role)


@lru_cache(maxsize=len(Role))
def _engine(role: Role) -> Engine:
    return make_engine(get_settings().database_url, role)


@lru_cache(maxsize=1)
def _looking() -> Engine:
    return make_engine(
        get_settings().database_url,
        Role.PLATFORM,
        isolation_level="AUTOCOMMIT",
        pool_size=LOOKS,
        max_overflow=0,
        pool_reset_on_return=None,
    )


def close_engines() -> None:
    """Close every connection and forget the engines: the next ones follow the settings of then."""
    with _making:
        if _engine.cache_info().currsize:
            for role in Role:
                _engine(role).dispose()
        if _looking.cache_info().currsize:
            _looking().dispose()
        _engine.cache_clear()
        _looking.cache_clear()


def dispose_engines() -> None:
    """Forget every pooled connection: after a fork they belong to the parent."""
    for role in Role:
        engine(role).dispose(close=False)
    with _making:
        _looking().dispose(close=False)


def look(reading: Reading, values: dict[str, Any]) -> Any | None:
    """The first row of one read across shops, in one round trip: no transaction around it, nothing to commit."""
    with _making:
        looking = _looking()
    with looking.connect() as connection:
        return next(iter(reading.rows_by(connection, values)), None)


class _TenantSession(Session):
    """A session of one shop. The rule is the class's: to give it to each session takes longer than a small query."""


def enter_tenant(session: Session, shop_id: ShopId) -> None:
    """Make every transaction of the session see the rows of one shop only."""
    session.info["shop_id"] = shop_id
    if not isinstance(session, _TenantSession):
        event.listen(session, "after_begin", _set_tenant)


@event.listens_for(_TenantSession, "after_begin")
def _set_tenant(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    shop_id = session.info["shop_id"]
    # A savepoint has the settings of the transaction around it.
    if not transaction.nested and not _begun_in(connection, shop_id):
        connection.execute(
            text("SELECT set_config(:setting, :shop_id, true)"),
            {"setting": TENANT_SETTING, "shop_id": str(shop_id)},
        )


def _begun_in(connection: Connection, shop_id: ShopId) -> bool:
    """Begin the transaction and set its tenant in one round trip; False when it has begun, or the server refuses."""
    raw: Any = connection.connection.dbapi_connection
    if raw.info.transaction_status != pq.TransactionStatus.IDLE:
        return False
    begun = raw.pgconn.exec_(f"BEGIN; SET LOCAL {TENANT_SETTING} = '{int(shop_id)}'".encode())
    return bool(begun.status == pq.ExecStatus.COMMAND_OK)


def open_tenant(shop_id: ShopId) -> Session:
    """A session inside a shop that asks the database for nothing yet; `finish` or `abandon` ends it."""
    session = _TenantSession(engine(Role.APP), expire_on_commit=False)
    enter_tenant(session, shop_id)
    return session


def open_platform() -> Session:
    """The same across shops."""
    return Session(engine(Role.PLATFORM), expire_on_commit=False)


def finish(session: Session) -> None:
    """Commit and give the connection back; on an error nothing is changed."""
    try:
        session.commit()
    except BaseException:
        abandon(session)
        raise
    session.close()


def abandon(session: Session) -> None:
    """Take everything back and give the connection back."""
    try:
        session.rollback()
    finally:
        session.close()


@contextmanager
def _unit_of_work(session: Session) -> Iterator[Session]:
    try:
        yield session
    except BaseException:
        abandon(session)
        raise
    finish(session)


def commit_without_waiting(session: Session) -> None:
    """Let this transaction's commit not wait for the disk: for what can be read again from where it came.

    A crash of the database may lose it (PostgreSQL 18, "Asynchronous Commit"), never something of it, and then all
    that was committed after it too: a later note that it is done, which does wait, is only there when it is.
    """
    session.execute(text("SET LOCAL synchronous_commit = off"))


DEADLOCKS = 5
"""Each time one of those that wait for each other gets through, so that so many in a row are no accident."""


def past_deadlocks(work: Callable[[], T]) -> T:
    """What comes of a transaction, which is begun anew when it and others have waited for each other in a circle.

    PostgreSQL ends one of them with an error, and nothing of it is left.
    """
    for attempts_left in reversed(range(DEADLOCKS)):
        try:
            return work()
        except (OperationalError, DeadlockDetected) as error:
            cause = error.orig if isinstance(error, OperationalError) else error
            if not (attempts_left and isinstance(cause, DeadlockDetected)):
                raise
    raise AssertionError("unreachable")


@contextmanager
def tenant_session(shop_id: ShopId) -> Iterator[Session]:
    """One transaction inside a shop: commits on success, rolls back on any error."""
    with _unit_of_work(open_tenant(shop_id)) as session:
        yield session


@contextmanager
def platform_session() -> Iterator[Session]:
    """One transaction across shops, for installation, schedules and the operators' console."""
    with _unit_of_work(open_platform()) as session:
        yield session


@contextmanager
def retention_session() -> Iterator[Session]:
    """One transaction of the role that may only delete what is past its time."""
    with _unit_of_work(Session(engine(Role.RETENTION), expire_on_commit=False)) as session:
        yield session
