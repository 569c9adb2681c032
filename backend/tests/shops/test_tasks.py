"""Refresh tokens that lie unused are renewed long before they die; a token refused in use is renewed on the spot."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

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
from storecast.shops.errors import ReauthorizationNeeded
from storecast.shops.jobs import RenewIdleTokens, RenewToken
from storecast.shops.models import Shop, ShopToken
from storecast.shops.tasks import renew_idle_tokens, renew_token
from storecast.shops.tokens import IDLE
from storecast.worker import schedule
from storecast.worker.models import OutboxJob
from tests.factories.context import Context
from tests.simulated_shopify import SimulatedShopify, simulated_world


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

    assert platform.execute(select(OutboxJob.shop_id, OutboxJob.name)).all() == [(idle.id, RenewToken.name)]


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
