"""Tokens at rest and their renewal: sealed to their shop, renewed by one process at a time, never lost halfway."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import ORMExecuteState, Session

from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shopify.errors import ShopifyUnreachable
from storecast.shopify.oauth import Grant, TokenEndpoint
from storecast.shops import repository, tokens
from storecast.shops.errors import ReauthorizationNeeded, TokenBusy
from storecast.shops.models import Shop, ShopToken
from storecast.shops.tokens import Sealed
from storecast.shops.unit_of_work import UnitOfWork
from tests.processes import wait_until
from tests.simulated_shopify import SHOP, SimulatedShopify, simulated_world


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


@pytest.fixture
def unit_of_work(shop_id: ShopId) -> UnitOfWork:
    return partial(tenant_session, shop_id)


def grant(*, expires_in_s: int | None, refresh_token: str | None = "shprt_1") -> Grant:  # noqa: S107 - nobody's token
    now = utcnow()
    expires_at = now + timedelta(seconds=expires_in_s) if expires_in_s is not None else None
    return Grant("shpat_1", refresh_token, ("read_orders",), expires_at, now + timedelta(days=90))


def put(shop_id: ShopId, given: Grant) -> None:
    with platform_session() as session:
        tokens.store(session, shop_id, given)


def state(shop_id: ShopId) -> tuple[str, bool]:
    with platform_session() as session:
        token = session.scalars(select(ShopToken).where(ShopToken.shop_id == shop_id)).one()
        return token.state, token.lease_until is not None


def test_a_ciphertext_opens_for_its_own_shop_alone() -> None:
    box = Sealed(["secret-one"])
    sealed = box.seal(ShopId(1), "shpat_1")
    assert box.open(ShopId(1), sealed) == "shpat_1"
    assert b"shpat" not in sealed
    with pytest.raises(ReauthorizationNeeded, match="another shop"):
        box.open(ShopId(2), sealed)


def test_keys_rotate() -> None:
    old, both, new = Sealed(["old"]), Sealed(["new", "old"]), Sealed(["new"])
    sealed = old.seal(ShopId(1), "shpat_1")
    assert both.open(ShopId(1), sealed) == "shpat_1"
    with pytest.raises(ReauthorizationNeeded):
        new.open(ShopId(1), sealed)
    assert new.open(ShopId(1), both.rotate(sealed)) == "shpat_1"


@pytest.mark.parametrize("expires_in_s", [None, 301, 3600])
def test_a_token_with_time_left_is_used_without_a_call(
    shop_id: ShopId, unit_of_work: UnitOfWork, expires_in_s: int | None
) -> None:
    put(shop_id, grant(expires_in_s=expires_in_s))
    assert tokens.access_token(unit_of_work, shop_id) == "shpat_1"


def test_a_token_that_somebody_else_renews_is_used_while_it_lasts(
    shop_id: ShopId, unit_of_work: UnitOfWork
) -> None:
    put(shop_id, grant(expires_in_s=60))
    with unit_of_work() as session:
        now = utcnow()
        assert repository.lease_token(session, shop_id, uuid4(), now=now, until=now + timedelta(seconds=30))
    assert tokens.access_token(unit_of_work, shop_id) == "shpat_1"

    with unit_of_work() as session:
        session.execute(update(ShopToken).values(expires_at=utcnow()))
    with pytest.raises(TokenBusy) as raised:
        tokens.access_token(unit_of_work, shop_id)
    assert raised.value.retry_after == 2.0


def test_while_shopify_is_away_nothing_is_lost_and_the_lease_is_given_back(
    shop_id: ShopId, unit_of_work: UnitOfWork
) -> None:
    put(shop_id, grant(expires_in_s=0))
    with pytest.raises(ShopifyUnreachable):
        tokens.access_token(unit_of_work, shop_id)
    assert state(shop_id) == ("valid", False)


def test_an_expired_token_without_a_refresh_token_asks_for_the_merchant(
    shop_id: ShopId, unit_of_work: UnitOfWork
) -> None:
    put(shop_id, grant(expires_in_s=0, refresh_token=None))
    with pytest.raises(ReauthorizationNeeded):
        tokens.access_token(unit_of_work, shop_id)
    assert state(shop_id) == ("reauthorize", False)


def test_a_lease_that_passed_to_another_writes_nothing(shop_id: ShopId, unit_of_work: UnitOfWork) -> None:
    put(shop_id, grant(expires_in_s=0))
    now, first, second = utcnow(), uuid4(), uuid4()
    with unit_of_work() as session:
        assert repository.lease_token(session, shop_id, first, now=now, until=now + timedelta(seconds=1))
    with unit_of_work() as session:
        later = now + timedelta(seconds=2)
        assert repository.lease_token(
            session, shop_id, second, now=later, until=later + timedelta(seconds=30)
        )
        assert not repository.end_lease(session, shop_id, first, {"state": "reauthorize"})
    assert state(shop_id) == ("valid", True)


@pytest.fixture
def shopify(database: str, tmp_path: Path) -> Iterator[SimulatedShopify]:
    with simulated_world(tmp_path) as simulator:
        yield simulator


@pytest.fixture
def real(shopify: SimulatedShopify) -> tuple[ShopId, UnitOfWork]:
    """An installed shop whose token has just expired."""
    from storecast.auth import id_tokens, service
    from storecast.config.settings import get_settings

    raw = shopify.id_token()
    principal = service.embedded_principal(id_tokens.verify(raw, get_settings().shopify, now=utcnow()), raw)
    with platform_session() as session:
        session.execute(update(ShopToken).values(expires_at=utcnow()))
    return principal.shop_id, partial(tenant_session, principal.shop_id)


ASK = """
import sys
from functools import partial
from storecast.db.session import tenant_session
from storecast.shops import tokens
from storecast.shops.errors import TokenBusy
shop_id = int(sys.argv[1])
try:
    print(tokens.access_token(partial(tenant_session, shop_id), shop_id))
except TokenBusy as busy:
    print("busy", busy.retry_after)
"""


def test_of_many_processes_one_renews(
    real: tuple[ShopId, UnitOfWork], shopify: SimulatedShopify, database: str
) -> None:
    """They are held back at the row until all have seen the expired token, so that each of them wants to renew it."""
    shop_id, unit_of_work = real
    with psycopg.connect(database) as gate, psycopg.connect(database, autocommit=True) as onlooker:
        gate.execute("SELECT FROM shop_tokens FOR UPDATE")
        asking = [
            subprocess.Popen([sys.executable, "-c", ASK, str(shop_id)], stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        wait_until(lambda: onlooker.execute(held).fetchone() == (4,), "four processes at the row")
        gate.rollback()
        # Whoever renews logs it before it answers.
        answers = [process.communicate(timeout=60)[0].splitlines()[-1] for process in asking]

    got = [answer for answer in answers if answer.startswith("shpat_")]
    assert len(set(got)) == 1
    assert [answer for answer in answers if answer not in got] == ["busy 2.0"] * (4 - len(got))
    assert tokens.access_token(unit_of_work, shop_id) == got[0]


def test_a_token_renewed_between_the_look_and_the_lease_is_not_renewed_again(
    real: tuple[ShopId, UnitOfWork], shopify: SimulatedShopify
) -> None:
    shop_id, unit_of_work = real
    renewed: list[str] = []

    @contextmanager
    def overtaken() -> Iterator[Session]:
        with unit_of_work() as session:

            @event.listens_for(session, "do_orm_execute")
            def overtake(_state: ORMExecuteState) -> None:
                if looked and not renewed:
                    renewed.append(tokens.access_token(unit_of_work, shop_id))
                looked.append(True)

            looked: list[bool] = []
            yield session

    assert tokens.access_token(overtaken, shop_id) == renewed[0]


def test_a_token_that_shopify_refused_is_renewed_before_its_time(
    real: tuple[ShopId, UnitOfWork], shopify: SimulatedShopify
) -> None:
    shop_id, unit_of_work = real
    current = tokens.access_token(unit_of_work, shop_id)
    assert tokens.access_token(unit_of_work, shop_id, rejected=current) != current
    assert tokens.access_token(unit_of_work, shop_id, rejected="another") == tokens.access_token(
        unit_of_work, shop_id
    )


def test_after_a_crash_between_call_and_record_the_old_refresh_token_still_renews(
    real: tuple[ShopId, UnitOfWork], shopify: SimulatedShopify
) -> None:
    from storecast.config.settings import get_settings

    shop_id, unit_of_work = real
    with unit_of_work() as session:
        sealed = session.scalars(select(ShopToken.refresh_token)).one()
    assert sealed is not None
    TokenEndpoint(get_settings().shopify, SHOP).refresh(
        tokens.sealed().open(shop_id, sealed)
    )  # the answer is lost

    assert tokens.access_token(unit_of_work, shop_id).startswith("shpat_")
    assert state(shop_id) == ("valid", False)


def endpoint(answer: httpx.Response) -> TokenEndpoint:
    from storecast.config.settings import get_settings

    http = httpx.Client(transport=httpx.MockTransport(lambda _request: answer))
    return TokenEndpoint(get_settings().shopify, SHOP, http=http, sleep=lambda _seconds: None)


def test_an_answer_without_expires_in_is_a_token_without_end(database: str) -> None:
    answer = httpx.Response(200, json={"access_token": "shpat_2", "scope": "read_orders, write_pixels"})
    given = endpoint(answer).refresh("shprt_1")
    assert (given.access_token, given.expires_at, given.refresh_token) == ("shpat_2", None, None)
    assert given.scopes == ("read_orders", "write_pixels")
    assert "shpat" not in repr(given)


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(200, text="<html>"), httpx.Response(429)]
)
def test_an_answer_that_is_none_is_worth_another_try(database: str, answer: httpx.Response) -> None:
    with pytest.raises(ShopifyUnreachable):
        endpoint(answer).refresh("shprt_1")
