"""Engines and sessions: one engine per role and process, one transaction per unit of work.

`tenant_session` and `platform_session` are, with the raw ledger statements of `worker`, the only places that
commit. The tenant is set with SET LOCAL semantics at the start of each transaction, so that a pooled connection
never carries it over.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.db.roles import TENANT_SETTING, Role
from storecast.kit.types import ShopId

POOL_SIZE = 5
MAX_OVERFLOW = 15
"""FastAPI runs sync routes in up to 40 threads; more than 20 at work in one database at once only queue there."""

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
    return create_engine(
        sqlalchemy_url(database_url),
        connect_args={
            "options": settings,
            "connect_timeout": 5,
            "application_name": f"storecast {role or 'owner'}",
        },
        pool_pre_ping=True,
        # An error's text ends in logs and in the history of jobs; what people are called does not belong there.
        hide_parameters=True,
        **{"pool_size": POOL_SIZE, "max_overflow": MAX_OVERFLOW, **options},
    )


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


def close_engines() -> None:
    """Close every connection and forget the engines: the next ones follow the settings of then."""
    with _making:
        if _engine.cache_info().currsize:
            for role in Role:
                _engine(role).dispose()
        _engine.cache_clear()


def dispose_engines() -> None:
    """Forget every pooled connection: after a fork they belong to the parent."""
    for role in Role:
        engine(role).dispose(close=False)


def enter_tenant(session: Session, shop_id: ShopId) -> None:
    """Make every transaction of the session see the rows of one shop only."""
    session.info["shop_id"] = shop_id

    @event.listens_for(session, "after_begin")
    def set_tenant(_session: Session, _transaction: object, connection: Connection) -> None:
        connection.execute(
            text("SELECT set_config(:setting, :shop_id, true)"),
            {"setting": TENANT_SETTING, "shop_id": str(shop_id)},
        )


@contextmanager
def _unit_of_work(session: Session) -> Iterator[Session]:
    with session:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


@contextmanager
def tenant_session(shop_id: ShopId) -> Iterator[Session]:
    """One transaction inside a shop: commits on success, rolls back on any error."""
    session = Session(engine(Role.APP), expire_on_commit=False)
    enter_tenant(session, shop_id)
    with _unit_of_work(session):
        yield session


@contextmanager
def platform_session() -> Iterator[Session]:
    """One transaction across shops, for installation, schedules and the operators' console."""
    with _unit_of_work(Session(engine(Role.PLATFORM), expire_on_commit=False)) as session:
        yield session


@contextmanager
def retention_session() -> Iterator[Session]:
    """One transaction of the role that may only delete what is past its time."""
    with _unit_of_work(Session(engine(Role.RETENTION), expire_on_commit=False)) as session:
        yield session
