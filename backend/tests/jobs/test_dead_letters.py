"""Dead letters: one group a cause, replayed and discarded as one, with notes between operators."""

import time
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from storecast.jobs import dead_letters
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from tests.jobs.console import (
    FINGERPRINT,
    add_finished,
    audited,
    client_of,
    run_bulk,
    run_of,
)

URL = "/api/v1/dead-letters"
OTHER = "f" * 16


@pytest.fixture
def operator(shop: Shop) -> TestClient:
    return client_of(shop, "operator")


@pytest.fixture
def owner(shop: Shop) -> TestClient:
    return client_of(shop, "owner")


def groups(client: TestClient, **parameters: Any) -> list[tuple[str, int, int]]:
    items = client.get(URL, params=parameters).json()["items"]
    return [(item["fingerprint"], item["count"], item["shops"]) for item in items]


def test_failures_are_grouped_by_their_cause(
    operator: TestClient, owner: TestClient, shop: Shop, other_shop: Shop
) -> None:
    now = utcnow()
    add_finished(shop, "dead", finished_at=now - timedelta(hours=3))
    add_finished(shop, "dead", retried_as=add_finished(shop, "succeeded"))
    add_finished(shop, "dead", discarded_at=now)
    add_finished(shop, "dead", finished_at=now - timedelta(days=91))
    add_finished(
        None, "dead", fingerprint=OTHER, name="b.job", error_class="KeyError", error="KeyError: a@b.example"
    )
    newest = add_finished(other_shop, "dead", finished_at=now - timedelta(hours=1))
    assert groups(operator) == [(FINGERPRINT, 2, 2), (OTHER, 1, 0)]
    assert groups(owner) == [(FINGERPRINT, 1, 1)]
    first = operator.get(URL).json()["items"][0]
    assert {name: first[name] for name in ("error_class", "message", "name", "title_key", "notes")} == {
        "error_class": "ValueError", "message": "ValueError: no", "name": "tests.job", "title_key": "jobs.tests.job",
        "notes": 0,
    }  # fmt: skip
    assert first["sample_job_id"] == str(newest)
    assert (first["first_at"], first["last_at"]) == tuple(
        (now - timedelta(hours=hours)).isoformat().replace("+00:00", "Z") for hours in (3, 1)
    )
    assert operator.get(f"{URL}/{OTHER}").json()["message"] == "KeyError: a•••@b.example"


def test_groups_are_searched_and_paged(
    operator: TestClient, shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "PAGE_SIZE", 2)
    prints = [f"{number:016x}" for number in range(5)]
    for number, digest in enumerate(prints):
        add_finished(
            shop if number else other_shop, "dead", fingerprint=digest, name=f"job{number}", tags=["t"]
        )
    seen: list[str] = []
    cursor = None
    while True:
        page = operator.get(URL, params={"cursor": cursor} if cursor else {}).json()
        seen += [item["fingerprint"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == prints[::-1]
    monkeypatch.setattr(dead_letters, "PAGE_SIZE", 50)
    assert groups(operator, q="shop:rival") == [(prints[0], 1, 1)]
    assert groups(operator, q="name:job3") == [(prints[3], 1, 1)]
    assert groups(operator, q="job2") == [(prints[2], 1, 1)]
    assert groups(operator, q="class:KeyError") == []
    assert len(groups(operator, q="tag:t error:no")) == 5
    assert operator.get(URL, params={"q": "owner:me"}).status_code == 422
    assert operator.get(URL, params={"cursor": "WyJhIl0"}).status_code == 422


def test_a_group_is_replayed_up_to_a_cap(operator: TestClient, shop: Shop) -> None:
    dead = [add_finished(shop, "dead") for _ in range(3)]
    other = add_finished(shop, "dead", fingerprint=OTHER)
    body = {"reason": "fixed in 1.2", "cap": 2, "rate_per_min": 60}
    preview = operator.post(f"{URL}/{FINGERPRINT}/replay", json={**body, "dry_run": True}).json()
    assert preview == {"matched": 3, "capped": True, "acting": 2, "job_id": None}
    answer = operator.post(f"{URL}/{FINGERPRINT}/replay", json=body).json()
    assert run_bulk(answer["job_id"]) == {"acted": 2}
    assert [run_of(job_id).retried_as is not None for job_id in (*dead, other)] == [False, True, True, False]
    assert groups(operator) == [(OTHER, 1, 1), (FINGERPRINT, 1, 1)]
    ((action, _subject, detail),) = audited(shop)
    assert (action, detail["q"], detail["reason"]) == (
        "jobs_bulk_retry", f"fingerprint:{FINGERPRINT}", "fixed in 1.2",
    )  # fmt: skip


def test_a_group_that_was_dealt_with_is_still_there(operator: TestClient, shop: Shop) -> None:
    dead = add_finished(shop, "dead")
    answer = operator.post(f"{URL}/{FINGERPRINT}/discard", json={"reason": "known"}).json()
    assert (answer["matched"], answer["acting"]) == (1, 1)
    run_bulk(answer["job_id"])
    assert groups(operator) == []
    group = operator.get(f"{URL}/{FINGERPRINT}").json()
    assert (group["count"], group["sample_job_id"]) == (0, str(dead))
    again = operator.post(f"{URL}/{FINGERPRINT}/discard", json={"reason": "known"}).json()
    assert again == {"matched": 0, "capped": False, "acting": 0, "job_id": None}


def test_notes_are_written_by_operators(operator: TestClient, owner: TestClient, shop: Shop) -> None:
    dead = add_finished(shop, "dead")
    stranger = add_finished(shop, "dead", fingerprint=OTHER)
    note = operator.post(f"{URL}/{FINGERPRINT}/notes", json={"body": " DNS was down ", "job_id": str(dead)})
    assert (note.status_code, note.json()["body"], note.json()["author"]) == (201, "DNS was down", "user:1")
    group = operator.get(f"{URL}/{FINGERPRINT}").json()
    assert (group["notes"], group["note_list"]) == (1, [note.json()])
    refused = {
        "not one of the group": {"body": "b", "job_id": str(stranger)},
        "no id": {"body": "b", "job_id": "nonsense"},
        "empty": {"body": "  "},
    }
    for why, body in refused.items():
        assert operator.post(f"{URL}/{FINGERPRINT}/notes", json=body).status_code == 422, why
    by_owner = owner.post(f"{URL}/{FINGERPRINT}/notes", json={"body": "hello"})
    assert (by_owner.status_code, by_owner.json()["code"]) == (403, "operators_only")
    seen_by_owner = owner.get(f"{URL}/{FINGERPRINT}").json()
    assert (seen_by_owner["notes"], seen_by_owner["note_list"]) == (0, [])
    assert operator.get(f"{URL}/{FINGERPRINT}").json()["notes"] == 1


def test_a_neighbour_finds_no_group(shop: Shop, other_shop: Shop) -> None:
    dead = add_finished(shop, "dead")
    thief = client_of(other_shop, "owner")
    answers = [
        thief.get(f"{URL}/{FINGERPRINT}"),
        thief.post(f"{URL}/{FINGERPRINT}/replay", json={"reason": "r"}),
        thief.post(f"{URL}/{FINGERPRINT}/discard", json={"reason": "r"}),
        thief.post(f"{URL}/{FINGERPRINT}/notes", json={"body": "b"}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (404, "dead_group_unknown")
    }
    assert groups(thief) == []
    run = run_of(dead)
    assert (run.retried_as, run.discarded_at) == (None, None)
    assert thief.get(f"{URL}/nonsense").status_code == 422


def test_fifty_thousand_dead_letters_are_grouped_quickly(
    operator: TestClient, shop: Shop, database: str
) -> None:
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO job_runs (id, shop_id, name, queue, args, state, attempt, max_attempts, enqueued_at,
                                  finished_at, error, error_class, fingerprint, attempts)
            SELECT gen_random_uuid(), %s, 'a.job', 'bulk', '{}', 'dead', 8, 8, now() - n * interval '1 minute',
                   now() - n * interval '1 minute', 'ValueError: no', 'ValueError', lpad(to_hex(n %% 300), 16, '0'),
                   jsonb_build_array(jsonb_build_object('traceback', repeat(md5(n::text), 40)))
              FROM generate_series(1, 50000) AS n
            """,
            [shop.id],
        )
        connection.execute("VACUUM ANALYZE job_runs")
    operator.get(URL)
    began = time.perf_counter()
    answer = operator.get(URL)
    seconds = time.perf_counter() - began
    assert len(answer.json()["items"]) == 50
    # Measured 0.1 s on two quiet cores; the bound leaves room for a busy machine and none for reading the table.
    assert seconds < 1.0
