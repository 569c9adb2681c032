"""A shop's tasks in plain terms: progress, what needs somebody, what went well; nothing of anybody else."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from storecast.entrypoints.modules import register_jobs
from storecast.kit.clock import utcnow
from storecast.shops.access import Role
from storecast.shops.models import Shop
from storecast.worker.task import registered
from tests.jobs.console import add_finished, add_live, client_of, run_of

IMPORT = "sync.import"


@pytest.fixture
def owner(shop: Shop) -> TestClient:
    return client_of(shop, "owner")


def tasks(client: TestClient) -> dict[str, Any]:
    answer = client.get("/api/v1/tasks")
    assert answer.status_code == 200
    return dict(answer.json())


def test_only_kinds_that_mean_something_are_shown(owner: TestClient, shop: Shop) -> None:
    register_jobs()
    shown = {name for name, job_type in registered().items() if job_type.for_merchants}
    assert {"sync.import", "campaigns.freeze", "privacy.handle_request", "segments.recount"} <= shown
    assert not {"webhooks.drain", "jobs.maintain_partitions", "campaigns.send_batch"} & shown
    add_live(shop, name="webhooks.drain")
    add_finished(shop, "dead", name="events.process")
    add_finished(shop, "succeeded", name="events.process")
    assert tasks(owner) == {"running": [], "needs_you": [], "recent": [], "last_success": []}


def test_progress_has_a_percentage_and_an_end(owner: TestClient, shop: Shop) -> None:
    began = utcnow() - timedelta(seconds=100)
    add_live(
        shop, name=IMPORT, state="running", attempt=1, started_at=began,
        progress={"done": 250, "total": 1000, "note": "customers"},
    )  # fmt: skip
    add_live(shop, name=IMPORT, state="queued")
    running, waiting = tasks(owner)["running"]
    assert (running["percent"], running["done"], running["total"]) == (25, 250, 1000)
    assert running["note"] == "customers"
    assert 295 <= running["eta_s"] <= 330
    assert 135 <= running["rate_per_min"] <= 150
    assert running["why"] is None
    assert (waiting["state"], waiting["percent"], waiting["eta_s"]) == ("queued", None, None)
    assert waiting["why"] == {"code": "no_consumer", "until": None, "facts": {}}


def test_an_estimate_counts_from_the_first_attempt(owner: TestClient, shop: Shop) -> None:
    first = utcnow() - timedelta(seconds=200)
    add_live(
        shop, name=IMPORT, state="running", attempt=2, started_at=utcnow() - timedelta(seconds=1),
        progress={"done": 500, "total": 1000, "note": ""},
        attempts=[{"number": 1, "started_at": first.isoformat(), "finished_at": None, "worker": "w", "error": "E"}],
    )  # fmt: skip
    (running,) = tasks(owner)["running"]
    assert 195 <= running["eta_s"] <= 230


def test_what_failed_needs_somebody_until_somebody_acts(owner: TestClient, shop: Shop) -> None:
    now = utcnow()
    failed = add_finished(shop, "dead", name=IMPORT, error_class="ShopifyUnreachable")
    add_finished(shop, "dead", name=IMPORT, finished_at=now - timedelta(days=31))
    add_finished(shop, "dead", name=IMPORT, discarded_at=now)
    (needing,) = tasks(owner)["needs_you"]
    assert (needing["id"], needing["error_key"], needing["retryable"]) == (str(failed), "store_away", True)
    assert owner.post(f"/api/v1/jobs/{failed}/retry").status_code == 200
    assert tasks(owner)["needs_you"] == []
    assert run_of(failed).retried_as is not None


def test_a_runs_page_says_in_plain_words_why_each_try_failed(owner: TestClient, shop: Shop) -> None:
    began = utcnow().isoformat()
    errors = [
        "ShopifyUnreachable: 503 of https://x",
        "WorkerLost: bulk@host/1: its process died",
        "KeyError: 'a'",
    ]
    errors += ["covered by a later job", "SoftTimeLimitExceeded"]
    tries = [
        {"number": number, "started_at": began, "finished_at": began, "worker": "w", "error": error}
        for number, error in enumerate([*errors, None], 1)
    ]
    failed = add_finished(shop, "dead", name=IMPORT, error_class="AccessDenied", attempts=tries)
    run = owner.get(f"/api/v1/jobs/{failed}").json()
    assert run["error_key"] == "access_lost"
    assert [attempt["error_key"] for attempt in run["attempts"]] == [
        "store_away", "interrupted", "unexpected", "covered", "too_slow", None,
    ]  # fmt: skip
    for state in ("succeeded", "cancelled"):
        over = add_finished(shop, state, name=IMPORT)
        assert owner.get(f"/api/v1/jobs/{over}").json()["error_key"] is None


@pytest.mark.parametrize(
    ("role", "may"), [("owner", True), ("admin", True), ("marketer", False), ("viewer", False)]
)
def test_the_button_is_for_those_who_may(shop: Shop, role: Role, may: bool) -> None:
    failed = add_finished(shop, "dead", name=IMPORT)
    person = client_of(shop, role)
    (needing,) = tasks(person)["needs_you"]
    assert (needing["retryable"], needing["error_key"]) == (may, "unexpected")
    assert person.post(f"/api/v1/jobs/{failed}/retry").status_code == (200 if may else 403)


def test_what_went_well_is_told_by_kind(owner: TestClient, shop: Shop) -> None:
    now = utcnow()
    for hours in (5, 4, 3, 2):
        add_finished(shop, "succeeded", name=IMPORT, finished_at=now - timedelta(hours=hours))
    add_finished(shop, "succeeded", name="segments.recount", finished_at=now - timedelta(hours=1))
    add_finished(shop, "cancelled", name="campaigns.freeze")
    page = tasks(owner)
    assert [(task["name"], task["state"]) for task in page["recent"]] == [
        ("campaigns.freeze", "cancelled"), ("segments.recount", "succeeded"), *[(IMPORT, "succeeded")] * 3,
    ]  # fmt: skip
    assert [(kind["name"], kind["title_key"]) for kind in page["last_success"]] == [
        ("segments.recount", "jobs.segments.recount"), (IMPORT, "jobs.sync.import"),
    ]  # fmt: skip
    assert page["last_success"][1]["at"] == (now - timedelta(hours=2)).isoformat().replace("+00:00", "Z")


def test_a_neighbour_sees_nothing_of_it(shop: Shop, other_shop: Shop) -> None:
    add_live(shop, name=IMPORT)
    add_finished(shop, "dead", name=IMPORT)
    add_finished(shop, "succeeded", name=IMPORT)
    nothing: dict[str, list[Any]] = {"running": [], "needs_you": [], "recent": [], "last_success": []}
    assert tasks(client_of(other_shop, "owner")) == nothing
    assert tasks(client_of(other_shop, "operator")) == nothing
