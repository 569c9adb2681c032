"""Refresh tokens that lie unused are renewed long before they die; a token refused in use is renewed on the spot."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.auth import id_tokens, service
from storecast.config.settings import get_settings
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.modules import register_jobs
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shopify.errors import TokenRefused
from storecast.shopify.oauth import Grant
from storecast.shopify.shop import fetch_profile
from storecast.shops import tokens
from storecast.shops.errors import ClientRefused, ReauthorizationNeeded
from storecast.shops.jobs import MigrateToken, RenewIdleTokens, RenewToken
from storecast.shops.models import Shop, ShopToken
from storecast.shops.tasks import migrate_token, renew_idle_tokens, renew_token
from storecast.shops.tokens import IDLE
from storecast.worker import schedule
from storecast.worker.models import OutboxJob
from tests.conftest import BACKEND, ENVIRONMENT, environment
from tests.factories.context import Context
from tests.simulated_shopify import SHOP, SimulatedShopify, simulated_world


@pytest.fixture
def shopify(database: str, tmp_path: Path) -> Iterator[SimulatedShopify]:
    with simulated_world(tmp_path) as simulator:
        yield simulator


@pytest.fixture
def installed(shopify: SimulatedShopify) -> ShopId:
    raw = shopify.id_token()
    token = id_tokens.verify(raw, get_settings().shopify, now=utcnow())
    return service.embedded_principal(token, raw).shop_id


def unused_since(shop: Shop, instant: datetime, **columns: object) -> None:
    """Give the shop a renewable token that was last renewed then."""
    with platform_session() as session:
        grant = Grant("shpat_1", "shprt_1", (), instant + timedelta(hours=1), instant + timedelta(days=90))
        tokens.store(session, ShopId(shop.id), grant)
        session.execute(
            update(ShopToken).where(ShopToken.shop_id == shop.id).values(refreshed_at=instant, **columns)
        )


def stored(session: Session) -> ShopToken:
    session.rollback()
    return session.scalars(select(ShopToken).execution_options(populate_existing=True)).one()


def test_only_idle_renewable_tokens_of_installed_shops_get_a_job_and_only_one(
    make_shop: Callable[[str], Shop], platform: Session
) -> None:
    idle, fresh, lost, gone, endless = map(make_shop, ("idle", "fresh", "lost", "gone", "endless"))
    long_ago = utcnow() - IDLE - timedelta(minutes=1)
    unused_since(idle, long_ago)
    unused_since(fresh, long_ago + timedelta(minutes=2))
    unused_since(lost, long_ago, state="reauthorize")
    unused_since(gone, long_ago)
    unused_since(endless, long_ago, refresh_token=None, expires_at=None)
    with platform_session() as session:
        session.execute(update(Shop).where(Shop.id == gone.id).values(state="uninstalled"))

    for _ in range(2):
        renew_idle_tokens(RenewIdleTokens(), Context(None))

    assert platform.execute(select(OutboxJob.shop_id, OutboxJob.name)).all() == [
        (idle.id, RenewToken.name),
        (endless.id, MigrateToken.name),
    ]


def test_the_renewal_is_in_the_schedule() -> None:
    register_jobs()
    assert RenewIdleTokens() in [entry.job for entry in schedule.scheduled()]


def test_an_idle_token_is_renewed(shopify: SimulatedShopify, installed: ShopId, platform: Session) -> None:
    long_ago = utcnow() - IDLE - timedelta(days=1)
    with platform_session() as session:
        session.execute(update(ShopToken).values(refreshed_at=long_ago, expires_at=long_ago))
    before = stored(platform).refresh_token

    renew_token(RenewToken(), Context(installed))

    after = stored(platform)
    assert after.refresh_token != before
    assert after.refreshed_at > long_ago + IDLE
    with platform_session() as session:
        assert tokens.idle_shops(session, now=utcnow()) == []


def test_a_token_that_shopify_refuses_in_use_is_renewed_once_and_the_call_goes_through(
    shopify: SimulatedShopify, installed: ShopId, platform: Session
) -> None:
    client = tokens.admin_client(partial(tenant_session, installed), installed)
    before = stored(platform).access_token
    shopify.control("tokens/expire")

    assert fetch_profile(client).name == "CDNOW Records"
    after = stored(platform)
    assert after.access_token != before
    assert fetch_profile(client).name == "CDNOW Records"
    assert stored(platform).access_token == after.access_token


def test_a_token_that_cannot_be_renewed_asks_for_the_merchant(
    shopify: SimulatedShopify, installed: ShopId, platform: Session
) -> None:
    client = tokens.admin_client(partial(tenant_session, installed), installed)
    shopify.control("tokens/revoke")

    with pytest.raises(ReauthorizationNeeded):
        fetch_profile(client)
    assert stored(platform).state == "reauthorize"


def test_a_renewed_token_that_is_refused_too_ends_the_call(
    shopify: SimulatedShopify, installed: ShopId, platform: Session
) -> None:
    client = tokens.admin_client(partial(tenant_session, installed), installed)
    shopify.control("faults", token_revoked=True)

    with pytest.raises(TokenRefused):
        fetch_profile(client)
    assert (stored(platform).state, stored(platform).lease_until) == ("valid", None)


def without_end(shopify: SimulatedShopify, shop_id: ShopId) -> str:
    """Give the shop the token of an app from before tokens expired."""
    exchange = {
        "client_id": ENVIRONMENT["SHOPIFY_API_KEY"],
        "client_secret": ENVIRONMENT["SHOPIFY_API_SECRET"],
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": shopify.id_token(),
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
    }
    answer = httpx.post(f"{shopify.origin}/{SHOP}/admin/oauth/access_token", json=exchange).json()
    assert "expires_in" not in answer
    with platform_session() as session:
        tokens.store(session, shop_id, Grant(answer["access_token"], None, (), None, None))
    return str(answer["access_token"])


def test_a_token_without_end_becomes_one_that_is_renewed(
    shopify: SimulatedShopify, installed: ShopId, platform: Session
) -> None:
    old = without_end(shopify, installed)

    for _ in range(2):
        migrate_token(MigrateToken(), Context(installed))

    after = stored(platform)
    assert (after.state, after.lease_until, after.refresh_token is not None) == ("valid", None, True)
    assert after.expires_at is not None
    fresh = tokens.access_token(partial(tenant_session, installed), installed)
    assert fresh != old
    assert fetch_profile(tokens.admin_client(partial(tenant_session, installed), installed)).name


def test_a_migration_that_shopify_refuses_changes_nothing(
    shopify: SimulatedShopify, installed: ShopId, platform: Session
) -> None:
    with platform_session() as session:
        tokens.store(session, installed, Grant("shpat_of_a_custom_app", None, (), None, None))
    before = stored(platform).access_token

    migrate_token(MigrateToken(), Context(installed))

    after = stored(platform)
    assert (after.access_token, after.state, after.lease_until) == (before, "valid", None)


def test_when_shopify_does_not_know_the_app_the_refresh_token_is_kept(
    shopify: SimulatedShopify, installed: ShopId, platform: Session
) -> None:
    with platform_session() as session:
        session.execute(update(ShopToken).values(expires_at=utcnow()))
    wrong = {**os.environ, "SHOPIFY_API_SECRET": "another-secret-0123456789abcdef0123456789"}
    with environment(wrong), pytest.raises(ClientRefused):
        tokens.access_token(partial(tenant_session, installed), installed)
    platform.rollback()
    with platform_session() as session:
        assert session.execute(select(ShopToken.state, ShopToken.lease_until)).all() == [("valid", None)]
    assert tokens.access_token(partial(tenant_session, installed), installed).startswith("shpat_")


ASK = """
import sys
from functools import partial
from storecast.db.session import tenant_session
from storecast.shops import tokens
from storecast.shops.errors import TokenBusy
from storecast.kit.types import ShopId
shop_id = ShopId(int(sys.argv[1]))
sys.stdin.readline()
for _ in range(50):
    try:
        print("answer", tokens.access_token(partial(tenant_session, shop_id), shop_id))
    except TokenBusy:
        print("answer busy")
"""


def test_of_two_processes_one_renews(shopify: SimulatedShopify, installed: ShopId, platform: Session) -> None:
    with platform_session() as session:
        session.execute(update(ShopToken).values(expires_at=utcnow()))
    command = [sys.executable, "-c", ASK, str(installed)]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BACKEND)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    written = [line.split() for process in both for line in process.communicate(timeout=60)[0].splitlines()]
    answers = [words[1] for words in written if words[0] == "answer"]

    assert len(answers) == 100
    assert len(set(answers) - {"busy"}) == 1
    assert (stored(platform).state, stored(platform).lease_until) == ("valid", None)
