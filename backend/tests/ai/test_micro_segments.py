"""Suggested segments: found by the job, shown and saved through the API."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from storecast.ai.jobs import FindMicroSegments
from storecast.ai.models import MicroSegment
from storecast.ai.service import FEWEST_BUYERS
from storecast.ai.tasks import find_micro_segments
from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.segments.models import Segment
from storecast.shops.models import Shop
from tests.ai.buyers import Buyer, mixed, store
from tests.conftest import id_token
from tests.factories.context import Context

PATH = "/api/v1/micro-segments"


@pytest.fixture
def groups(shop: Shop) -> None:
    """A shop with buyers of four kinds, grouped."""
    with tenant_session(ShopId(shop.id)) as session:
        store(session, shop.id, [*mixed(), Buyer(0, 0, 0)])
    run(shop)


def run(shop: Shop) -> dict[str, Any]:
    context = Context(ShopId(shop.id))
    find_micro_segments(FindMicroSegments(), context)
    return context.results


def listed(client: TestClient, who: dict[str, str]) -> dict[str, Any]:
    answer = client.get(PATH, headers=who)
    assert answer.status_code == 200
    return dict(answer.json())


def adopt(client: TestClient, who: dict[str, str], suggestion: str, name: str) -> Any:
    return client.post(f"{PATH}/{suggestion}/adopt", json={"name": name}, headers=who)


def segments_of(shop: Shop) -> int:
    with tenant_session(ShopId(shop.id)) as session:
        return session.scalar(select(func.count()).select_from(Segment)) or 0


def test_too_few_buyers_get_no_suggestions_and_are_told_why(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        store(session, shop.id, mixed()[: FEWEST_BUYERS - 1])
        store(session, shop.id, [Buyer(0, 0, 0)] * 10)
    assert run(shop) == {"found": 0}
    assert listed(client, signed_in) == {"items": [], "found_at": None, "reason": "too_few_buyers"}
    with tenant_session(ShopId(shop.id)) as session:
        store(session, shop.id, [Buyer(1, 2_000, 3)])
    assert listed(client, signed_in) == {"items": [], "found_at": None, "reason": "not_yet"}
    assert run(shop)["found"] >= 3
    assert listed(client, signed_in)["reason"] is None


@pytest.mark.usefixtures("groups")
def test_suggestions_tell_who_is_in_them(client: TestClient, signed_in: dict[str, str]) -> None:
    found = listed(client, signed_in)
    assert found["found_at"] is not None
    assert sum(item["customers"] for item in found["items"]) == len(mixed())
    spends = [item["facts"]["spend_per_customer"]["amount_minor"] for item in found["items"]]
    assert spends == sorted(spends, reverse=True)
    by_label = {item["label"]: item for item in found["items"]}
    best = by_label["champions"]
    assert best["facts"]["orders_per_customer"] >= 9
    assert best["facts"]["spend_per_customer"]["currency"] == "USD"
    assert 5 <= best["facts"]["median_days_since_order"] <= 13
    assert "at_risk" in by_label
    for item in found["items"]:
        preview = client.post(
            "/api/v1/segments/preview", json={"rules": item["rules"]}, headers=signed_in
        ).json()
        assert preview["count"] == item["customers"]
        assert (item["id"][:4], item["segment_id"]) == ("mic_", None)


@pytest.mark.usefixtures("groups")
def test_a_suggestion_is_saved_once_however_often_it_is_asked(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    suggestion = listed(client, signed_in)["items"][0]
    made = adopt(client, signed_in, suggestion["id"], "  Our best ")
    assert made.status_code == 201
    segment = made.json()
    assert (segment["name"], segment["rules"]) == ("Our best", suggestion["rules"])
    assert segment["member_count"] == suggestion["customers"]
    assert client.get(f"/api/v1/segments/{segment['id']}", headers=signed_in).json() == segment

    again = adopt(client, signed_in, suggestion["id"], "Another name")
    assert (again.status_code, again.json()) == (200, segment)
    assert segments_of(shop) == 1
    assert listed(client, signed_in)["items"][0]["segment_id"] == segment["id"]

    assert client.delete(f"/api/v1/segments/{segment['id']}", headers=signed_in).status_code == 204
    assert listed(client, signed_in)["items"][0] == suggestion
    assert adopt(client, signed_in, suggestion["id"], "Back").status_code == 201


@pytest.mark.usefixtures("groups")
def test_two_who_save_at_once_get_the_same_segment(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    suggestion = listed(client, signed_in)["items"][0]["id"]
    start = Barrier(2)
    answers: list[Any] = []

    def save(name: str) -> None:
        start.wait(timeout=10)
        answers.append(adopt(client, signed_in, suggestion, name))

    people = [Thread(target=save, args=(name,)) for name in ("One", "Two")]
    for person in people:
        person.start()
    for person in people:
        person.join(timeout=30)
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert segments_of(shop) == 1


@pytest.mark.usefixtures("groups")
def test_a_name_that_is_taken_or_blank_saves_nothing(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    first, second = listed(client, signed_in)["items"][:2]
    assert adopt(client, signed_in, first["id"], "Best").status_code == 201
    taken = adopt(client, signed_in, second["id"], "BEST")
    assert (taken.status_code, taken.json()["code"]) == (409, "segment_name_taken")
    assert adopt(client, signed_in, second["id"], "  ").status_code == 422
    assert segments_of(shop) == 1
    assert listed(client, signed_in)["items"][1]["segment_id"] is None


@pytest.mark.usefixtures("groups")
def test_another_shop_sees_nothing_and_saves_nothing(
    client: TestClient, signed_in: dict[str, str], shop: Shop, other_shop: Shop
) -> None:
    rival = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    assert listed(client, rival) == {"items": [], "found_at": None, "reason": "too_few_buyers"}
    suggestion = listed(client, signed_in)["items"][0]
    refused = adopt(client, rival, suggestion["id"], "Theft")
    assert (refused.status_code, refused.json()["code"]) == (404, "micro_segment_unknown")
    assert (segments_of(shop), segments_of(other_shop)) == (0, 0)
    before = listed(client, signed_in)
    assert run(other_shop) == {"found": 0}
    assert listed(client, signed_in) == before
    with tenant_session(ShopId(other_shop.id)) as session:
        assert session.scalars(select(MicroSegment)).all() == []


@pytest.mark.usefixtures("groups")
def test_the_same_groups_keep_their_ids_and_others_take_their_place(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    before = listed(client, signed_in)
    saved = before["items"][0]
    segment = adopt(client, signed_in, saved["id"], "Best").json()
    assert run(shop) == {"found": len(before["items"])}
    same = listed(client, signed_in)
    assert [item["id"] for item in same["items"]] == [item["id"] for item in before["items"]]
    assert same["items"][0]["segment_id"] == segment["id"]
    assert same["found_at"] > before["found_at"]

    with tenant_session(ShopId(shop.id)) as session:
        session.query(Customer).delete()
        store(session, shop.id, [Buyer(1, 300 * i, 2 * i) for i in range(1, 80)])
    run(shop)
    after = listed(client, signed_in)
    assert not {item["id"] for item in after["items"]} & {item["id"] for item in before["items"]}
    assert all(item["segment_id"] is None for item in after["items"])
    # What became a segment still answers with it, and the segment is as it was.
    assert adopt(client, signed_in, saved["id"], "Best again").json()["id"] == segment["id"]
    with tenant_session(ShopId(shop.id)) as session:
        rows = session.scalar(select(func.count()).select_from(MicroSegment))
    assert rows == len(after["items"]) + 1


def test_the_days_of_a_rule_are_the_shops_own_calendar_days(
    client: TestClient, make_shop: Callable[[str], Shop], shop: Shop
) -> None:
    # Twenty minutes past midnight in New York: yesterday's orders are a day old there, and hours old in UTC.
    with time_machine.travel("2026-07-01T04:20:00Z", tick=True):
        with tenant_session(ShopId(shop.id)) as session:
            store(session, shop.id, mixed(), utcnow() - timedelta(minutes=30))
        run(shop)
        with tenant_session(ShopId(shop.id)) as session:
            assert session.scalar(select(func.sum(MicroSegment.customers))) == len(mixed())
