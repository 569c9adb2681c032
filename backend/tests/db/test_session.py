"""Connections of the pool: one whose server is gone is never handed out, and no tenant is left on one."""

import psycopg
from sqlalchemy import bindparam, text

from storecast.db.reading import Reading
from storecast.db.roles import Role
from storecast.db.session import engine, look, platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops import selectables
from storecast.shops.models import Shop


def test_a_connection_that_ended_while_it_rested_is_replaced(database: str, shop: Shop) -> None:
    with platform_session() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(database, autocommit=True) as other:
        ended = other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone()
    assert ended == (True,)
    with platform_session() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != pid


def test_no_tenant_stays_on_a_connection(shop: Shop) -> None:
    setting = text("SELECT current_setting('storecast.shop_id', true)")
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalar(setting) == str(shop.id)
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with engine(Role.APP).connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) == pid
        assert connection.scalar(setting) in (None, "")


def test_a_look_sees_what_was_committed_a_moment_ago(shop: Shop) -> None:
    known = Reading(selectables.served(bindparam("now")))
    assert {row.domain for row in [look(known, {"now": utcnow()})] if row} == {shop.domain}
    with platform_session() as session:
        session.execute(text("UPDATE shops SET state = 'uninstalled'"))
    assert look(known, {"now": utcnow()}) is None
