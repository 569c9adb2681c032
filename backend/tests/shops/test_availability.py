"""Frozen and closed shops: how long their jobs wait, and what a state allows."""

import random
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops import availability, features, service, tokens
from storecast.shops.errors import ScopeMissing, ShopPaused
from storecast.shops.features import Feature
from storecast.shops.jobs import CheckPixel, ProbeShop
from storecast.shops.models import Shop
from storecast.worker import outbox


@given(lasted_s=st.floats(0, 400 * 86_400), seed=st.integers())
def test_the_wait_grows_with_the_outage_and_is_bounded(lasted_s: float, seed: int) -> None:
    now = utcnow()
    wait_s = availability.wait_s(now - timedelta(seconds=lasted_s), now=now, rng=random.Random(seed))
    base_s = min(max(lasted_s / 2, 60), 6 * 3600)
    assert base_s * 0.999 <= wait_s <= base_s * 1.501


def test_a_paused_shop_is_not_called_and_its_state_is_told(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        availability.record_unavailable(session, shop_id, "frozen")
    with pytest.raises(ShopPaused) as raised:
        tokens.admin_client(partial(tenant_session, shop_id), shop_id)
    assert raised.value.facts == {"state": "frozen"}
    assert raised.value.retry_after is not None
    assert 60 <= raised.value.retry_after <= 91


def test_signs_of_life_ask_once_and_only_for_shops_that_are_away(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        availability.ask_soon(session, service.get(session, shop_id))
        assert outbox.pending(session, ProbeShop) == []
        availability.record_unavailable(session, shop_id, "closed")
        for _ in range(3):
            availability.ask_soon(session, service.get(session, shop_id))
        assert outbox.pending(session, ProbeShop) == [ProbeShop()]


def test_an_uninstalled_shop_does_not_become_a_frozen_one(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        service.uninstall(session, shop_id)
        assert availability.record_unavailable(session, shop_id, "frozen").state == "uninstalled"


def test_lost_scopes_state_the_reason_and_regained_ones_bring_the_pixel_back(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    pixel_scopes = list(features.NEEDS[Feature.PIXEL])
    now = utcnow()
    with tenant_session(shop_id) as session:
        service.record_pixel(session, shop_id, gid="gid://shopify/WebPixel/1")
        service.change_scopes(session, shop_id, ["read_orders", *pixel_scopes], at=now)
        service.change_scopes(session, shop_id, ["read_orders"], at=now + timedelta(seconds=1))
    with platform_session() as session:
        row = session.scalars(select(Shop).where(Shop.id == shop_id)).one()
        assert (row.pixel_state, row.pixel_reason) == ("error", "scopes_missing")
    with tenant_session(shop_id) as session:
        with pytest.raises(ScopeMissing) as raised:
            features.require(session, shop_id, Feature.PIXEL)
        assert raised.value.facts == {"feature": "pixel", "scopes": pixel_scopes}
        features.require(session, shop_id, Feature.ORDERS)
        # Older news change nothing.
        service.change_scopes(session, shop_id, pixel_scopes, at=now)
        assert service.get(session, shop_id).scopes == ["read_orders"]
        assert outbox.pending(session, CheckPixel) == []
        service.change_scopes(session, shop_id, pixel_scopes, at=now + timedelta(seconds=2))
        assert outbox.pending(session, CheckPixel) == [CheckPixel()]


def test_while_scopes_are_not_known_shopify_decides(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        assert features.list_missing(session, ShopId(shop.id), Feature.STORE_CREDIT) == []
