"""Whatever changes at whatever instant, seen late or broken off on the way: the next pull has all of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from storecast.config.settings import get_settings
from storecast.customers.models import Customer, CustomerFacts
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.resilience.guard import Guard
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import OperationRefused
from storecast.shops.models import Shop
from storecast.sync import incremental, marks
from storecast.sync.models import SyncMark
from storecast.webhooks import missed

START = datetime(2026, 6, 1, tzinfo=UTC)
PAGE = 2


class Customers:
    """Shopify's list of customers in the order of change, two a page; ``breaks_after`` pages it fails for good."""

    def __init__(self) -> None:
        self.versions: dict[str, datetime] = {}
        self.breaks_after = 99
        self.client = AdminClient(
            get_settings().shopify,
            "one.myshopify.com",
            "token",
            http=httpx.Client(transport=httpx.MockTransport(self._answer)),
            guard=Guard(None, None),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.breaks_after == 0:
            return httpx.Response(400)
        self.breaks_after -= 1
        asked = json.loads(request.content)["variables"]
        since = datetime.fromisoformat(asked["query"].removeprefix("updated_at:>='").removesuffix("'"))
        after = json.loads(asked["after"]) if asked["after"] else ["", ""]
        rows = sorted([at.isoformat(), gid] for gid, at in self.versions.items() if at >= since)
        rows = [row for row in rows if row > after]
        page, more = rows[:PAGE], len(rows) > PAGE
        connection = {
            "nodes": [{"id": gid, "updatedAt": at} for at, gid in page],
            "pageInfo": {"hasNextPage": more, "endCursor": json.dumps(page[-1]) if page else None},
        }
        return httpx.Response(200, json={"data": {"customers": connection}})


change = st.tuples(st.integers(1, 7), st.integers(0, 2), st.integers(0, 100))
"""Whose, how many seconds after the one before, and how many seconds before that it is dated."""


@given(
    rounds=st.lists(
        st.tuples(st.lists(change, max_size=8), st.sampled_from([0, 1, 2, 99])), min_size=1, max_size=4
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_change_is_lost(shop: Shop, rounds: list[tuple[list[tuple[int, int, int]], int]]) -> None:
    shop_id = ShopId(shop.id)
    theirs = Customers()
    with tenant_session(shop_id) as session:
        for model in (CustomerFacts, Customer, SyncMark):
            session.execute(delete(model))
        marks.advance(session, shop_id, "customers", START)
    now = START
    for changes, breaks_after in rounds:
        for number, later_s, dated_s in changes:
            now += timedelta(seconds=later_s)
            dated = max(START, now - timedelta(seconds=dated_s))
            gid = f"gid://shopify/Customer/{number}"
            theirs.versions[gid] = max(dated, theirs.versions.get(gid, START))
        theirs.breaks_after = breaks_after
        try:
            pull(shop_id, theirs)
        except OperationRefused:
            assert breaks_after < 99
    theirs.breaks_after = 99
    pull(shop_id, theirs)
    with tenant_session(shop_id) as session:
        rows: Any = session.execute(select(Customer.gid, Customer.shopify_updated_at)).all()
        assert dict(map(tuple, rows)) == theirs.versions
        assert marks.find(session, shop_id, "customers") == max(theirs.versions.values(), default=START)


def pull(shop_id: ShopId, theirs: Customers) -> None:
    incremental.pull(lambda: tenant_session(shop_id), shop_id, theirs.client, "customers")


def test_a_pull_that_is_stopped_keeps_the_pages_before(shop: Shop) -> None:
    class Stopped(Exception):
        pass

    asked = iter([False, True])

    def check() -> None:
        if next(asked):
            raise Stopped

    shop_id = ShopId(shop.id)
    theirs = Customers()
    theirs.versions = {f"gid://shopify/Customer/{n}": START + timedelta(seconds=n) for n in range(5)}
    with tenant_session(shop_id) as session:
        marks.advance(session, shop_id, "customers", START)
    with pytest.raises(Stopped):
        incremental.pull(lambda: tenant_session(shop_id), shop_id, theirs.client, "customers", check=check)
    with tenant_session(shop_id) as session:
        assert len(session.scalars(select(Customer.gid)).all()) == PAGE
        assert marks.find(session, shop_id, "customers") == START + timedelta(seconds=1)


def test_a_change_that_no_webhook_told_of_is_counted_once(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    theirs = Customers()
    just_now = utcnow()
    theirs.versions = {
        "gid://shopify/Customer/1": START + timedelta(seconds=1),
        "gid://shopify/Customer/2": just_now,
    }
    with tenant_session(shop_id) as session:
        session.get_one(Shop, shop_id).installed_at = START
        marks.advance(session, shop_id, "customers", START)

    for _ in range(2):
        pull(shop_id, theirs)

    with tenant_session(shop_id) as session:
        (day,) = missed.list_days(session, shop_id, since=just_now)
    assert (day.family, day.missed) == ("customers", 1)
