"""Finding runs: every part of a search finds what it should, by an index, and nothing of the neighbour's."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.db.session import make_engine
from storecast.jobs import query, search, search_repository
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from tests.jobs.console import (
    FINGERPRINT,
    add_finished,
    add_live,
    add_many_finished,
    client_of,
    ids,
    inside,
    names,
)

ROOT = uuid7()
BATCH = uuid7()


@pytest.fixture
def operator(shop: Shop) -> TestClient:
    return client_of(shop, "operator")


@pytest.fixture
def owner(shop: Shop) -> TestClient:
    return client_of(shop, "owner")


def found(client: TestClient, q: str, **parameters: Any) -> set[str]:
    listed = names(client.get("/api/v1/jobs", params={"q": q, **parameters}))
    counted = client.get("/api/v1/jobs/count", params={"q": q, **parameters}).json()
    assert counted == {"count": len(listed), "capped": False}
    return set(listed)


@pytest.fixture
def runs(shop: Shop, other_shop: Shop) -> dict[str, str]:
    """One live and one finished job of each sort; by name."""
    made = {
        "live.plain": add_live(
            shop, name="live.plain", queue="bulk", tags=["nightly"], args={"n": 7}, worker="w@h/1"
        ),
        "live.child": add_live(
            shop, name="live.child", root_id=ROOT, batch_id=BATCH, error="ReadTimeout: slow"
        ),
        "done.plain": add_finished(
            shop, "succeeded", name="done.plain", queue="bulk", tags=["nightly"], args={"n": 7}
        ),
        "done.root": add_finished(
            shop, "succeeded", name="done.root", id=ROOT, worker="sync@host/1", args={}
        ),
        "done.child": add_finished(
            shop, "cancelled", name="done.child", root_id=ROOT, batch_id=BATCH, args={}
        ),
        "dead.plain": add_finished(
            shop, "dead", name="dead.plain", args={"flag": True}, error="ValueError: 50% off_"
        ),
        "dead.other": add_finished(
            other_shop,
            "dead",
            name="dead.other",
            fingerprint="f" * 16,
            error_class="KeyError",
            error="KeyError: x",
        ),
    }
    return {name: str(job_id) for name, job_id in made.items()}


SEARCHES = [
    (
        "",
        {},
        {"live.plain", "live.child", "done.plain", "done.root", "done.child", "dead.plain", "dead.other"},
    ),
    ("shop:acme", {}, {"live.plain", "live.child", "done.plain", "done.root", "done.child", "dead.plain"}),
    ("shop:rival.myshopify.com", {}, {"dead.other"}),
    ("shop:nobody", {}, set()),
    ("name:done.plain", {}, {"done.plain"}),
    ("queue:bulk", {}, {"live.plain", "done.plain"}),
    ("tag:nightly", {}, {"live.plain", "done.plain"}),
    ("arg.n:7", {}, {"live.plain", "done.plain"}),
    ("arg.flag:true", {}, {"dead.plain"}),
    ("arg.n:8", {}, set()),
    ("worker:w@h", {}, {"live.plain"}),
    ("worker:sync@host/1", {}, {"done.root"}),
    ("worker:sync@host/2", {}, set()),
    ("error:slow", {}, {"live.child"}),
    ('error:"50% OFF_"', {}, {"dead.plain"}),
    ("error:5__", {}, set()),
    ("class:ReadTimeout", {}, {"live.child"}),
    ("class:ValueError", {}, {"dead.plain"}),
    (f"fingerprint:{FINGERPRINT}", {}, {"dead.plain"}),
    (f"root:{ROOT}", {}, {"done.root", "live.child", "done.child"}),
    (f"batch:{BATCH}", {}, {"live.child", "done.child"}),
    (f"id:{ROOT}", {}, {"done.root"}),
    (str(ROOT), {}, {"done.root"}),
    ("nightly", {}, {"live.plain", "done.plain"}),
    ("done.root", {}, {"done.root"}),
    ("nightly done.plain", {}, {"done.plain"}),
    ("done.root done.plain", {}, set()),
    ("nightly queue:bulk arg.n:7", {"state": "staged"}, {"live.plain"}),
    ("", {"state": "dead"}, {"dead.plain", "dead.other"}),
    ("state:dead shop:acme", {}, {"dead.plain"}),
    (f"root:{ROOT}", {"state": "cancelled"}, {"done.child"}),
]


@pytest.mark.usefixtures("runs")
def test_every_part_of_a_search_finds_what_it_should(operator: TestClient) -> None:
    answers = [(q, parameters, found(operator, q, **parameters)) for q, parameters, _expected in SEARCHES]
    assert answers == SEARCHES


@pytest.mark.usefixtures("runs")
def test_a_shop_finds_the_same_of_its_own(owner: TestClient) -> None:
    answers = [(q, parameters, found(owner, q, **parameters)) for q, parameters, _expected in SEARCHES]
    assert answers == [(q, parameters, expected - {"dead.other"}) for q, parameters, expected in SEARCHES]


def test_two_states_at_once_are_refused(operator: TestClient) -> None:
    answer = operator.get("/api/v1/jobs?state=dead&q=state:queued")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/q")
    assert operator.get("/api/v1/jobs?q=owner:me").json()["errors"][0]["code"] == "unknown_qualifier"


def test_scheduled_and_retrying_are_told_apart(operator: TestClient) -> None:
    later = utcnow() + timedelta(hours=1)
    add_live(None, name="scheduled", state="scheduled", run_at=later)
    add_live(None, name="retrying", state="scheduled", run_at=later, attempt=1)
    add_live(None, name="dropped", state="scheduled", run_at=later, cancel_requested_at=utcnow())
    for state in ("scheduled", "retrying"):
        assert found(operator, "", state=state) == {state}
    assert found(operator, "", state="cancelled") == {"dropped"}


def test_pages_follow_each_other_whatever_is_searched(
    operator: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE_SIZE", 2)
    made = [
        add_live(shop, tags=["t"]) if number % 3 else add_finished(shop, "dead", tags=["t"])
        for number in range(7)
    ]
    expected = [str(job_id) for job_id in reversed(made)]
    for q in ("", "tag:t", "t", "name:tests.job", "arg.order_id:1 shop:acme"):
        seen: list[str] = []
        cursor = None
        while True:
            page = operator.get("/api/v1/jobs", params={"q": q, **({"cursor": cursor} if cursor else {})})
            seen += ids(page)
            cursor = page.json()["next_cursor"]
            if cursor is None:
                break
        assert seen == expected


def test_a_count_says_when_it_stopped(operator: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COUNT_CAP", 3)
    for _ in range(4):
        add_live(None)
    assert operator.get("/api/v1/jobs/count").json() == {"count": 3, "capped": True}
    assert operator.get("/api/v1/jobs/count?state=dead").json() == {"count": 0, "capped": False}


def test_a_common_term_is_found_by_walking(operator: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_repository, "COMMON", 2)
    made = [str(add_finished(None, "succeeded", tags=["common"])) for _ in range(4)]
    assert ids(operator.get("/api/v1/jobs?q=tag:common")) == made[::-1]
    monkeypatch.setattr(search_repository, "NEAR", 3)
    monkeypatch.setattr(search, "PAGE_SIZE", 1)
    assert ids(operator.get("/api/v1/jobs?q=tag:common")) == made[:-2:-1]
    assert operator.get("/api/v1/jobs/count?q=tag:common").json() == {"count": 4, "capped": False}


def test_the_text_of_errors_is_looked_for_among_the_newest(
    operator: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_repository, "WINDOW", 2)
    add_finished(None, "dead", name="old", error="ValueError: needle")
    add_finished(None, "succeeded", name="between")
    add_finished(None, "dead", name="hay", error="ValueError: hay")
    add_finished(None, "dead", name="new", error="ValueError: needle")
    assert found(operator, "error:needle") == {"new"}


SINGLE = [
    ("shop:acme", "shop_id"),
    ("name:a.job", "name"),
    ("queue:q1", "queue"),
    ("worker:w1@h", "worker"),
    ("worker:w1@h/1", "worker"),
    ("tag:t1", "terms"),
    ("arg.order_id:17", "terms"),
    ("error:no", "unsuccessful|fingerprint|dead_letters"),
    ("class:ValueError", "unsuccessful|fingerprint|dead_letters"),
    (f"fingerprint:{FINGERPRINT}", "fingerprint|dead_letters"),
    (f"root:{ROOT}", "root_id|pkey|pk_"),
    (f"batch:{BATCH}", "batch_id"),
    (f"id:{ROOT}", "pkey|pk_"),
    ("state:dead", "unsuccessful|fingerprint|dead_letters"),
    ("state:cancelled", "unsuccessful"),
    ("word", "terms|name"),
]


@pytest.fixture
def many(shop: Shop, other_shop: Shop) -> None:
    now = utcnow()
    add_many_finished(
        [
            {
                "shop": shop if number % 50 == 0 else other_shop,
                "state": "dead" if number % 200 == 0 else "cancelled" if number % 200 == 1 else "succeeded",
                "name": "a.job" if number % 100 == 0 else f"b.job{number % 7}",
                "queue": "q1" if number % 100 == 1 else "q2",
                "worker": f"w{1 if number % 100 == 2 else 2}@h/1",
                "args": {"order_id": number},
                "tags": ["t1"] if number % 500 == 3 else [],
                "root_id": ROOT if number % 500 == 4 else None,
                "batch_id": BATCH if number % 500 == 4 else None,
                "enqueued_at": now,
            }
            for number in range(6000)
        ]
    )
    login = make_engine(get_settings().database_url, None)
    with login.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE job_runs"))
    login.dispose()


def plans_of(session: Session, work: Any) -> list[str]:
    """The plan of every statement that the work runs on `job_runs`, with sequential scans as a last resort only."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        statements.append((statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    work()
    event.remove(connection, "before_cursor_execute", note)
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    raw = connection.connection.dbapi_connection
    assert raw is not None
    plans = []
    for statement, parameters in statements:
        if "job_runs" in statement:
            cursor = raw.cursor()
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    return plans


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("everyone", [True, False], ids=["operator", "shop"])
def test_no_search_reads_the_table_from_end_to_end(shop: Shop, everyone: bool) -> None:
    for q, index in SINGLE:
        with inside(None if everyone else shop) as session:
            scope = None if everyone else ShopId(shop.id)
            wanted = search.wanted_by(session, scope, query.parse(q), state=None)

            def work(session: Session = session, wanted: search_repository.Filter = wanted) -> None:
                search_repository.list_newest(session, wanted, after=None, limit=51)
                search_repository.count(session, wanted, cap=10_001)

            plans = plans_of(session, work)
        text_of_plans = "\n".join(plans)
        assert plans
        assert not re.search(r"Seq Scan on job_runs", text_of_plans), (q, text_of_plans)
        if everyone:
            # The partitions' indexes are named by PostgreSQL after their columns.
            assert re.search(rf"job_runs\w*_(?:{index}|{_columns(index)})\w*", text_of_plans), (
                q,
                text_of_plans,
            )


def _columns(index: str) -> str:
    known = {
        "unsuccessful": "state_id", "dead_letters": "fingerprint_id", "worker": "split_part",
    }  # fmt: skip
    return "|".join(known.get(name, name) for name in index.split("|"))


def test_suggestions_come_from_what_is_there(operator: TestClient, owner: TestClient, shop: Shop) -> None:
    add_finished(
        shop, "dead", tags=["nightly", "nine to five"], args={"campaign_id": 7, "email": "ada@example.com"}
    )

    def texts(client: TestClient, q: str, **parameters: Any) -> list[str]:
        items = client.get("/api/v1/jobs/suggest", params={"q": q, **parameters}).json()["items"]
        assert len(items) <= 10
        return [item["text"] for item in items]

    assert texts(operator, "tag:ni") == ["tag:nightly", 'tag:"nine to five"']
    assert texts(operator, "arg.campaign_id:") == ["arg.campaign_id:7"]
    assert texts(operator, "arg.email:") == []
    assert texts(operator, "queue:b") == ["queue:bulk"]
    assert texts(operator, "state:d") == ["state:dead"]
    assert texts(operator, "shop:ac") == ["shop:acme.myshopify.com"]
    assert texts(operator, "class:v") == ["class:ValueError"]
    assert texts(operator, "worker:bulk") == ["worker:bulk@host/4711"]
    assert texts(operator, "name:sync.imp") == ["name:sync.import"]
    assert texts(operator, "queue:bulk name:sync.imp") == ["name:sync.import"]
    assert texts(operator, "name:sync.imp tag:x", cursor_at=13) == ["name:sync.import"]
    assert texts(operator, "night")[-1] == "tag:nightly"
    assert "shop:" in texts(operator, "")
    assert texts(operator, 'error:"open') == []
    assert texts(owner, "tag:ni") == ["tag:nightly", 'tag:"nine to five"']
    assert texts(owner, "shop:ac") == []
    assert texts(owner, "worker:bulk") == []
    assert "shop:" not in texts(owner, "")


def test_a_family_of_nobody_is_empty(operator: TestClient) -> None:
    assert found(operator, f"root:{uuid4()}") == set()
