"""A discount and its unique codes reach Shopify once, whatever gets lost on the way."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from storecast.campaigns import discounts
from storecast.campaigns.discounts_schemas import NewDiscount
from storecast.campaigns.jobs import MakeDiscount
from storecast.campaigns.models import DiscountCode, DiscountSet
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.conftest import id_token
from tests.factories.story import NOW, Story
from tests.simulated_shopify import SimulatedShopify, Worker
from tests.sync.conftest import installed, shopify, worker

__all__ = ["installed", "shopify", "worker"]

SCOPES = ["read_customers", "write_customers", "read_orders", "read_products", "write_discounts"]


@pytest.fixture
def allowed(shopify: SimulatedShopify, worker: Worker, installed: ShopId) -> ShopId:
    """The shop after its first sync, with the scope granted."""
    worker.run_until_idle()
    shopify.control("scopes", scopes=SCOPES)
    with tenant_session(installed) as session:
        session.execute(update(Shop).where(Shop.id == installed).values(scopes=SCOPES))
    return installed


def at_shopify(shopify: SimulatedShopify) -> list[dict[str, Any]]:
    answer = httpx.get(f"{shopify.origin}/control/documents", params={"kind": "DiscountCodeNode"}, timeout=10)
    return list(answer.json())


def codes_of(shop_id: ShopId) -> dict[str, str]:
    with tenant_session(shop_id) as session:
        query = select(DiscountCode.code, DiscountCode.state).order_by(DiscountCode.line)
        return {row.code: row.state for row in session.execute(query)}


def ask(shop_id: ShopId, **given: Any) -> str:
    with tenant_session(shop_id) as session:
        wanted = NewDiscount.model_validate({"title": "Regulars", "percent": 10, "codes": 300, **given})
        return discounts.request(session, shop_id, wanted, actor="user:7").public_id


def test_a_discount_and_its_codes_are_made(
    shopify: SimulatedShopify, worker: Worker, allowed: ShopId, client: TestClient
) -> None:
    shopify.control("faults", bulk_codes_slow=2)
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    body = {
        "title": "Ten off", "percent": 12.5, "codes": 600, "prefix": "hello-", "ends_at": "2031-01-31T23:00:00Z",
    }  # fmt: skip
    asked = client.post("/api/v1/discounts", json=body, headers=headers)
    assert asked.status_code == 202, asked.text
    assert (asked.json()["state"], asked.json()["live"], asked.json()["prefix"]) == ("queued", 0, "HELLO-")

    worker.run_until_idle()

    end = client.get(f"/api/v1/discounts/{asked.json()['id']}", headers=headers).json()
    assert (end["state"], end["codes"], end["live"], end["refused"]) == ("done", 600, 600, 0)
    assert client.get("/api/v1/discounts", headers=headers).json()["items"] == [end]
    ours = codes_of(allowed)
    assert set(ours.values()) == {"live"}
    assert all(re.fullmatch(r"HELLO-[2-9A-HJKMNP-Z]{12}", code) for code in ours)
    (discount,) = at_shopify(shopify)
    assert sorted(discount["codes"]) == sorted(ours)
    given = discount["given"]
    assert given["customerGets"] == {"items": {"all": True}, "value": {"percentage": 0.125}}
    assert (given["context"], given["usageLimit"], given["appliesOncePerCustomer"]) == (
        {"all": "ALL"},
        1,
        True,
    )
    assert given["endsAt"].startswith("2031-01-31")
    with tenant_session(allowed) as session:
        actions = session.scalars(text("SELECT action FROM audit_log ORDER BY id DESC LIMIT 1")).all()
        assert actions == ["discount_requested"]

    more = f"/api/v1/discounts/{end['id']}/codes"
    too_many = client.post(more, json={"codes": 99_401}, headers=headers)
    assert (too_many.status_code, too_many.json()["errors"][0]["pointer"]) == (422, "/codes")
    assert client.post(more, json={"codes": 30}, headers=headers).json()["codes"] == 630
    assert client.post(more, json={"codes": 30}, headers=headers).json()["code"] == "discount_busy"
    worker.run_until_idle()
    assert client.get(f"/api/v1/discounts/{end['id']}", headers=headers).json()["live"] == 630
    assert set(ours) < set(codes_of(allowed))
    (discount,) = at_shopify(shopify)
    assert sorted(discount["codes"]) == sorted(codes_of(allowed))


def test_an_amount_is_in_the_shops_currency(
    shopify: SimulatedShopify, worker: Worker, allowed: ShopId
) -> None:
    ask(allowed, percent=None, amount_minor=550, codes=1, once_per_customer=False)
    worker.run_until_idle()
    (discount,) = at_shopify(shopify)
    value = discount["given"]["customerGets"]["value"]
    assert (value["discountAmount"]["amount"], discount["given"]["appliesOncePerCustomer"]) == ("5.50", False)
    assert list(codes_of(allowed).values()) == ["live"]


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_what_shopify_did_and_we_did_not_hear_is_found_and_not_made_again(
    shopify: SimulatedShopify, worker: Worker, allowed: ShopId, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is killed, so to speak, right after each of its mutations; its next attempt goes on from there."""
    monkeypatch.setattr(type(MakeDiscount.retry), "delay_s", lambda self, attempt: 0.0)
    shopify.control("faults", lost_answer=lost)
    name = ask(allowed)
    worker.run_until_idle()
    (discount,) = at_shopify(shopify)
    ours = codes_of(allowed)
    assert set(ours.values()) == {"live"}
    assert sorted(discount["codes"]) == sorted(ours)
    assert len(ours) == 300
    with tenant_session(allowed) as session:
        assert discounts.get(session, allowed, name).state == "done"


def test_a_code_that_the_shop_has_stays_refused_with_its_reason(
    shopify: SimulatedShopify, worker: Worker, allowed: ShopId
) -> None:
    name = ask(allowed, codes=5)
    with tenant_session(allowed) as session:
        from storecast.campaigns import discounts_repository

        discount = session.scalars(select(DiscountSet)).one()
        discounts_repository.mint(session, discount, discounts.new_code)
    taken = list(codes_of(allowed))[3]
    shopify.control("documents", kind="DiscountCodeNode", key="theirs", body={"codes": [taken.lower()]})
    worker.run_until_idle()
    with tenant_session(allowed) as session:
        end = discounts.get(session, allowed, name)
    assert (end.state, end.live, end.refused) == ("done", 4, 1)
    assert [refusal.code for refusal in end.refusals] == [taken]
    assert "must be unique" in end.refusals[0].error


def test_a_scope_that_is_not_granted_is_named_and_nothing_is_stored(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        session.execute(update(Shop).where(Shop.id == shop.id).values(scopes=["read_customers"]))
    body = {"title": "x", "percent": 10, "codes": 5}
    answer = client.post("/api/v1/discounts", json=body, headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (409, "scope_missing")
    assert "write_discounts" in answer.json()["detail"]
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalar(text("SELECT count(*) FROM discount_sets")) == 0
        assert outbox.pending(session, MakeDiscount) == []


@pytest.mark.parametrize(
    "change",
    [
        {"percent": None},
        {"amount_minor": 100},
        {"percent": 0},
        {"percent": 100.5},
        {"percent": 10.005},
        {"percent": None, "amount_minor": 0},
        {"codes": 0},
        {"codes": 100_001},
        {"prefix": "ÄÖ"},
        {"prefix": "A" * 21},
        {"title": " "},
        {"title": "x\x00"},
        {"starts_at": "2031-01-01T00:00:00Z", "ends_at": "2031-01-01T00:00:00Z"},
        {"ends_at": "2031-01-01T00:00:00"},
        {"more": 1},
    ],
)
def test_what_is_refused_stores_nothing(
    shop: Shop, client: TestClient, signed_in: dict[str, str], change: dict[str, Any]
) -> None:
    body = {"title": "x", "percent": 10, "codes": 5, **change}
    answer = client.post("/api/v1/discounts", json=body, headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalar(text("SELECT count(*) FROM discount_sets")) == 0


def test_a_neighbours_discount_is_not_there(
    shop: Shop, other_shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    name = ask(ShopId(shop.id))
    neighbour = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    assert client.get(f"/api/v1/discounts/{name}", headers=signed_in).status_code == 200
    answer = client.get(f"/api/v1/discounts/{name}", headers=neighbour)
    assert (answer.status_code, answer.json()["code"]) == (404, "discount_unknown")
    assert client.get("/api/v1/discounts", headers=neighbour).json()["items"] == []


def stored(session: Session, shop: Shop, codes: dict[str, str]) -> DiscountSet:
    """A discount that was made yesterday, with its codes and their states."""
    discount = DiscountSet(
        shop_id=shop.id, public_id="dsc_1", title="Ten", percent_hundredths=1000, currency="USD", starts_at=NOW,
        once_per_customer=True, total=len(codes), state="done", created_at=NOW - timedelta(days=1),
    )  # fmt: skip
    session.add(discount)
    session.flush()
    session.add_all(
        DiscountCode(shop_id=shop.id, discount_set_id=discount.id, line=line, code=code, state=state)
        for line, (code, state) in enumerate(codes.items())
    )
    return discount


def test_codes_that_orders_came_with_are_redeemed(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        stored(session, shop, {"A-1": "live", "A-2": "live", "A-3": "live", "A-4": "live"})
        story = Story(session, shop)
        today, earlier = timedelta(), timedelta(days=2)
        story.order(None, today, discount_codes=["a-1", "FREESHIP"])
        story.order(None, today, discount_codes=["A-1"])
        story.order(None, today, discount_codes=["A-2"], cancelled_at=NOW)
        story.order(None, earlier, discount_codes=["A-3"])
        story.order(None, today)

    discount = client.get("/api/v1/discounts/dsc_1", headers=signed_in).json()

    assert (discount["live"], discount["redeemed"]) == (4, 1)


def test_the_codes_that_can_be_used_are_exported_and_the_export_is_audited(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        stored(session, shop, {"B-2": "live", "B-1": "live", "B-3": "refused", "B-4": "staged"})

    answer = client.get("/api/v1/discounts/dsc_1/codes", headers=signed_in)

    assert (answer.text, answer.headers["content-type"]) == (
        "code\r\nB-2\r\nB-1\r\n",
        "text/csv; charset=utf-8",
    )
    assert answer.headers["cache-control"] == "no-store"
    with tenant_session(ShopId(shop.id)) as session:
        entry = session.execute(
            text("SELECT action, subject, detail FROM audit_log ORDER BY id DESC LIMIT 1")
        ).one()
        assert tuple(entry) == ("discount_codes_exported", "dsc_1", {"codes": 2})


def test_an_unknown_discount_has_no_codes(client: TestClient, signed_in: dict[str, str]) -> None:
    answer = client.get("/api/v1/discounts/dsc_none/codes", headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (404, "discount_unknown")
